-- Reactions, and what a comment tells of them: a map of emoji and number, and how many there are in all. Both are changed
-- with the rows, under the lock of the post's channel.

create table reactions (
    comment_id bigint not null references comments (id),
    user_id    bigint not null references users (id),
    -- As the Unicode list of emoji writes it.
    emoji      text collate "C" not null,
    created_at bigint not null,
    primary key (comment_id, user_id, emoji)
);

alter table comments
    add column reactions text not null default '{}',
    add column reaction_count bigint not null default 0;

-- The lists by number of reactions. The number is turned round so that a page begins at one place of the index: behind a
-- number and an id, both rising.
create index comments_flat_top on comments (post_id, (-reaction_count) nulls first, id nulls first);
create index comments_roots_top on comments (post_id, (-reaction_count) nulls first, id nulls first)
    where parent_id is null;
create index comments_replies_top on comments (parent_id, (-reaction_count) nulls first, id nulls first)
    where parent_id is not null;
