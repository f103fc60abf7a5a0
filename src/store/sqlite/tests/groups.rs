//! Groups and lanes over a back end that fails and holds when told to.

use crate::model::{Channel, UserId};
use crate::store::conformance::double::{Double, Fault};
use crate::store::conformance::support::*;
use crate::store::conformance::writes;
use crate::store::group::{GROUP_MAX, QUEUE_MAX};
use crate::store::{Backend, CommitSink, Rejection, Store, StoreError};
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

async fn double() -> (Database, Process, Arc<Double>) {
    let db = super::fixture().await.unwrap();
    let double = Arc::new(Double::of(db.backend().await, watch::Sender::default()));
    let backend: Arc<dyn Backend> = double.clone();
    let process = db.process_on(backend);
    (db, process, double)
}

async fn room_of(p: &Process) -> (Channel, UserId) {
    let ada = p.user("ada").await;
    (room(p.post(ada).await.id), ada)
}

fn unavailable<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable(_)))
}

/// The clause about held rooms, where only one room is held.
#[tokio::test]
async fn a_held_room_stalls_no_other_and_keeps_its_order() {
    let db = super::fixture().await.unwrap();
    let held = watch::Sender::<HashSet<Channel>>::default();
    let inner = db.backend().await;
    let hold = held.clone();
    let open = move || {
        let double = Double::of(inner.clone(), held.clone());
        async move { Arc::new(double) as Arc<dyn Backend> }.boxed()
    };
    let db = Database::new(open, db).holding(move |channel| {
        let hold = hold.clone();
        async move {
            hold.send_if_modified(|held| held.insert(channel));
            Held(async move { hold.send_modify(|held| held.retain(|other| *other != channel)) }.boxed())
        }
        .boxed()
    });
    writes::a_held_room_stalls_no_other_and_keeps_its_order(&db).await;
}

#[tokio::test]
async fn no_write_overtakes_those_that_wait_in_the_lane_of_its_room() {
    let db = super::fixture().await.unwrap();
    let held = watch::Sender::<HashSet<Channel>>::default();
    let double = Arc::new(Double::of(db.backend().await, held.clone()));
    let p = db.process_on(double.clone());
    let (channel, ada) = room_of(&p).await;
    let free = room(p.post(ada).await.id);
    held.send_if_modified(|held| held.insert(channel));
    double.slow(true);
    let mut first = p.write(publish(channel, "\"first\"")).boxed();
    assert!((&mut first).now_or_never().is_none());
    p.done(publish(free, "1")).await;
    // The row is free again, but the first write has not had it yet.
    held.send_modify(HashSet::clear);
    let mut second = p.write(publish(channel, "\"second\"")).boxed();
    assert!((&mut second).now_or_never().is_none());
    p.done(publish(free, "1")).await;
    double.slow(false);
    assert_eq!((first.await.unwrap().value, second.await.unwrap().value), (1, 2));
}

#[tokio::test]
async fn a_back_end_that_panics_or_answers_too_little_hangs_nobody() {
    let (_db, p, double) = double().await;
    let (room, _) = room_of(&p).await;
    double.next(Fault::Panics);
    assert!(unavailable(&p.write(publish(room, "1")).await));
    double.next(Fault::AnswersForOneOnly);
    let (first, second) = tokio::join!(p.write(publish(room, "1")), p.write(publish(room, "1")));
    assert!(matches!(first, Err(StoreError::Rejected(Rejection::NotFound("first")))));
    assert!(unavailable(&second));
    assert_eq!(p.done(publish(room, "1")).await.value, 1);
}

#[tokio::test]
async fn a_sink_that_panics_hangs_nobody() {
    struct Broken;
    impl CommitSink for Broken {
        fn committed(&self, _: Vec<crate::model::Event>) {
            panic!("as told");
        }
    }
    let db = super::fixture().await.unwrap();
    let p = db.process().await;
    let (room, _) = room_of(&p).await;
    let store = Store::start(p.backend.clone(), db.clock.clone(), Arc::new(Broken), Duration::ZERO);
    assert_eq!(store.write(publish(room, "1")).await.unwrap().value, 1);
    assert_eq!(store.write(publish(room, "1")).await.unwrap().value, 2);
}

#[tokio::test]
async fn what_waits_beyond_the_bound_is_turned_away_at_once() {
    let (_db, p, double) = double().await;
    let (room, _) = room_of(&p).await;
    double.next(Fault::NeverReturns);
    assert!(p.write(publish(room, "1")).now_or_never().is_none());
    tokio::task::yield_now().await;
    let mut waiting: Vec<_> = (0..QUEUE_MAX).map(|_| p.write(publish(room, "1")).boxed()).collect();
    assert!(waiting.iter_mut().all(|write| write.now_or_never().is_none()), "there is room for these");
    assert!(unavailable(&p.write(publish(room, "1")).now_or_never().unwrap()));
}

#[tokio::test]
async fn a_write_that_waited_too_long_is_not_tried() {
    let (db, p, _double) = double().await;
    let (room, _) = room_of(&p).await;
    let mut waiting = p.write(publish(room, "1")).boxed();
    assert!((&mut waiting).now_or_never().is_none());
    db.clock.advance(Duration::from_secs(5));
    assert!(unavailable(&waiting.await));
    assert_eq!(p.done(publish(room, "1")).await.value, 1);
}

#[tokio::test]
async fn groups_hold_what_waits_and_no_more_than_their_bound() {
    let (_db, p, _double) = double().await;
    let (room, _) = room_of(&p).await;
    let before = p.store.groups();
    let writes = GROUP_MAX * 2 + 10;
    let answers = join_all((0..writes).map(|_| p.write(publish(room, "1")))).await;
    assert!(answers.iter().all(Result::is_ok));
    let after = p.store.groups();
    assert_eq!((after.groups - before.groups, after.members - before.members), (3, writes as u64));
}

#[tokio::test]
async fn a_lane_that_is_full_turns_away_what_comes_and_serves_what_waits() {
    let db = super::fixture().await.unwrap();
    let held = watch::Sender::<HashSet<Channel>>::default();
    let double: Arc<dyn Backend> = Arc::new(Double::of(db.backend().await, held.clone()));
    let p = db.process_on(double);
    let (room, ada) = room_of(&p).await;
    held.send_if_modified(|held| held.insert(room));
    let writes = (0..2_000).map(|_| p.write(publish(room, "1")));
    let watched = async {
        // A room that is free answers while those wait, and by then they are where they belong.
        let free = p.post(ada).await;
        p.done(publish(Channel::Post(free.id), "1")).await;
        held.send_modify(HashSet::clear);
    };
    let (answers, ()) = tokio::join!(join_all(writes), watched);
    let served = answers.iter().filter(|answer| answer.is_ok()).count();
    let turned_away = answers.iter().filter(|answer| unavailable(answer)).count();
    assert_eq!(served + turned_away, 2_000);
    assert!(turned_away > 0 && served >= 1_024, "{served} served");
    assert_eq!(p.log(room).await.len(), served);
}
