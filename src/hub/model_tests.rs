//! The core without I/O against a small model: whatever is dropped, doubled, reordered, cut off or replaced, each client
//! holds a contiguous stretch of the log of one database, and stands at its head when all is quiet.
//!
//! The log, its gate and its tail are the real ones. The model is the rest of the world in a few lines: databases that
//! are written and replaced, a bus that loses and doubles, shards that write to sockets that take as much as they like.

use super::log::{ChannelLog, Missing, Owed, Placed, Standing};
use super::model_steps::{CLIENTS, Step, step};
use super::tail::Bounds;
use crate::model::event::EventData;
use crate::model::{Channel, EpochCell, Event, PostId, Timestamp};
use crate::protocol::codec::{Codec, payload};
use crate::store::read::Head;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;
use tokio::sync::oneshot;

const ROOM: Channel = Channel::Post(PostId(1));
/// Few, so that histories outgrow it.
const TAIL: Bounds = Bounds { events: 6, bytes: 1 << 20 };

/// An event as it was committed; the mark tells it from one with the same seq in another database.
fn event(seq: i64, mark: u64) -> Event {
    let data: Box<RawValue> = serde_json::value::to_raw_value(&mark).unwrap();
    EventData::Custom("custom.mark", &data).at(ROOM, seq, Timestamp(seq))
}

/// Seq and mark of a message or a frame's payload.
fn read(message: &[u8]) -> (i64, u64) {
    let message: Value = serde_json::from_slice(message).unwrap();
    (message["seq"].as_i64().unwrap(), message["data"].as_u64().unwrap())
}

#[derive(Default)]
struct Client {
    /// What it knows of where it stands: the epoch and the last seq.
    at: Option<(String, i64)>,
    /// What it holds since it last began anew: seq and mark, contiguous.
    held: Vec<(i64, u64)>,
    link: Link,
}

/// How far a client's socket has come.
#[derive(Default)]
enum Link {
    #[default]
    Cut,
    Preparing,
    Prepared(Granted),
    Following {
        cursor: i64,
        generation: u16,
    },
}

struct Granted {
    epoch: String,
    generation: u16,
    seq: i64,
    recovered: bool,
    events: Vec<Bytes>,
}

/// What the database said, or that it could not be asked.
type Read = Result<Vec<Event>, ()>;

struct World {
    log: ChannelLog,
    epoch: EpochCell,
    /// The database: its epoch and the marks of its events, from seq 1.
    database: (u32, Vec<u64>),
    marks: u64,
    bus: Vec<(u32, Event)>,
    /// What came by the bus, was found to be of this database, and is on its way to the log of that generation.
    in_hand: Option<(u16, Event)>,
    clients: Vec<Client>,
    /// What is to be read before the tail, and what was read and is on its way.
    histories: Vec<(Missing, Option<Read>)>,
    readers: Vec<(usize, oneshot::Receiver<Placed>)>,
    resync_due: bool,
}

impl World {
    fn new() -> Self {
        let epoch = EpochCell::new("0");
        let log = ChannelLog::new(ROOM, epoch.clone(), Arc::default());
        Self {
            log,
            epoch,
            database: (0, Vec::new()),
            marks: 0,
            bus: Vec::new(),
            in_hand: None,
            clients: (0..CLIENTS).map(|_| Client::default()).collect(),
            histories: Vec::new(),
            readers: Vec::new(),
            resync_due: false,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Commit(count) => self.commit(count),
            Step::Arrive(at, again) => self.arrive(at, again),
            Step::Lose(at) if !self.bus.is_empty() => drop(self.bus.swap_remove(at % self.bus.len())),
            Step::Lose(_) => {}
            Step::Repair(count) => {
                if let Some(after) = self.log.hole() {
                    self.fill(after, count);
                }
            }
            Step::Sweep => self.sweep(),
            Step::TellResync => self.tell_resync(),
            Step::Replace(kept, written) => {
                self.database.0 += 1;
                self.database.1.truncate(kept);
                self.commit(written);
            }
            Step::Prepare(client) => self.prepare(client),
            Step::History => self.read_history(),
            Step::Follow(client) => self.follow(client),
            Step::Visit(client, frames) => self.visit(client, frames),
            Step::Cut(client) => self.clients[client].link = Link::Cut,
            Step::Shrink => self.log.shrink(),
            Step::ForgetTail => self.log.forget_tail(),
        }
    }

