//! A room full of people, each signed in, on their own channel and counted for what they cost.

use crate::counted;
use crate::figures::{Asked, Figures, Since, least};
use crate::house::{House, until};
use crate::wire::{Caller, Socket, command, request, scratch, upgrade};
use belfry::model::{Channel, Event, EventData, PostId, Timestamp};
use belfry::protocol::Codec;
use belfry::store::CommitSink;
use belfry::store::write::{CreatePost, EnsurePeople};
use serde_json::json;
use serde_json::value::RawValue;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Sockets before memory is measured.
const FIRST: usize = 64;
/// Sockets in all: two descriptors each are within what a process may open anywhere.
const ALL: usize = 384;
/// Rounds of each thing that is measured.
const ROUNDS: usize = 15;
/// A turn of the wheel that heartbeats of 20 s go by: its 64 steps are whole milliseconds.
const HEARTBEATS: Duration = Duration::from_millis(64 * 313);
/// Events that are committed together.
const BURST: usize = 64;
/// Bytes of an event's text.
const TEXT: usize = 120;

/// The room.
struct Room {
    house: House,
    post: PostId,
    sockets: Vec<Socket>,
    tokens: Vec<String>,
    /// Of a back end that publishes.
    key: String,
    scratch: Vec<u8>,
    /// Events of the room.
    seq: i64,
}

pub async fn measure(figures: &mut Figures) {
    let mut room = Room::open().await;
    tokio::time::pause();
    room.join(FIRST).await;
    let (asked, joined) = (room.join(ALL).await, (ALL - FIRST) as f64);
    figures.add("an idle socket: bytes held", asked.held / joined);
    figures.add("a socket joins: allocations", asked.times / joined);
    figures.add("a socket joins: bytes", asked.bytes / joined);

    let rounds = room.rounds(Room::idle).await;
    // How often rows are waited for, which allocates a little, is up to the database's thread: bytes alone are steady.
    figures.add("a heartbeat and a sweep: bytes a socket", least(&rounds, |asked| asked.bytes) / ALL as f64);
    let rounds = room.rounds(Room::signal).await;
    figures.add_rounds("a signal", "in all", 1.0, &rounds);
    let rounds = room.rounds(Room::comment).await;
    figures.add_rounds("a comment over a socket", "in all", 1.0, &rounds);
    let mut caller = Caller::dial(room.house.address);
    let rounds = room.publish(&mut caller).await;
    figures.add_rounds("an event by POST /publish", "in all", 1.0, &rounds);
    let rounds = room.list(&mut caller).await;
    figures.add_rounds("a list of 15 comments", "in all", 1.0, &rounds);

    // From here on the room is ahead of its database.
    let rounds = room.deliver(1).await;
    figures.add_rounds("one event to 384 sockets", "in all", 1.0, &rounds);
    let rounds = room.deliver(BURST).await;
    figures.add_rounds("64 events to 384 sockets", "an event", BURST as f64, &rounds);
    room.count_writes(figures).await;
}

impl Room {
    async fn open() -> Self {
        let house = House::open().await;
        let ensure = EnsurePeople { people: vec![("ada".into(), "Ada".into())] };
        let author = house.state.store.write(ensure).await.unwrap()[0].user.id;
        let (title, body, html) = ("A room".into(), "b".into(), "<p>b</p>".into());
        let post = CreatePost { author, title, body, html, tags: Vec::new(), key: None };
        let post = house.state.store.write(post).await.unwrap().value.value.id;
        let day = Duration::from_secs(86_400);
        let tokens = house.state.accounts.people("viewer", Some(ALL as u32), day).await.unwrap();
        let key = house.state.accounts.make_api_key("cost", ["publish".to_owned()].into()).await.unwrap();
        let (sockets, scratch) = (Vec::with_capacity(ALL), scratch());
        Self { house, post, sockets, tokens, key, scratch, seq: 0 }
    }

    fn channel(&self) -> Channel {
        Channel::Post(self.post)
    }

    /// One speaks JSON, the next one MessagePack.
    fn codec(index: usize) -> Codec {
        if index.is_multiple_of(2) { Codec::Json } else { Codec::MsgPack }
    }

    /// Lets people in until so many are there.
    async fn join(&mut self, all: usize) -> Asked {
        let subscriptions = json!([{"channel": self.channel().name()}, {"channel": "me"}]);
        let said = |index: usize| {
            let connect = json!({"type": "connect", "token": self.tokens[index], "subscriptions": subscriptions});
            (upgrade(self.house.address, Self::codec(index)), command(Self::codec(index), &connect))
        };
        let said: Vec<_> = (self.sockets.len()..all).map(said).collect();
        let since = Since::now();
        for (upgrade, connect) in &said {
            let mut socket = Socket::dial(self.house.address);
            socket.send(upgrade);
            until("the upgrade", || socket.upgraded(&mut self.scratch)).await;
            socket.send(connect);
            self.sockets.push(socket);
            self.everybody_has(1, self.sockets.len() - 1..self.sockets.len()).await;
        }
        since.asked()
    }

