//! The bus between processes, over Redis 7 or newer: sharded publish and subscribe, of one server or of a cluster.
//!
//! Redis carries, and keeps nothing but counts of attempts for a while (`tally`). Messages are whole, so that nobody reads
//! the store for what Redis brought; whatever it loses, doubles or reorders is corrected by numbers, and without it the
//! sweep carries. One task keeps one connection at a time (`session`), and makes another when it ends, with everything
//! wanted subscribed to anew.

#[cfg(test)]
mod cluster_tests;
mod link;
mod outbox;
mod session;
mod tally;
#[cfg(test)]
mod tally_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod wanted;
mod wire;

use super::inbound::Inbound;
use super::{Bus, BusError, Delivery, Incoming, Message, Node, Tally};
use crate::metrics::{self, Gap, Unpublished};
use crate::model::clock::SharedClock;
use crate::model::random::SharedEntropy;
use crate::model::{Channel, EpochCell};
use async_trait::async_trait;
use fred::clients::Client;
use link::Address;
use outbox::{Letter, Outbox, Refused};
use parking_lot::Mutex;
use session::End;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tally::Counter;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use wanted::Wanted;

/// Messages the hub may leave unread before it loses some.
const CAPACITY: usize = 8_192;
/// Shortest pause before the next attempt to connect, about; doubled with each that fails.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest such pause: how long after Redis is back it may take to be used again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One instance's end of the bus over Redis. Its task ends when it is dropped.
pub struct RedisBus {
    shared: Arc<Shared>,
    _running: DropGuard,
}

/// What the connection of the day and the instance share.
struct Shared {
    address: Address,
    node: Node,
    epoch: EpochCell,
    clock: SharedClock,
    entropy: SharedEntropy,
    started: Instant,
    inbound: Inbound,
    outbox: Outbox,
    wanted: Wanted,
    counter: Counter,
    /// There is a connection that has confirmed all it began with.
    up: AtomicBool,
    /// When a word to oneself last came back.
    heard: Mutex<Option<Instant>>,
}

impl RedisBus {
    /// Begins to connect as soon as the epoch is known, and never gives up; it is no failure if nobody is there.
    pub fn start(
        url: &str,
        epoch: EpochCell,
        clock: SharedClock,
        entropy: &SharedEntropy,
    ) -> Result<Arc<Self>, BusError> {
        let shared = Arc::new(Shared {
            address: Address::read(url)?,
            node: Node(entropy.below(u64::MAX)),
            epoch,
            started: clock.instant(),
            clock,
            entropy: entropy.clone(),
            inbound: Inbound::new(CAPACITY),
            outbox: Outbox::default(),
            wanted: Wanted::default(),
            counter: Counter::default(),
            up: AtomicBool::new(false),
            heard: Mutex::new(None),
        });
        let ended = CancellationToken::new();
        let (task, token) = (shared.clone(), ended.clone());
        tokio::spawn(async move { token.run_until_cancelled(task.connect_again_and_again()).await });
        Ok(Arc::new(Self { shared, _running: ended.drop_guard() }))
    }
}

#[async_trait]
impl Bus for RedisBus {
    fn node(&self) -> Node {
        self.shared.node
    }

    fn publish(&self, message: Message) {
        let reason = match self.shared.outbox.put(Letter::Message(self.shared.epoch.get(), message)) {
            Ok(()) => return,
            Err(Refused::Down) => Unpublished::Down,
            Err(Refused::Full) => Unpublished::Full,
        };
        metrics::bus_unpublished(reason, 1);
    }

    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError> {
        if channels.is_empty() { Ok(()) } else { self.shared.wanted.add(channels).await }
    }

    async fn unsubscribe(&self, channels: &[Channel]) {
        self.shared.wanted.remove(channels);
    }

    fn incoming(&self) -> Option<mpsc::Receiver<Incoming>> {
        self.shared.inbound.reader()
    }

    fn delivery(&self) -> Delivery {
        let now = self.shared.clock.instant();
        Delivery::Proved(self.shared.heard_at().map(|at| now.saturating_duration_since(at)))
    }

    async fn flush(&self) {
        let (sender, sent) = oneshot::channel();
        if self.shared.outbox.put(Letter::Mark(sender)).is_ok() {
            let _ = sent.await;
        }
    }

    fn tally(self: Arc<Self>) -> Option<Arc<dyn Tally>> {
        Some(self)
    }
}

impl Shared {
    async fn connect_again_and_again(&self) {
        self.epoch.other_than("").await;
        let mut failures = 0;
        loop {
            let end = session::run(self).await;
            let was_up = self.down();
            match &end {
                End::Epoch | End::Moved => tracing::info!(?end, "the bus is connected to anew"),
                _ if was_up || failures == 0 => tracing::warn!(?end, "no bus: what others write is found by looking"),
                _ => tracing::debug!(?end, "still no bus"),
            }
            failures = if was_up { 1 } else { failures + 1 };
            if !(was_up && matches!(end, End::Epoch | End::Moved)) {
                sleep(self.pause(failures)).await;
            }
        }
    }

    /// Between half of it and all of it, so that instances do not come back all at once.
    fn pause(&self, failures: u32) -> Duration {
        let longest = (PAUSE * (1 << failures.saturating_sub(1).min(10))).min(LONGEST_PAUSE);
        longest / 2 + Duration::from_micros(self.entropy.below(longest.as_micros() as u64 / 2))
    }

    fn now_us(&self) -> u64 {
        self.clock.instant().saturating_duration_since(self.started).as_micros() as u64
    }

    /// A word to oneself came back.
    fn heard(&self, sent_us: u64) {
        metrics::bus_probed(Duration::from_micros(self.now_us().saturating_sub(sent_us)));
        *self.heard.lock() = Some(self.clock.instant());
    }

    fn heard_at(&self) -> Option<Instant> {
        *self.heard.lock()
    }

    /// A connection, which speaks through this client, has confirmed all it began with. What was said before was not heard.
    fn up(&self, client: Client) {
        self.up.store(true, Ordering::Relaxed);
        self.counter.up(client);
        self.wanted.up();
        self.outbox.open();
        metrics::bus_gap(Gap::Connected);
        self.inbound.gap();
        tracing::info!("the bus is there");
    }

    /// There is no connection any more; whether the last one ever confirmed anything.
    fn down(&self) -> bool {
        self.wanted.down();
        self.counter.down();
        metrics::bus_unpublished(Unpublished::Down, self.outbox.close() as u64);
        metrics::bus_channels(0);
        self.up.swap(false, Ordering::Relaxed)
    }
}