    fn commit(&mut self, count: usize) {
        for _ in 0..count {
            self.marks += 1;
            self.database.1.push(self.marks);
            self.bus.push((self.database.0, event(self.database.1.len() as i64, self.marks)));
        }
    }

    /// Channels of the bus are named with the epoch: what another database said does not come here.
    fn arrive(&mut self, at: usize, again: bool) {
        if let Some((generation, event)) = self.in_hand.take() {
            self.log.accept(vec![event], Some(generation), TAIL, 0);
        }
        if self.bus.is_empty() {
            return;
        }
        let at = at % self.bus.len();
        let (epoch, event) = if again { self.bus[at].clone() } else { self.bus.swap_remove(at) };
        if *self.epoch.get() == *epoch.to_string() {
            self.in_hand = Some((self.log.generation(), event));
        }
    }

    /// A read of the store is of the database as it is, noticed or not; its epoch was looked at on the same connection.
    fn stored(&self, after: i64, count: usize) -> Vec<Event> {
        let marks = self.database.1.iter().enumerate().skip(after.max(0) as usize).take(count);
        marks.map(|(index, mark)| event(index as i64 + 1, *mark)).collect()
    }

    fn noticed(&self) -> bool {
        *self.epoch.get() == *self.database.0.to_string()
    }

    fn fill(&mut self, after: i64, count: usize) {
        if self.noticed() {
            self.log.accept(self.stored(after, count), None, TAIL, 0);
        }
    }

    fn place(&mut self) {
        if self.noticed() && self.log.standing().is_err() {
            let head = Head { seq: self.database.1.len() as i64, floor: 0, unread: 0, closed: false };
            self.log.place(Ok(Some(head)), self.log.generation(), TAIL, 0);
        }
    }

    fn sweep(&mut self) {
        if self.epoch.set(&self.database.0.to_string()) {
            self.log.reset();
            self.resync_due = true;
        }
        self.place();
        if let Some(head) = self.log.head().filter(|head| *head < self.database.1.len() as i64) {
            self.fill(head, usize::MAX);
        }
    }

    fn tell_resync(&mut self) {
        let Some(head) = self.log.head().filter(|_| std::mem::take(&mut self.resync_due)) else { return };
        for client in 0..CLIENTS {
            if matches!(self.clients[client].link, Link::Following { .. }) {
                self.begin_anew(client, head);
            }
        }
    }

    /// `resync`: what the client held is fetched again, and it goes on from the head.
    fn begin_anew(&mut self, client: usize, head: i64) {
        let (epoch, generation) = (self.log.epoch().to_string(), self.log.generation());
        let client = &mut self.clients[client];
        client.at = Some((epoch, head));
        client.held.clear();
        client.link = Link::Following { cursor: head, generation };
    }

    fn prepare(&mut self, client: usize) {
        if !matches!(self.clients[client].link, Link::Cut) {
            return;
        }
        self.place();
        if !matches!(self.log.standing(), Ok(Standing::Open)) {
            return;
        }
        let since = match &self.clients[client].at {
            Some((epoch, since)) if **epoch == *self.log.epoch() => *since,
            _ => return self.grant(client, None),
        };
        if since > self.log.head().unwrap_or(0) {
            self.fill(self.log.head().unwrap_or(0), usize::MAX);
        } else if self.log.recover(since, Codec::Json, &mut { usize::MAX }).is_none()
            && let Some((receiver, job)) = self.log.history()
        {
            self.histories.extend(job.map(|missing| (missing, None)));
            self.readers.push((client, receiver));
            self.clients[client].link = Link::Preparing;
            return;
        }
        self.grant(client, Some(since));
    }

