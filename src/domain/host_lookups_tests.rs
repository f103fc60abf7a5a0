//! What waits for a query, how much of it, and whom a failure is of. How few queries a storm takes is tested from
//! outside.

use super::*;
use crate::model::clock::DatabaseClock;
use crate::model::{EpochCell, Event, SessionId, Timestamp};
use crate::store::sqlite::{Mode, Options, Sqlite};
use crate::store::write::EnsurePeople;
use crate::store::{CommitSink, Store};
use futures_util::future::join_all;
use tempfile::TempDir;

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: Vec<Event>) {}
}

/// A desk over an empty database, and its folder.
async fn desk() -> (Arc<Desk>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(Mode::Serve, folder.path());
    let backend = Sqlite::connect(&folder.path().join("belfry.db"), options).await.unwrap();
    let clock = Arc::new(DatabaseClock::new());
    let store = Arc::new(Store::start(Arc::new(backend), clock.clone(), Arc::new(Nobody), Duration::ZERO));
    (Arc::new(Desk::new(store, clock, EpochCell::default(), 100)), folder)
}

fn token(external_id: &str, name: &str, signed_at: i64) -> HostToken {
    let (signed_at, expires_at) = (Timestamp(signed_at), Timestamp(i64::MAX));
    HostToken {
        external_id: external_id.into(),
        name: name.into(),
        picture: None,
        signed_at,
        expires_at,
        session_id: SessionId(-1),
    }
}

fn name(answer: &Answer) -> Result<&str, ErrorCode> {
    answer.as_ref().map(|known| known.account.user.name.as_str()).map_err(|error| error.code)
}

#[tokio::test]
async fn so_many_wait_and_not_one_more_and_so_many_are_made_by_one_write() {
    let (desk, _folder) = desk().await;
    let lookups = Lookups::start(desk.clone(), Together { at_once: 3, most: 7 });
    // All are asked before the first is looked up.
    let asks = (0..8).map(|n| lookups.ask(token(&format!("u-{n}"), "Ada", 0)));
    let answers = join_all(asks).await;
    let names: Vec<_> = answers.iter().map(name).collect();
    assert_eq!(names[..7], [Ok("Ada"); 7]);
    let refused = answers[7].as_ref().unwrap_err();
    assert_eq!((refused.code, refused.retry_after), (ErrorCode::Unavailable, Some(Duration::from_secs(1))));
    assert_eq!(desk.store.groups().members, 3);
    // Now there is room, and they are there.
    let again = join_all((0..7).map(|n| lookups.ask(token(&format!("u-{n}"), "Ada", 0)))).await;
    let ids =
        |answers: &[Answer]| answers.iter().map(|known| known.as_ref().unwrap().account.user.id).collect::<Vec<_>>();
    assert_eq!((ids(&again), desk.store.groups().members), (ids(&answers[..7]), 3));
}

#[tokio::test]
async fn of_several_tokens_of_a_person_the_one_signed_last_is_kept() {
    let (desk, _folder) = desk().await;
    let lookups = Lookups::start(desk.clone(), Together::default());
    let told = [("Old", 1), ("New", 3), ("Between", 2)];
    let answers = join_all(told.map(|(name, at)| lookups.ask(token("u-1", name, at)))).await;
    assert!(answers.iter().all(|answer| name(answer) == Ok("New")), "{answers:?}");
    assert_eq!(desk.store.groups().members, 1);
}

#[tokio::test]
async fn who_cannot_be_kept_is_refused_and_those_beside_them_are_not() {
    let (desk, _folder) = desk().await;
    // All that Ada's handle could be is taken: her id will be the eleventh.
    let handles = ["ada".to_owned(), "ada_11".to_owned()].into_iter().chain((2..10).map(|n| format!("ada_11_{n}")));
    let people = handles.map(|handle| (handle, "Squatter".to_owned())).collect();
    desk.store.write(EnsurePeople { people }).await.unwrap();
    let lookups = Lookups::start(desk.clone(), Together::default());
    let answers = join_all(["Ada", "Bob", "Eve"].map(|name| lookups.ask(token(name, name, 0)))).await;
    let names: Vec<_> = answers.iter().map(name).collect();
    assert_eq!(names, [Err(ErrorCode::Conflict), Ok("Bob"), Ok("Eve")]);
}

#[tokio::test]
async fn without_a_database_all_who_wait_are_told_so() {
    let (desk, _folder) = desk().await;
    let lookups = Lookups::start(desk.clone(), Together::default());
    desk.store.close().await;
    let answers = join_all((0..5).map(|n| lookups.ask(token(&format!("u-{n}"), "Ada", 0)))).await;
    assert!(answers.iter().all(|answer| name(answer) == Err(ErrorCode::Unavailable)), "{answers:?}");
}
