-- People of a host's site, and people who are kept out.

-- The address that the host's site gave: shown to the person, not unique, and good for no sign-in.
alter table users add column host_email text;

create table bans (
    id         bigint generated always as identity primary key,
    user_id    bigint not null unique references users (id),
    -- None: until it is lifted.
    until      bigint,
    reason     text,
    -- None: by an operator's hand.
    by_user    bigint references users (id),
    created_at bigint not null
);

create index bans_by_end on bans (until) where until is not null;