    fn grant(&mut self, client: usize, since: Option<i64>) {
        let Some(head) = self.log.head() else {
            self.clients[client].link = Link::Cut;
            return;
        };
        let (epoch, generation) = (self.log.epoch().to_string(), self.log.generation());
        let recovered = since.and_then(|since| self.log.recover(since, Codec::Json, &mut { 400 }));
        let granted = match recovered {
            Some(got) => Granted { epoch, generation, seq: got.seq, recovered: true, events: got.events },
            None => Granted { epoch, generation, seq: head, recovered: false, events: Vec::new() },
        };
        self.clients[client].link = Link::Prepared(granted);
    }

    fn read_history(&mut self) {
        for (missing, read) in std::mem::take(&mut self.histories) {
            match read {
                Some(read) => self.log.put_history(read, missing, TAIL, 0),
                None => {
                    let after = (missing.head - TAIL.events as i64).max(0);
                    let events = self.stored(after, (missing.start - 1 - after).max(0) as usize);
                    let read = if self.noticed() { Ok(events) } else { Err(()) };
                    self.histories.push((missing, Some(read)));
                }
            }
        }
        let mut waiting = std::mem::take(&mut self.readers);
        waiting.retain_mut(|(client, receiver)| {
            if receiver.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
                return true;
            }
            if matches!(self.clients[*client].link, Link::Preparing) {
                let known = self.clients[*client].at.clone();
                let since = known.filter(|(epoch, _)| **epoch == *self.log.epoch()).map(|(_, since)| since);
                self.grant(*client, since);
            }
            false
        });
        self.readers = waiting;
    }

    fn follow(&mut self, client: usize) {
        if !matches!(self.clients[client].link, Link::Prepared(_)) {
            return;
        }
        let Link::Prepared(granted) = std::mem::take(&mut self.clients[client].link) else { return };
        let Granted { epoch, generation, seq, recovered, events } = granted;
        let who = &mut self.clients[client];
        if !recovered {
            who.held.clear();
            who.at = Some((epoch.clone(), seq));
        }
        who.link = Link::Following { cursor: seq, generation };
        for message in events {
            self.told(client, &epoch, &message);
        }
        // The shard that takes it up finds out whether the database became another one in between.
        if generation != self.log.generation()
            && let Some(head) = self.log.head()
        {
            self.begin_anew(client, head);
        }
    }

    fn visit(&mut self, client: usize, frames: usize) {
        let Link::Following { cursor, generation } = self.clients[client].link else { return };
        match self.log.owed(cursor, generation, Codec::Json) {
            Owed::Nothing => {}
            Owed::Lost(head) => self.begin_anew(client, head),
            Owed::Batch(batch) => {
                let epoch = self.log.epoch().to_string();
                let taken = frames.min(batch.frames.len());
                self.clients[client].link = Link::Following { cursor: cursor + taken as i64, generation };
                for frame in batch.frames.iter().take(taken) {
                    self.told(client, &epoch, &payload(frame));
                }
            }
        }
    }

    /// A client is told an event: it must be the next one of the log it follows.
    fn told(&mut self, client: usize, epoch: &str, message: &[u8]) {
        let (seq, mark) = read(message);
        let client = &mut self.clients[client];
        let (known, last) = client.at.clone().expect("it was told where it stands");
        assert_eq!((known.as_str(), last + 1), (epoch, seq), "a hole, a repetition, or another log");
        client.at = Some((known, seq));
        client.held.push((seq, mark));
    }

    /// Everything comes to rest: what can be found out is found out, and every client follows.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.sweep();
            self.tell_resync();
            self.read_history();
            for client in 0..CLIENTS {
                self.prepare(client);
                self.read_history();
                self.read_history();
                self.follow(client);
                for _ in 0..64 {
                    self.visit(client, 8);
                }
            }
        }
    }

    fn check(&self) {
        let head = self.database.1.len() as i64;
        assert_eq!(self.log.head(), Some(head));
        for client in &self.clients {
            assert_eq!(client.at, Some((self.database.0.to_string(), head)));
            for (seq, mark) in &client.held {
                assert_eq!(self.database.1[*seq as usize - 1], *mark, "what is held is what was committed there");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_befalls_it_a_client_holds_a_stretch_of_one_log_and_ends_at_its_head(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.settle();
        world.check();
    }
}
