//! The real-time core: logs in memory, the gates in front of them, the sockets that follow them.
//!
//! **Invariants.** An event enters a log through its gate and by nothing else. What is written to a socket of a log is
//! contiguous, or the socket is told `resync`. No guard of the registry is held across an await or returned. A socket
//! holds cursors and the rest of one begun frame, never a queue of events.

mod abroad;
mod audience;
mod conn;
mod elsewhere;
mod entry;
mod gate;
mod heard;
mod herald;
mod hot;
mod inbox;
pub mod io;
mod lag;
mod loader;
mod log;
#[cfg(test)]
mod model_steps;
#[cfg(test)]
mod model_tests;
mod neighbours;
mod news;
mod outbox;
pub mod pace;
mod paced;
mod recover;
mod room;
mod roster;
mod round;
mod shard;
mod sockets;
mod subscribe;
mod sweep;
mod tail;
mod thin;
mod turns;
mod typing;
mod update;
mod waiters;
mod waiting;
mod walk;
mod watch;
mod wheel;
mod writer;

pub use conn::Conn;
pub use sockets::Socket;
pub use subscribe::{Prepared, SubscribeError};
pub use writer::Phase;

use crate::bus::{Bus, Message};
use crate::config::SocketConfig;
use crate::model::clock::SetClock;
use crate::model::random::SharedEntropy;
use crate::model::{Channel, EpochCell, Event, UserId};
use crate::protocol::codes::CloseCode;
use crate::store::{Backend, CommitSink};
use dashmap::DashMap;
use futures_util::FutureExt;
use inbox::{Inbox, Told};
use lag::Lag;
use loader::Loader;
use log::{Accepted, ChannelLog};
use neighbours::Neighbours;
use parking_lot::Mutex;
use room::Schedule;
use shard::Shard;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tail::Bounds;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use watch::Watch;

/// What a log may keep while all together keep more than their budget; the sweep takes from those nobody watches first.
const FAIR_SHARE: usize = 64 * 1024;
/// Most shards: who was told is kept as bits.
const MAX_SHARDS: usize = 64;

/// Who hears of what concerns the instance rather than a socket. Nothing here may block.
pub trait Observer: Send + Sync + 'static {
    /// An event of the internal channel passed the gate; they come in order.
    fn observe(&self, event: &Event);

    /// The database is another one: what was kept of the internal channel no longer holds.
    fn replaced(&self);

    /// A sweep ended, or the store could not be asked.
    fn swept(&self, reached: bool);
}

/// What a hub is made of.
pub struct Parts {
    /// Bounds.
    pub config: SocketConfig,
    /// Where logs are read from.
    pub store: Arc<dyn Backend>,
    /// The way to other instances.
    pub bus: Arc<dyn Bus>,
    /// The database's time; the sweep sets it.
    pub clock: Arc<dyn SetClock>,
    /// Jitter.
    pub entropy: SharedEntropy,
    /// The epoch; the sweep sets it.
    pub epoch: EpochCell,
    /// Who hears of revocations, replaced databases and sweeps.
    pub observer: Arc<dyn Observer>,
    /// Tasks that write to sockets.
    pub shards: usize,
}

/// The hub.
pub struct Hub {
    core: Arc<Core>,
}

/// What shards and tasks share.
struct Core {
    config: SocketConfig,
    store: Arc<dyn Backend>,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn SetClock>,
    entropy: SharedEntropy,
    epoch: EpochCell,
    observer: Arc<dyn Observer>,
    /// Observed events leave the gate and reach the observer in one go.
    observing: Mutex<()>,
    registry: DashMap<Channel, Arc<ChannelLog>>,
    by_user: DashMap<UserId, Vec<Arc<Conn>>>,
    inboxes: Vec<Arc<Inbox>>,
    loader: Loader,
    schedule: Arc<Schedule>,
    neighbours: Neighbours,
    tail_bytes: Arc<AtomicUsize>,
    lag: Arc<Lag>,
    /// Logs could not be placed anew after the database was replaced.
    resync_due: AtomicBool,
    /// Unlike for every start of every instance.
    boot: u32,
    sockets: AtomicUsize,
    partial_bytes: AtomicUsize,
    next_conn: AtomicU64,
    started: Instant,
    ended: CancellationToken,
}

