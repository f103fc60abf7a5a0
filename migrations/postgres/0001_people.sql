-- People and what they sign in with.

create table users (
    id            bigint generated always as identity primary key,
    name          text not null,
    handle        text collate "C" not null unique,
    -- None for people without a built-in account. Lower case by ASCII alone, whatever the database's locale.
    email         text collate "C" unique check (email = lower(email)),
    password_hash text,
    avatar_url    text,
    role          text not null default 'user' check (role in ('user', 'moderator', 'admin')),
    -- The host site's own name for a person.
    external_id   text collate "C" unique,
    created_at    bigint not null
);

create table sessions (
    id              bigint generated always as identity primary key,
    user_id         bigint not null references users (id),
    created_at      bigint not null,
    -- When the last access token issued in it ends: a revocation is kept until then.
    last_access_exp bigint not null,
    -- When nothing of it is good any longer and the row may go.
    ends_at         bigint not null,
    ended_at        bigint,
    in_body         boolean not null
);

create index sessions_by_user on sessions (user_id);
create index sessions_by_end on sessions (ends_at);

create table refresh_tokens (
    hash       bytea not null primary key,
    session_id bigint not null references sessions (id) on delete cascade,
    expires_at bigint not null,
    spent_at   bigint
);

create index refresh_tokens_by_session on refresh_tokens (session_id);
create index refresh_tokens_by_end on refresh_tokens (expires_at);

create table revocations (
    session_id bigint not null primary key,
    user_id    bigint not null,
    until      bigint not null
);

create index revocations_by_end on revocations (until);

create table api_keys (
    id         bigint generated always as identity primary key,
    name       text not null,
    hash       bytea not null unique,
    -- Names with a space between.
    scopes     text not null,
    created_at bigint not null
);
