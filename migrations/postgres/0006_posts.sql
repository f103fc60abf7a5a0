-- What posts are found by: tags, the words of title and body, and who takes part.

-- A list of text as JSON, in the order given.
alter table posts add column tags text not null default '[]';

create table post_tags (
    tag     text collate "C" not null,
    post_id bigint not null references posts (id),
    primary key (tag, post_id)
);

-- Words are cut by the server and only kept here.
create table post_words (
    post_id bigint primary key references posts (id),
    words   tsvector not null
);

create index post_words_by_word on post_words using gin (words);

-- Who wrote comments that are not deleted, and how many. Counted under the lock of the post's channel.
create table participants (
    post_id  bigint not null references posts (id),
    user_id  bigint not null references users (id),
    comments bigint not null,
    primary key (post_id, user_id)
);

insert into participants (post_id, user_id, comments)
select post_id, author_id, count(*) from comments where deleted_at is null group by post_id, author_id;