    /// Waits until these have had so many more messages.
    async fn everybody_has(&mut self, more: usize, these: std::ops::Range<usize>) {
        let Self { sockets, scratch, .. } = self;
        let mut behind = these.start;
        until("messages", || {
            while behind < these.end {
                sockets[behind].read(scratch);
                if sockets[behind].messages < more {
                    return false;
                }
                behind += 1;
            }
            true
        })
        .await;
        for socket in &mut sockets[these] {
            assert_eq!(socket.messages, more);
            socket.messages = 0;
        }
    }

    /// Does something once to warm up, and then several times.
    async fn rounds(&mut self, mut act: impl AsyncFnMut(&mut Self, usize) -> Asked) -> Vec<Asked> {
        act(self, ROUNDS).await;
        let mut rounds = Vec::with_capacity(ROUNDS);
        for round in 0..ROUNDS {
            rounds.push(act(self, round).await);
        }
        rounds
    }

    /// Time passes in which everybody has one heartbeat.
    async fn idle(&mut self, _: usize) -> Asked {
        let since = Since::now();
        tokio::time::advance(HEARTBEATS).await;
        self.everybody_has(1, 0..ALL).await;
        let readiness = &self.house.state.readiness;
        until("the sweep", || readiness.since_sweep() == Some(Duration::ZERO)).await;
        let asked = since.asked();
        for socket in &mut self.sockets {
            assert_eq!(std::mem::take(&mut socket.pings), 1);
            socket.send(&[0x8a, 0x80, 0, 0, 0, 0]);
        }
        asked
    }

    /// The first one signals to the others.
    async fn signal(&mut self, _: usize) -> Asked {
        let signal = json!({"type": "signal", "channel": self.channel().name(), "data": {"text": "x".repeat(TEXT)}});
        let signal = command(Codec::Json, &signal);
        let since = Since::now();
        self.sockets[0].send(&signal);
        self.everybody_has(1, 1..ALL).await;
        since.asked()
    }

    /// The first one writes a comment.
    async fn comment(&mut self, round: usize) -> Asked {
        let comment = json!({
            "type": "comment.create", "id": 7, "post_id": self.post, "key": format!("key-{round}"),
            "body": "Read **this** first: [the *notes*](https://example.org/notes), and the list below.\n\n- one\n- two",
        });
        let comment = command(Codec::Json, &comment);
        self.seq += 1;
        let since = Since::now();
        self.sockets[0].send(&comment);
        // The event for everybody, and the answer.
        self.everybody_has(1, 1..ALL).await;
        self.everybody_has(2, 0..1).await;
        since.asked()
    }

    async fn publish(&mut self, caller: &mut Caller) -> Vec<Asked> {
        let event = json!({"channel": self.channel().name(), "kind": "custom.x", "data": {"text": "x".repeat(TEXT)}});
        let request = request("POST", "/publish", &self.key, &event.to_string());
        let act = async |room: &mut Self, _| {
            room.seq += 1;
            let since = Since::now();
            room.answer(caller, &request).await;
            room.everybody_has(1, 0..ALL).await;
            since.asked()
        };
        self.rounds(act).await
    }

    async fn list(&mut self, caller: &mut Caller) -> Vec<Asked> {
        let request = request("GET", &format!("/posts/{}/comments?limit=15", self.post), "", "");
        let act = async |room: &mut Self, _| {
            let since = Since::now();
            room.answer(caller, &request).await;
            since.asked()
        };
        self.rounds(act).await
    }

    async fn answer(&mut self, caller: &mut Caller, request: &[u8]) {
        caller.send(request);
        until("an answer", || caller.answered(&mut self.scratch)).await;
    }

    /// Events as they are once they are committed.
    fn events(&mut self, count: usize) -> Vec<Event> {
        let data = RawValue::from_string(json!({"text": "x".repeat(TEXT)}).to_string()).unwrap();
        let channel = self.channel();
        let event = |seq| EventData::Custom("custom.x", &data).at(channel, seq, Timestamp(1_800_000_000_000));
        let from = self.seq;
        self.seq += count as i64;
        (from + 1..=self.seq).map(event).collect()
    }

    /// Delivers so many at once.
    async fn deliver(&mut self, at_once: usize) -> Vec<Asked> {
        let act = async |room: &mut Self, _| {
            let events = room.events(at_once);
            let since = Since::now();
            room.house.hub.committed(events);
            room.everybody_has(at_once, 0..ALL).await;
            since.asked()
        };
        self.rounds(act).await
    }

    async fn count_writes(&mut self, figures: &mut Figures) {
        let mut viewers = Vec::new();
        for codec in [Codec::Json, Codec::MsgPack] {
            viewers.push(counted::viewer(&self.house, self.post, codec).await);
        }
        until("the viewers", || viewers.iter().all(|writes| writes.load(Ordering::Relaxed) > 0)).await;
        for (name, at_once) in [("one event: writes a socket", 1), ("64 events: writes a socket", BURST)] {
            let before: usize = viewers.iter().map(|writes| writes.load(Ordering::Relaxed)).sum();
            let events = self.events(at_once);
            self.house.hub.committed(events);
            self.everybody_has(at_once, 0..ALL).await;
            let after: usize = viewers.iter().map(|writes| writes.load(Ordering::Relaxed)).sum();
            figures.add(name, (after - before) as f64 / viewers.len() as f64);
        }
    }
}
