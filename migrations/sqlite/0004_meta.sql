-- The database's own state, in one row.

create table meta (
    one    integer not null primary key check (one = 1),
    -- The epoch is a hash of this.
    random blob not null,
    -- How often a server has been started on this file.
    boots  integer not null default 0
);

insert into meta (one, random) values (1, randomblob(16));
