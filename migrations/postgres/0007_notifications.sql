-- What people are told on their own channel, and what they have read of it. Every row here belongs to the channel of
-- its person and is touched under that channel's lock only.

create table notifications (
    id         bigint generated always as identity primary key,
    user_id    bigint not null,
    -- What is told by one row however often it happens: `reaction:{comment}`, `host:{kind}:{group}`, or one of its own.
    group_key  text collate "C" not null,
    kind       text not null,
    -- Of back ends. For the hub's own kinds the rows of post and comment tell.
    title      text,
    body       text,
    url        text,
    post_id    bigint,
    comment_id bigint,
    -- People who reacted, or how often a back end told it.
    count      bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    -- When it was read by itself; `inboxes` knows when all were.
    read_at    bigint,
    -- The last event that made or changed it: the order of the inbox.
    seq        bigint not null,
    unique (user_id, group_key)
) with (fillfactor = 90);

create index notifications_newest on notifications (user_id, seq nulls first);
create index notifications_unread on notifications (user_id, seq nulls first) where read_at is null;
create index notifications_about on notifications (post_id, comment_id) where post_id is not null;

-- Who reacted. The other kinds have one actor, the comment's author.
create table notification_actors (
    notification_id bigint not null,
    user_id         bigint not null,
    at              bigint not null,
    primary key (notification_id, user_id)
);

create index notification_actors_latest on notification_actors (notification_id, at, user_id);

-- How far people have read all there was: reading all is one row, however much it was.
create table inboxes (
    user_id  bigint not null primary key,
    read_seq bigint not null,
    read_at  bigint not null
);

-- Deleted posts whose notifications are still to be taken back.
create table takebacks (
    post_id bigint not null primary key
);

-- Notifications that are gone are looked for by those who dismiss them again.
create index events_taken on events (channel, subject_id) where kind = 'notification.deleted';

-- The unread notifications after an event of a person's channel.
alter table events add column unread bigint;

-- Whom a comment has told, as JSON: ids of people. Nobody is told twice, whatever becomes of the notification.
alter table comments add column told text;
