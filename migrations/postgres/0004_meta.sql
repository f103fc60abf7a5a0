-- The database's own state, in one row.

create table meta (
    one    bigint not null primary key check (one = 1),
    -- The epoch is a hash of this.
    random bytea not null,
    -- How often a server has been started on this file; nothing counts it here, where a restored copy is known by
    -- the server's own identity.
    boots  bigint not null default 0
);

insert into meta (one, random) values (1, uuid_send(gen_random_uuid()));
