//! Ends of the bus over Redis, for its tests.

#[path = "../../tests/redis_server.rs"]
pub mod server;

use super::RedisBus;
use crate::bus::conformance::seqs;
use crate::bus::{Bus, Incoming};
use crate::model::EpochCell;
use crate::model::clock::DatabaseClock;
use crate::model::random::{Entropy, SharedEntropy, SystemEntropy};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// An end whose database has this epoch.
pub fn end(url: &str, epoch: &EpochCell) -> Arc<RedisBus> {
    let entropy: SharedEntropy = Arc::new(SystemEntropy);
    RedisBus::start(url, epoch.clone(), Arc::new(DatabaseClock::new()), &entropy).unwrap()
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let mut looks = interval(Duration::from_millis(5));
    // A look may take longer than that: what is waited for must have its turn in between.
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let waiting = async {
        while !is_so() {
            looks.tick().await;
        }
    };
    timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

/// Whether an end has a connection that it believes in.
pub fn is_up(bus: &RedisBus) -> bool {
    bus.shared.up.load(Ordering::Relaxed)
}

/// Waits until an end carries.
pub async fn connected(bus: &RedisBus) {
    until("a connection", || is_up(bus) && bus.delivery().is_up()).await;
}

/// An epoch that no other test has.
pub fn epoch() -> EpochCell {
    EpochCell::new(format!("test-{:x}", SystemEntropy.below(u64::MAX)))
}

/// Two ends that carry.
pub async fn ends(url: &str) -> (Arc<RedisBus>, Arc<RedisBus>) {
    let epoch = epoch();
    let (a, b) = (end(url, &epoch), end(url, &epoch));
    connected(&a).await;
    connected(&b).await;
    (a, b)
}

/// The same, and what the second is told, its first gap taken away.
pub async fn pair(url: &str) -> (Arc<RedisBus>, Arc<RedisBus>, Receiver<Incoming>) {
    let (a, b) = ends(url).await;
    let mut incoming = b.incoming().unwrap();
    assert_eq!(seqs(&mut incoming, 1).await, [None]);
    (a, b, incoming)
}
