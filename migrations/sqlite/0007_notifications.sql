-- What people are told on their own channel, and what they have read of it. Every row here belongs to the channel of
-- its person and is touched under that channel's lock only.

create table notifications (
    id         integer primary key autoincrement,
    user_id    integer not null,
    -- What is told by one row however often it happens: `reaction:{comment}`, `host:{kind}:{group}`, or one of its own.
    group_key  text not null,
    kind       text not null,
    -- Of back ends. For the hub's own kinds the rows of post and comment tell.
    title      text,
    body       text,
    url        text,
    post_id    integer,
    comment_id integer,
    -- People who reacted, or how often a back end told it.
    count      integer not null,
    created_at integer not null,
    updated_at integer not null,
    -- When it was read by itself; `inboxes` knows when all were.
    read_at    integer,
    -- The last event that made or changed it: the order of the inbox.
    seq        integer not null,
    unique (user_id, group_key)
);

create index notifications_newest on notifications (user_id, seq);
create index notifications_unread on notifications (user_id, seq) where read_at is null;
create index notifications_about on notifications (post_id, comment_id) where post_id is not null;

-- Who reacted. The other kinds have one actor, the comment's author.
create table notification_actors (
    notification_id integer not null,
    user_id         integer not null,
    at              integer not null,
    primary key (notification_id, user_id)
);

create index notification_actors_latest on notification_actors (notification_id, at, user_id);

-- How far people have read all there was: reading all is one row, however much it was.
create table inboxes (
    user_id  integer not null primary key,
    read_seq integer not null,
    read_at  integer not null
);

-- Deleted posts whose notifications are still to be taken back.
create table takebacks (
    post_id integer not null primary key
);

-- Notifications that are gone are looked for by those who dismiss them again.
create index events_taken on events (channel, subject_id) where kind = 'notification.deleted';

-- The unread notifications after an event of a person's channel.
alter table events add column unread integer;

-- Whom a comment has told, as JSON: ids of people. Nobody is told twice, whatever becomes of the notification.
alter table comments add column told text;
