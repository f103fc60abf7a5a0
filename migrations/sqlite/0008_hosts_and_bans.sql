-- People of a host's site, and people who are kept out.

-- The address that the host's site gave: shown to the person, not unique, and good for no sign-in.
alter table users add column host_email text;

create table bans (
    id         integer primary key autoincrement,
    user_id    integer not null unique references users (id),
    -- None: until it is lifted.
    until      integer,
    reason     text,
    -- None: by an operator's hand.
    by_user    integer references users (id),
    created_at integer not null
);

create index bans_by_end on bans (until) where until is not null;
