-- Channels, their logs, and what makes a retry harmless.

-- One row a channel; whoever appends holds it until the commit. Counters are columns here because they are counted
-- under that lock and never by a query.
create table channels (
    name          text not null primary key,
    head          integer not null default 0,
    -- Events up to here are deleted.
    floor         integer not null default 0,
    comment_count integer not null default 0,
    unread        integer not null default 0,
    closed        boolean not null default false
) without rowid;

-- The internal channel of ended sessions and changed roles.
insert into channels (name) values ('revocations');

-- Events point, rows tell: only what no row holds stands here, as JSON in `facts`. There is no foreign key to the
-- channel, whose row the same transaction has just changed.
create table events (
    id         integer primary key autoincrement,
    channel    text not null,
    seq        integer not null,
    at         integer not null,
    kind       text not null,
    -- The comment, post, session or person it tells of.
    subject_id integer,
    actor_id   integer,
    facts      text,
    unique (channel, seq)
);

create table idempotency_keys (
    -- `u:{user}` or `k:{api key}`.
    caller      text not null,
    action      text not null,
    key         text not null,
    fingerprint blob not null,
    -- What it caused: the row's id, and the event's seq.
    subject_id  integer,
    seq         integer not null,
    created_at  integer not null,
    primary key (caller, action, key)
) without rowid;

create index idempotency_keys_by_age on idempotency_keys (created_at);
