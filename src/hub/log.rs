//! A channel's log as this instance knows it: the gate, the hot tail behind it, and who is to be told.

use super::audience::Audience;
use super::entry::Entry;
use super::gate::Gate;
use super::room::Room;
use super::tail::{Batch, Bounds, Tail, is_deletion};
use super::waiters::Waiters;
use crate::metrics;
use crate::model::{Channel, EpochCell, Event};
use crate::protocol::codec::Codec;
use crate::store::read::Head;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::oneshot;

/// What a socket is owed of a log.
pub enum Owed {
    /// Nothing: its cursor is at the head.
    Nothing,
    /// These frames.
    Batch(Batch),
    /// Its cursor lies before the tail: it must be told to refetch and continue from here.
    Lost(i64),
}

/// How a log came to stand where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The head is known.
    Open,
    /// There is no such channel, or no more.
    Missing,
}

/// Whether the store could say where a log stands.
pub type Placed = Result<Standing, ()>;

/// A channel's log.
pub struct ChannelLog {
    /// Whose.
    pub channel: Channel,
    epoch: EpochCell,
    pub(super) inner: Mutex<Inner>,
    /// Bytes of all tails of the process.
    budget: Arc<AtomicUsize>,
    /// Who is to be told.
    pub audience: Audience,
    /// Who is there.
    pub room: Room,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) gate: Gate,
    pub(super) tail: Tail,
    standing: Option<Standing>,
    /// Counts how often everything known was forgotten.
    generation: u16,
    /// Unread notifications at the head.
    pub(super) unread: i64,
    /// Who waits for the standing.
    waiting: Waiters,
    /// Whether the store was asked for what lies before the tail.
    history: History,
    /// Who waits for that.
    reading: Waiters,
    /// Signals let through lately, in the form of the time until which the room is busy.
    signals_until_us: u64,
    /// A repair from the store is under way or due.
    repairing: bool,
    /// Shards in which it is hot.
    hot: u8,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum History {
    #[default]
    Unread,
    Reading,
    Read,
}

/// What accepting events leads to.
#[derive(Debug, Default)]
pub struct Accepted {
    /// Events that passed the gate, in order.
    pub passed: Vec<Event>,
    /// Shards to be told, a bit each.
    pub tell: u64,
    /// Whether a hole is to be repaired that was not known before.
    pub repair: bool,
}

/// What lies before a tail and is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Missing {
    /// The log's head when it was asked for.
    pub head: i64,
    /// The first event that is there.
    pub start: i64,
    /// The log's generation.
    pub generation: u16,
}

impl ChannelLog {
    /// A log that stands nowhere yet.
    pub fn new(channel: Channel, epoch: EpochCell, budget: Arc<AtomicUsize>) -> Self {
        metrics::channels(1);
        Self { channel, epoch, inner: Mutex::default(), budget, audience: Audience::default(), room: Room::default() }
    }

    /// Where it stands; if nowhere yet, a receiver of the answer, and whether this caller is the first to ask.
    pub fn standing(&self) -> Result<Standing, (oneshot::Receiver<Placed>, bool)> {
        let mut inner = self.inner.lock();
        match inner.standing {
            Some(standing) => Ok(standing),
            None => Err(inner.waiting.join()),
        }
    }

    /// Counts how often everything known was forgotten: what was read before the last time is of another database.
    pub fn generation(&self) -> u16 {
        self.inner.lock().generation
    }

    /// Takes over what the store said while this was the log's generation: `None` where there is no such channel; an
    /// error where it could not be asked.
    pub fn place(&self, head: Result<Option<Head>, ()>, generation: u16, bounds: Bounds, now_ms: u64) -> Accepted {
        let mut inner = self.inner.lock();
        let mut accepted = Accepted::default();
        if inner.generation != generation {
            return accepted;
        }
        let placed = match head {
            Ok(Some(head)) if !head.closed => {
                if inner.gate.head().is_none() {
                    inner.unread = head.unread;
                }
                let passed = inner.gate.open_at(head.seq);
                inner.standing = Some(Standing::Open);
                accepted = self.append(&mut inner, passed, bounds, now_ms);
                Ok(Standing::Open)
            }
            Ok(_) => {
                inner.standing = Some(Standing::Missing);
                Ok(Standing::Missing)
            }
            Err(()) => Err(()),
        };
        inner.waiting.answer(placed);
        accepted
    }

    /// Takes events from whatever side. Those that were told of a generation which is over are of another database.
    pub fn accept(&self, events: Vec<Event>, generation: Option<u16>, bounds: Bounds, now_ms: u64) -> Accepted {
        let mut inner = self.inner.lock();
        if generation.is_some_and(|generation| generation != inner.generation) {
            return Accepted::default();
        }
        let mut passed = Vec::new();
        for event in events {
            passed.extend(inner.gate.accept(event));
        }
        self.append(&mut inner, passed, bounds, now_ms)
    }

    fn append(&self, inner: &mut Inner, passed: Vec<Event>, bounds: Bounds, now_ms: u64) -> Accepted {
        let before = inner.tail.cost();
        for event in &passed {
            let entry = Arc::new(Entry::new(event.clone(), now_ms));
            match &*entry.kind {
                kind if is_deletion(kind) => inner.tail.clean(&entry),
                "post.deleted" => inner.standing = Some(Standing::Missing),
                _ => {}
            }
            inner.unread = entry.unread.unwrap_or(inner.unread);
            if self.channel != Channel::Revocations {
                inner.tail.push(entry, bounds);
            }
        }
        self.account(before, inner.tail.cost());
        let repair =
            inner.gate.hole().is_some() && !std::mem::replace(&mut inner.repairing, inner.gate.hole().is_some());
        let tell = if passed.is_empty() { 0 } else { self.audience.tell() };
        Accepted { passed, tell, repair }
    }

