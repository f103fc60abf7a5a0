-- What posts are found by: tags, the words of title and body, and who takes part.

-- A list of text as JSON, in the order given.
alter table posts add column tags text not null default '[]';

create table post_tags (
    tag     text not null,
    post_id integer not null references posts (id),
    primary key (tag, post_id)
) without rowid;

-- The row is the post's id. Words are cut by the server and kept in digits, so that no tokenizer cuts them again.
create virtual table post_words using fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii', detail = none);

-- Who wrote comments that are not deleted, and how many. Counted under the lock of the post's channel.
create table participants (
    post_id  integer not null references posts (id),
    user_id  integer not null references users (id),
    comments integer not null,
    primary key (post_id, user_id)
) without rowid;

insert into participants (post_id, user_id, comments)
select post_id, author_id, count(*) from comments where deleted_at is null group by post_id, author_id;
