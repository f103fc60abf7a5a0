//! Epoch and time.

use super::support::*;
use crate::store::write::*;

pub async fn every_process_sees_the_same_epoch_until_a_new_one_is_drawn(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let epoch = p.store.read().control().await.unwrap().epoch;
    assert!(epoch.len() >= 8 && epoch.is_ascii(), "{epoch:?}");
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    p.done(publish(room(post.id), "1")).await;
    for process in [&p, &q, &db.process().await] {
        assert_eq!(process.store.read().control().await.unwrap().epoch, epoch);
    }
    let renewed = p.done(RenewEpoch).await;
    assert_ne!(renewed, epoch);
    for process in [&p, &q, &db.process().await] {
        assert_eq!(process.store.read().control().await.unwrap().epoch, renewed);
    }
    assert_eq!(seqs(&p.log(room(post.id)).await), [1]);
    assert_ne!(q.done(RenewEpoch).await, renewed);
}

pub async fn the_database_tells_its_time(db: &Database) {
    let p = db.process().await;
    let first = p.store.read().control().await.unwrap().now;
    let second = p.store.read().control().await.unwrap().now;
    assert!(first <= second);
    // The fixture's clock began with this machine's time, and the database is not far away.
    assert!((first.0 - p.store_now().0).abs() < 60_000, "{first} {}", p.store_now());
}
