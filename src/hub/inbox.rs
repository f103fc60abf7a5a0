//! What a shard is told. Nothing here can grow without bound: a socket or a channel stands in it at most once for each
//! reason, and signals are dropped above a number.

use super::conn::Conn;
use super::log::ChannelLog;
use crate::metrics::{self, Skipped};
use crate::protocol::codec::{Codec, Frames};
use bytes::Bytes;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// Signals that may wait for a shard; more are dropped.
const MAX_SIGNALS: usize = 4_096;

/// A signal, encoded once per codec.
pub struct Signal {
    /// The socket that does not get it back; 0 for none here.
    pub from: u64,
    frames: Frames,
}

impl Signal {
    /// Encodes a JSON message.
    pub fn new(from: u64, json: Vec<u8>) -> Self {
        Self { from, frames: Frames::of_json(&json) }
    }

    /// The frame in a codec.
    pub fn frame(&self, codec: Codec) -> &Bytes {
        self.frames.get(codec)
    }
}

/// What happened to a socket that its shard must know.
pub enum Told {
    /// It is there.
    Register(Arc<Conn>),
    /// It has a new subscription.
    Join(Arc<Conn>, Arc<ChannelLog>),
    /// It would block, or a subscription of it ended.
    Visit(Arc<Conn>),
    /// It is gone.
    Gone(Arc<Conn>),
    /// This log was placed anew: all that follow it must be told where to go on.
    Resync(Arc<ChannelLog>),
    /// The sockets that would block are wanted.
    Weigh(mpsc::Sender<Vec<Arc<Conn>>>),
    /// All sockets are to be told to go, and closed one after the other within this time.
    Drain(Duration),
}

/// What waits for a shard.
#[derive(Default)]
pub struct Pending {
    /// In the order told.
    pub told: Vec<Told>,
    /// Logs with something new.
    pub news: Vec<Arc<ChannelLog>>,
    /// Logs whose roster has changed.
    pub rosters: Vec<Arc<ChannelLog>>,
    /// Signals and where they go.
    pub signals: Vec<(Arc<ChannelLog>, Arc<Signal>)>,
}

/// A shard's inbox.
#[derive(Default)]
pub struct Inbox {
    pending: Mutex<Pending>,
    notify: Notify,
}

impl Inbox {
    /// Tells the shard.
    pub fn tell(&self, told: Told) {
        self.pending.lock().told.push(told);
        self.notify.notify_one();
    }

    /// Tells the shard of something new in a log.
    pub fn news(&self, log: Arc<ChannelLog>) {
        self.pending.lock().news.push(log);
        self.notify.notify_one();
    }

    /// Tells the shard of a changed roster.
    pub fn roster(&self, log: Arc<ChannelLog>) {
        self.pending.lock().rosters.push(log);
        self.notify.notify_one();
    }

    /// Hands the shard a signal; whether there was room.
    pub fn signal(&self, log: Arc<ChannelLog>, signal: Arc<Signal>) -> bool {
        let mut pending = self.pending.lock();
        let room = pending.signals.len() < MAX_SIGNALS;
        if room {
            pending.signals.push((log, signal));
            drop(pending);
            self.notify.notify_one();
        } else {
            metrics::signals_skipped(Skipped::Full, 1);
        }
        room
    }

    /// Takes all that waits.
    pub fn take(&self) -> Pending {
        std::mem::take(&mut *self.pending.lock())
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        let pending = self.pending.lock();
        pending.told.is_empty() && pending.news.is_empty() && pending.rosters.is_empty() && pending.signals.is_empty()
    }

    /// Completes when something waits.
    pub async fn wait(&self) {
        while self.is_empty() {
            self.notify.notified().await;
        }
    }
}
