-- Posts and the comments below them. Rows are never deleted: a deleted one loses its text and keeps its place.

create table posts (
    id         integer primary key autoincrement,
    -- None for a page of the host's site.
    author_id  integer references users (id),
    title      text not null,
    body       text not null,
    html       text not null,
    page_key   text unique,
    url        text,
    created_at integer not null,
    updated_at integer not null,
    deleted_at integer
);

create index posts_live on posts (id) where deleted_at is null;

create table comments (
    id          integer primary key autoincrement,
    post_id     integer not null references posts (id),
    parent_id   integer references comments (id),
    -- None for a root, which is its own.
    root_id     integer,
    depth       integer not null,
    author_id   integer not null references users (id),
    body        text not null,
    html        text not null,
    -- The idempotency key its author gave.
    key         text,
    seq         integer not null,
    updated_seq integer not null,
    reply_count integer not null default 0,
    created_at  integer not null,
    edited_at   integer,
    deleted_at  integer
);

-- One index for each list, so that any page of any post is read in steps bounded by its limit.
create index comments_flat on comments (post_id, id);
create index comments_roots on comments (post_id, id) where parent_id is null;
create index comments_replies on comments (parent_id, id) where parent_id is not null;
