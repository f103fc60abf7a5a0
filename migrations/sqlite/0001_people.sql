-- People and what they sign in with.

create table users (
    id            integer primary key autoincrement,
    name          text not null,
    handle        text not null unique,
    -- None for people without a built-in account.
    email         text unique check (email = lower(email)),
    password_hash text,
    avatar_url    text,
    role          text not null default 'user' check (role in ('user', 'moderator', 'admin')),
    -- The host site's own name for a person.
    external_id   text unique,
    created_at    integer not null
);

create table sessions (
    id              integer primary key autoincrement,
    user_id         integer not null references users (id),
    created_at      integer not null,
    -- When the last access token issued in it ends: a revocation is kept until then.
    last_access_exp integer not null,
    -- When nothing of it is good any longer and the row may go.
    ends_at         integer not null,
    ended_at        integer,
    in_body         boolean not null
);

create index sessions_by_user on sessions (user_id);
create index sessions_by_end on sessions (ends_at);

create table refresh_tokens (
    hash       blob not null primary key,
    session_id integer not null references sessions (id) on delete cascade,
    expires_at integer not null,
    spent_at   integer
) without rowid;

create index refresh_tokens_by_session on refresh_tokens (session_id);
create index refresh_tokens_by_end on refresh_tokens (expires_at);

create table revocations (
    session_id integer not null primary key,
    user_id    integer not null,
    until      integer not null
);

create index revocations_by_end on revocations (until);

create table api_keys (
    id         integer primary key autoincrement,
    name       text not null,
    hash       blob not null unique,
    -- Names with a space between.
    scopes     text not null,
    created_at integer not null
);