impl Hub {
    /// Starts shards, loaders and the sweep on the tracker; they end with [`Hub::end`].
    pub fn start(parts: Parts, tasks: &TaskTracker) -> Self {
        let shards = parts.shards.clamp(1, MAX_SHARDS);
        let boot = parts.entropy.below(u64::from(u32::MAX)) as u32;
        let (refresh, ttl) = (parts.config.presence_refresh, parts.config.presence_ttl);
        let neighbours = Neighbours::new(refresh, ttl, !parts.bus.delivery().is_up());
        let lag = Arc::new(Lag::new(parts.config.max_outbox, parts.config.hot.max_lag_bytes));
        let hot_every_ms = parts.config.hot.hot_told_every.as_millis() as u64;
        let core = Arc::new(Core {
            config: parts.config,
            store: parts.store,
            bus: parts.bus,
            started: parts.clock.instant(),
            clock: parts.clock,
            entropy: parts.entropy,
            epoch: parts.epoch,
            observer: parts.observer,
            observing: Mutex::new(()),
            registry: DashMap::new(),
            by_user: DashMap::new(),
            inboxes: (0..shards).map(|_| Arc::default()).collect(),
            loader: Loader::default(),
            schedule: Arc::new(Schedule::new(hot_every_ms)),
            neighbours,
            tail_bytes: Arc::default(),
            lag,
            resync_due: AtomicBool::new(false),
            boot,
            sockets: AtomicUsize::new(0),
            partial_bytes: AtomicUsize::new(0),
            next_conn: AtomicU64::new(1),
            ended: CancellationToken::new(),
        });
        for (index, inbox) in core.inboxes.iter().enumerate() {
            tasks.spawn(vital(Shard::new(core.clone(), index, inbox.clone()).run()));
        }
        tasks.spawn(vital(loader::heads(core.clone())));
        tasks.spawn(vital(loader::histories(core.clone())));
        tasks.spawn(vital(loader::repairs(core.clone())));
        tasks.spawn(vital(loader::catch_up(core.clone())));
        tasks.spawn(vital(sweep::run(core.clone())));
        tasks.spawn(vital(room::run(core.clone())));
        tasks.spawn(vital(neighbours::run(core.clone())));
        tasks.spawn(vital(lag::run(core.clone())));
        if let Some(incoming) = core.bus.incoming() {
            tasks.spawn(vital(heard::receive(core.clone(), incoming)));
        }
        Self { core }
    }

    /// Begins to hear what is said on the internal channel; what was said before is to be read after this.
    pub async fn hear_revocations(&self) {
        self.core.hear(&[Channel::Revocations]).await;
        // The watch is never given back: every instance follows this channel for as long as it lives.
        std::mem::forget(self.core.watch(Channel::Revocations));
    }

    /// Follows the internal channel from `head` on; what came before must have been loaded already.
    pub fn follow_revocations(&self, head: i64) {
        let log = self.core.watch(Channel::Revocations);
        let _in_order = self.core.observing.lock();
        let row = crate::store::read::Head { seq: head, floor: 0, unread: 0, closed: false };
        let accepted = log.place(Ok(Some(row)), log.generation(), self.core.bounds(), self.core.now_ms());
        self.core.after(&log, accepted);
    }

    /// Where the internal channel stands; none while it is being placed.
    pub fn revocations_head(&self) -> Option<i64> {
        let log = self.core.registry.get(&Channel::Revocations).map(|log| log.clone())?;
        log.head()
    }

    /// The hub's own measure of time, in milliseconds since it started.
    pub fn now_ms(&self) -> u64 {
        self.core.now_ms()
    }

    /// Sockets.
    pub fn sockets(&self) -> usize {
        self.core.sockets.load(Ordering::Relaxed)
    }

    /// Channels in memory.
    pub fn channels(&self) -> usize {
        self.core.registry.len()
    }

    /// Bytes of all tails.
    pub fn tail_bytes(&self) -> usize {
        self.core.tail_bytes.load(Ordering::Relaxed)
    }

    /// Whether so much happens in a channel that its events wait for one another.
    pub fn is_hot(&self, channel: Channel) -> bool {
        self.core.registry.get(&channel).is_some_and(|log| log.is_hot())
    }

    /// Bytes that wait for sockets, of all of them together.
    pub fn lag_bytes(&self) -> usize {
        self.core.lag.held()
    }

    /// Bytes of unfinished messages, of all sockets together.
    pub fn partial_bytes(&self) -> &AtomicUsize {
        &self.core.partial_bytes
    }

