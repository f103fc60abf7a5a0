-- Posts and the comments below them. Rows are never deleted: a deleted one loses its text and keeps its place.

create table posts (
    id         bigint generated always as identity primary key,
    -- None for a page of the host's site.
    author_id  bigint references users (id),
    title      text not null,
    body       text not null,
    html       text not null,
    page_key   text collate "C" unique,
    url        text,
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);

-- Lists ask for `nulls first`, which only these indexes give: a planner that believes one post to own nearly all rows
-- would otherwise walk the primary key and pass every row of the others.
create index posts_live on posts (id nulls first) where deleted_at is null;

-- Room is left in each page so that counting a reply rewrites a row where it stands, without touching an index.
create table comments (
    id          bigint generated always as identity primary key,
    post_id     bigint not null references posts (id),
    parent_id   bigint references comments (id),
    -- None for a root, which is its own.
    root_id     bigint,
    depth       bigint not null,
    author_id   bigint not null references users (id),
    body        text not null,
    html        text not null,
    -- The idempotency key its author gave.
    key         text,
    seq         bigint not null,
    updated_seq bigint not null,
    reply_count bigint not null default 0,
    created_at  bigint not null,
    edited_at   bigint,
    deleted_at  bigint
) with (fillfactor = 90);

-- One index for each list, so that any page of any post is read in steps bounded by its limit.
create index comments_flat on comments (post_id, id nulls first);
create index comments_roots on comments (post_id, id nulls first) where parent_id is null;
create index comments_replies on comments (parent_id, id nulls first) where parent_id is not null;