    /// Where a repair must read on, or `None` (and no repair under way any more) if nothing is missing.
    pub fn hole(&self) -> Option<i64> {
        let mut inner = self.inner.lock();
        let hole = inner.gate.hole();
        inner.repairing = hole.is_some();
        hole
    }

    /// A repair that could not be made; the next event or sweep asks again.
    pub fn give_up_repair(&self) {
        self.inner.lock().repairing = false;
    }

    /// The last event let through.
    pub fn head(&self) -> Option<i64> {
        self.inner.lock().gate.head()
    }

    /// When the last event came in, in milliseconds of the hub.
    pub fn accepted_ms(&self) -> Option<u64> {
        self.inner.lock().tail.last().map(|entry| entry.accepted_ms)
    }

    /// Whether the channel has had its last event and every socket is to be told so.
    pub fn is_missing(&self) -> bool {
        self.inner.lock().standing == Some(Standing::Missing)
    }

    /// What a socket at `cursor` is owed: nothing if that is of another generation, until it is told where to go on.
    pub fn owed(&self, cursor: i64, generation: u16, codec: Codec) -> Owed {
        let inner = self.inner.lock();
        match inner.gate.head() {
            Some(head) if cursor < head && generation == inner.generation => {
                match inner.tail.batch(cursor, head, codec) {
                    Some(batch) => Owed::Batch(batch),
                    None => Owed::Lost(head),
                }
            }
            _ => Owed::Nothing,
        }
    }

    /// Asks for what lies before the tail: `None` if that was read already, else a receiver of the end of reading, and for
    /// the one caller who is to see to it what is to be read.
    pub fn history(&self) -> Option<(oneshot::Receiver<Placed>, Option<Missing>)> {
        let mut inner = self.inner.lock();
        let head = inner.gate.head()?;
        let start = inner.tail.start().unwrap_or(head + 1);
        if inner.history == History::Read {
            return None;
        }
        inner.history = History::Reading;
        let (receiver, first) = inner.reading.join();
        Some((receiver, first.then_some(Missing { head, start, generation: inner.generation })))
    }

    /// Puts what was read before the tail. An error leaves it unread.
    pub fn put_history(&self, events: Result<Vec<Event>, ()>, missing: Missing, bounds: Bounds, now_ms: u64) {
        let mut inner = self.inner.lock();
        if inner.generation != missing.generation {
            return;
        }
        let before = inner.tail.cost();
        let result = match events {
            Ok(events) => {
                let older = events.into_iter().map(|event| Arc::new(Entry::new(event, now_ms))).collect();
                let head = inner.gate.head().unwrap_or(missing.head);
                inner.tail.prepend(older, head, bounds);
                // A comment deleted while its history was being read was read with its text.
                for deleted in inner.tail.deletions().iter().filter(|deleted| deleted.seq > missing.head) {
                    inner.tail.clean(deleted);
                }
                Ok(Standing::Open)
            }
            Err(()) => Err(()),
        };
        self.account(before, inner.tail.cost());
        inner.history = if result.is_ok() { History::Read } else { History::Unread };
        inner.reading.answer(result);
    }

    /// Halves the tail: the process keeps more than its budget.
    pub fn shrink(&self) {
        let mut inner = self.inner.lock();
        let before = inner.tail.cost();
        inner.tail.halve();
        self.account(before, inner.tail.cost());
    }

    /// Forgets all that is known: the database is another one, or went back.
    pub fn reset(&self) {
        let mut inner = self.inner.lock();
        self.account(inner.tail.cost(), 0);
        inner.generation = inner.generation.wrapping_add(1);
        inner.gate.reset();
        inner.tail.clear();
        inner.standing = None;
        inner.history = History::Unread;
        inner.reading.forget();
        inner.repairing = false;
    }

    /// It is hot in one shard more, or in one less.
    pub fn set_hot(&self, hot: bool) {
        let mut inner = self.inner.lock();
        inner.hot = if hot { inner.hot.saturating_add(1) } else { inner.hot.saturating_sub(1) };
    }

    /// Whether so much happens here, before so many, that things are told less often.
    pub fn is_hot(&self) -> bool {
        self.inner.lock().hot > 0
    }

    /// Takes one signal out of the room's allowance of `per_second` (with as many at once).
    pub fn admit_signal(&self, now_us: u64, per_second: u32) -> bool {
        let mut inner = self.inner.lock();
        let cost = 1_000_000 / u64::from(per_second.max(1));
        let until = inner.signals_until_us.max(now_us) + cost;
        let admitted = until <= now_us + 1_000_000;
        if admitted {
            inner.signals_until_us = until;
        }
        admitted
    }

    /// Memory of its tail.
    pub fn cost(&self) -> usize {
        self.inner.lock().tail.cost()
    }

    /// Forgets the tail of a log that nobody watches.
    pub fn forget_tail(&self) {
        let mut inner = self.inner.lock();
        self.account(inner.tail.cost(), 0);
        inner.tail.clear();
        inner.history = History::Unread;
        inner.reading.forget();
    }

    /// The database's epoch.
    pub fn epoch(&self) -> Arc<str> {
        self.epoch.get()
    }

    fn account(&self, before: usize, after: usize) {
        metrics::tail_bytes(after as i64 - before as i64);
        if after >= before {
            self.budget.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.budget.fetch_sub(before - after, Ordering::Relaxed);
        }
    }
}

impl Drop for ChannelLog {
    fn drop(&mut self) {
        let held = self.inner.get_mut().tail.cost();
        self.account(held, 0);
        metrics::channels(-1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_nobody_speaks_in_is_a_few_words() {
        assert!(size_of::<ChannelLog>() <= 208, "{} bytes", size_of::<ChannelLog>());
    }
}
