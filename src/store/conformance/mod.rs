//! The store's contract, executable: each clause is one test per back end.
//!
//! A back end brings one function that makes an empty database, and one line in a test module of its own:
//!
//! ```ignore
//! // src/store/postgres/testing.rs
//! pub async fn fixture() -> Option<Database> {
//!     let url = required_in_ci("BELFRY_TEST_POSTGRES")?;                // None skips; never in CI
//!     let schema = Schema::make(&url).await;                            // empty, its own, dropped with the Database
//!     let open = move || -> BoxFuture<'static, Arc<dyn Backend>> { … }; // one more process on the same database
//!     Some(Database::new(open, schema).holding(move |channel| { … }))   // where a row can be held alone
//! }
//! crate::store::conformance::conformance!(postgres, crate::store::postgres::testing::fixture);
//! ```
//!
//! A clause is `pub async fn a_sentence(db: &Database)` in one of the files here, and is listed in [`conformance`]; one
//! that is forgotten there is dead code, which does not pass the linter. Time is the fixture's [`ManualClock`], which
//! starts at the machine's time; nothing sleeps.

pub(crate) mod accounts;
pub(crate) mod comments;
pub(crate) mod control;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod pages;
pub(crate) mod posts;
pub(crate) mod prune;
pub(crate) mod sessions;
pub(crate) mod support;
pub(crate) mod writes;

pub(crate) use support::{Database, Held, required_in_ci};

/// Runs every clause on the back end called `$name`, whose empty databases `$fixture` makes.
macro_rules! conformance {
    ($name:ident, $fixture:path) => {
        mod $name {
            $crate::store::conformance::clauses! { $fixture;
                writes {
                    a_refused_write_leaves_nothing_and_spoils_no_neighbour,
                    seqs_have_no_holes_and_follow_the_commits_of_all_processes,
                    the_sink_hears_of_a_write_before_its_caller_and_in_order,
                    a_caller_that_goes_away_undoes_nothing,
                    what_waits_is_finished_when_the_store_closes,
                    a_held_room_stalls_no_other_and_keeps_its_order,
                    publishing_reaches_posts_and_people_that_are_there_and_nothing_else,
                }
            }
        }
    };
}
pub(crate) use conformance;

/// One test per clause.
macro_rules! clauses {
    ($fixture:path; $($file:ident { $($clause:ident),* $(,)? })*) => {$(
        mod $file {
            $(
                #[tokio::test]
                async fn $clause() {
                    let Some(db) = $fixture().await else { return };
                    $crate::store::conformance::$file::$clause(&db).await;
                }
            )*
        }
    )*};
}
pub(crate) use clauses;