    /// Tells every socket to go, those that come later too, and closes each at a time of its own within the window.
    /// Until then it is served, and its close waits a little for what it is owed.
    pub fn drain(&self, window: Duration) {
        self.core.schedule.drain();
        self.core.inboxes.iter().for_each(|inbox| inbox.tell(Told::Drain(window)));
    }

    /// Cancelled when the hub ends.
    pub fn ended(&self) -> CancellationToken {
        self.core.ended.clone()
    }

    /// Ends the hub's tasks.
    pub fn end(&self) {
        self.core.ended.cancel();
    }
}

/// Runs a task without which nothing is delivered: should it panic, the process ends rather than go on deaf.
async fn vital(task: impl Future<Output = ()>) {
    if AssertUnwindSafe(task).catch_unwind().await.is_err() {
        tracing::error!("a task of the hub panicked");
        std::process::abort();
    }
}

impl CommitSink for Hub {
    fn committed(&self, events: Vec<Event>) {
        for event in &events {
            self.core.bus.publish(Message::Event(event.clone()));
        }
        self.core.accept(events);
    }
}

impl Core {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.instant().saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.clock.instant().saturating_duration_since(self.started).as_micros()).unwrap_or(u64::MAX)
    }

    fn bounds(&self) -> Bounds {
        Bounds { events: self.config.tail_events, bytes: self.config.tail_bytes }
    }

    /// As [`Core::bounds`], and no more bytes than the process's budget has left.
    fn bounds_within_budget(&self) -> Bounds {
        let left = self.config.tail_budget.saturating_sub(self.tail_bytes.load(Ordering::Relaxed));
        Bounds { bytes: self.config.tail_bytes.min(left / 2), ..self.bounds() }
    }

    /// The log of a channel, kept in memory while the watch lives.
    fn watch(&self, channel: Channel) -> Watch {
        // The watch is taken under the map's lock, so that the sweep cannot remove what was just found.
        let entry = self
            .registry
            .entry(channel)
            .or_insert_with(|| Arc::new(ChannelLog::new(channel, self.epoch.clone(), self.tail_bytes.clone())));
        Watch::new(entry.clone())
    }

    /// Takes events, from whatever side, of any channels.
    fn accept(&self, events: Vec<Event>) {
        let mut by_channel: HashMap<Channel, Vec<Event>> = HashMap::new();
        for event in events {
            by_channel.entry(event.channel).or_default().push(event);
        }
        for (channel, events) in by_channel {
            let Some(log) = self.registry.get(&channel).map(|log| log.clone()) else { continue };
            self.pass(&log, events, None);
        }
    }

    /// Takes events of one channel; where a generation is given, only if it still is the log's.
    fn pass(&self, log: &Arc<ChannelLog>, events: Vec<Event>, generation: Option<u16>) {
        let _in_order = (log.channel == Channel::Revocations).then(|| self.observing.lock());
        let accepted = log.accept(events, generation, self.bounds(), self.now_ms());
        self.after(log, accepted);
    }

    /// Does what follows from events that passed a gate.
    fn after(&self, log: &Arc<ChannelLog>, accepted: Accepted) {
        if log.channel == Channel::Revocations {
            accepted.passed.iter().for_each(|event| self.observer.observe(event));
        }
        self.end_typing(log, &accepted.passed);
        let mut tell = accepted.tell;
        while tell != 0 {
            let shard = tell.trailing_zeros() as usize;
            self.inboxes[shard].news(log.clone());
            tell &= tell - 1;
        }
        if accepted.repair {
            self.loader.want_repair(log.clone());
        }
        if self.tail_bytes.load(Ordering::Relaxed) > self.config.tail_budget && log.cost() > FAIR_SHARE {
            log.shrink();
        }
    }

    fn close(&self, conn: &Arc<Conn>, code: CloseCode) {
        if conn.close(code, self.now_ms()) {
            self.inbox_of(conn).tell(Told::Visit(conn.clone()));
        }
    }

    /// Which shard writes to a socket.
    fn shard_of(&self, conn: &Conn) -> usize {
        conn.id as usize % self.inboxes.len()
    }

    /// Where that shard is told what concerns the socket.
    fn inbox_of(&self, conn: &Conn) -> &Inbox {
        &self.inboxes[self.shard_of(conn)]
    }
}
