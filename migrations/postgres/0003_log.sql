-- Channels, their logs, and what makes a retry harmless.

-- One row a channel; whoever appends holds it until the commit. Counters are columns here because they are counted
-- under that lock and never by a query. Half of each page stays free: a hot row is rewritten in place, thousands of
-- times a second, and no index is touched. Names are in byte order, in which they are locked.
create table channels (
    name          text collate "C" not null primary key,
    head          bigint not null default 0,
    -- Events up to here are deleted.
    floor         bigint not null default 0,
    comment_count bigint not null default 0,
    unread        bigint not null default 0,
    closed        boolean not null default false
) with (fillfactor = 50);

-- The internal channel of ended sessions and changed roles.
insert into channels (name) values ('revocations');

-- Events point, rows tell: only what no row holds stands here, as JSON in `facts`. There is no foreign key to the
-- channel, whose row the same transaction has just changed.
create table events (
    id         bigint generated always as identity primary key,
    channel    text collate "C" not null,
    seq        bigint not null,
    at         bigint not null,
    kind       text not null,
    -- The comment, post, session or person it tells of.
    subject_id bigint,
    actor_id   bigint,
    facts      text,
    unique (channel, seq)
);

create table idempotency_keys (
    -- `u:{user}` or `k:{api key}`.
    caller      text collate "C" not null,
    action      text collate "C" not null,
    key         text collate "C" not null,
    fingerprint bytea not null,
    -- What it caused: the row's id, and the event's seq.
    subject_id  bigint,
    seq         bigint not null,
    created_at  bigint not null,
    primary key (caller, action, key)
);

create index idempotency_keys_by_age on idempotency_keys (created_at);
