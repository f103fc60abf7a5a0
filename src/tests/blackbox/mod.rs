//! Belfry seen from outside: the built binary, its sockets and its REST, and nothing that only a test could see.
//!
//! `BELFRY_BIN` names another binary to hold to the same promises; `BELFRY_TEST_POSTGRES` a Postgres server where
//! databases may be created, without which the Postgres half is left out (and fails where `CI` is set).
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test fails the test where it stands")]

mod support;
mod history;
mod checker;
mod checker_tests;
mod checker_inbox_tests;
mod client;
mod mind;
mod traffic;
mod kill_nine;
mod slow_reader;
mod lifecycle;
mod resume;
mod revoked;
mod bounds;
mod faults;
