-- Reactions, and what a comment tells of them: a map of emoji and number, and how many there are in all. Both are changed
-- with the rows, under the lock of the post's channel.

create table reactions (
    comment_id integer not null references comments (id),
    user_id    integer not null references users (id),
    -- As the Unicode list of emoji writes it.
    emoji      text not null,
    created_at integer not null,
    primary key (comment_id, user_id, emoji)
) without rowid;

alter table comments add column reactions text not null default '{}';
alter table comments add column reaction_count integer not null default 0;

-- The lists by number of reactions.
create index comments_flat_top on comments (post_id, reaction_count desc, id);
create index comments_roots_top on comments (post_id, reaction_count desc, id) where parent_id is null;
create index comments_replies_top on comments (parent_id, reaction_count desc, id) where parent_id is not null;
