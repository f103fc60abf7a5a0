//! Many clients at once on rooms of one owner, and what came of it in the end.

use crate::client::{Client, Phase, Plan, Progress, Run};
use crate::history::{Action, Event, History, Inbox, Notice, Op, Row, Truth, View, text};
use crate::support::rest::Rest;
use crate::support::server::Setup;
use crate::support::wire::Codec;
use crate::support::within;
use rand::Rng;
use rand::rngs::StdRng;
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Clients that write; the first is the owner.
const WRITERS: usize = 6;
/// Clients that only watch, as the owner: one person on several sockets sees one stream.
const WATCHERS: usize = 2;
/// A few, so that people choose the same.
const EMOJI: [&str; 3] = ["👍", "🎉", "🚀"];
/// For what a fault holds up: debug builds that start, eight clients that come back.
const LONG: Duration = Duration::from_secs(30);
/// For a write beside all that a loaded machine does meanwhile.
const A_WRITE: Duration = Duration::from_millis(100);

/// Clients at work.
pub struct Traffic {
    /// What they share.
    pub run: Arc<Run>,
    tokens: Vec<String>,
    people: Vec<u64>,
    rooms: Vec<u64>,
    marks: Vec<(u64, u64)>,
    own_channel: String,
    clients: Vec<JoinHandle<Vec<View>>>,
}

impl Traffic {
    /// Makes people and rooms through `setup` and the instance at the first address, and sets the clients to work on all.
    pub async fn begin(setup: &Setup, addresses: &[SocketAddr], random: &mut StdRng) -> Self {
        // The first one owns the rooms and what is reacted to, so that all of it is also told on that person's own channel.
        let tokens = setup.tokens("Writer", WRITERS).await;
        let rest = Rest::new(addresses[0]);
        let owner = rest.with(&tokens[0]);
        let mut people = Vec::new();
        for token in &tokens {
            people.push(rest.with(token).own_id().await);
        }
        let own_channel = format!("user:{}", people[0]);
        let (mut rooms, mut marks) = (Vec::new(), Vec::new());
        for title in ["one", "two", "three"] {
            let room = owner.post(title).await;
            marks.push((room, owner.comment(room, &text(title, 0)).await));
            rooms.push(room);
        }
        let run = Run::new();
        let channels: Vec<String> = rooms.iter().map(|room| format!("post:{room}")).collect();
        let mut clients = Vec::new();
        for index in 0..WRITERS + WATCHERS {
            let owner = index == 0 || index >= WRITERS;
            let mut watched = channels.clone();
            watched.extend(owner.then(|| own_channel.clone()));
            let plan = Plan {
                name: format!("client{index}"),
                token: tokens[if owner { 0 } else { index }].clone(),
                codec: Codec::ALL[index % 2],
                channels: watched,
                rooms: if index < WRITERS { rooms.clone() } else { Vec::new() },
                marks: marks.clone(),
                emoji: EMOJI[index % EMOJI.len()],
                seed: random.random(),
            };
            clients.push(tokio::spawn(Client::new(plan, Arc::clone(&run)).work(addresses.to_vec())));
        }
        Self { run, tokens, people, rooms, marks, own_channel, clients }
    }

    /// The owner's token.
    pub fn token(&self) -> &str {
        &self.tokens[0]
    }

    /// How many clients there are.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// The rooms.
    pub fn rooms(&self) -> &[u64] {
        &self.rooms
    }

    /// The highest seq of a room that anybody has seen.
    pub fn head(&self, room: u64) -> u64 {
        let (channel, progress) = (format!("post:{room}"), self.progress());
        let seen = progress.positions.iter().filter(|((_, at), _)| *at == channel);
        seen.map(|(_, (_, seq))| *seq).max().unwrap_or(0)
    }

    /// What has happened so far.
    pub fn progress(&self) -> Progress {
        self.run.progress.borrow().clone()
    }

    /// Waits until something has happened.
    pub async fn wait(&self, what: &str, done: impl FnMut(&Progress) -> bool) {
        self.wait_long(LONG, what, done).await;
    }

    /// The same, with a patience of one's own.
    pub async fn wait_long(&self, patience: Duration, what: &str, done: impl FnMut(&Progress) -> bool) {
        let mut progress = self.run.progress.subscribe();
        let reached = within(patience, what, progress.wait_for(done)).await.is_ok();
        assert!(reached);
    }

    /// Waits for so many more acknowledged writes.
    pub async fn flow(&self, acks: u64) {
        let before = self.progress().acks;
        let patience = LONG + A_WRITE * u32::try_from(acks).unwrap();
        self.wait_long(patience, &format!("{acks} writes"), |progress| progress.acks >= before + acks).await;
    }

    /// Has one comment written by somebody beside the clients, asked again until it is acknowledged; answers how often.
    pub async fn comment(&self, rest: &Rest, room: u64, key: &str, body: &str) -> u64 {
        let (key, channel) = (key.to_owned(), format!("post:{room}"));
        self.run.note(Op::Invoke { key: key.clone(), channel, action: Action::Create });
        let (path, body) = (format!("/posts/{room}/comments"), json!({"body": text(body, 0), "key": key}));
        for again in 0.. {
            match rest.call(Method::POST, &path, Some(body.clone())).await {
                (StatusCode::CREATED, answer) => {
                    let number = |field: &str| answer[field].as_u64().expect("a comment has numbers");
                    self.run.note(Op::Ok { key, id: number("id"), seq: number("seq") });
                    return again;
                }
                (status, answer) => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}"),
            }
        }
        unreachable!("it is asked until it is acknowledged")
    }

    /// Begins nothing new and waits for an answer to every write.
    pub async fn pause(&self) {
        self.run.phase.send_replace(Phase::Settling);
        self.wait("an answer to every write", |progress| progress.open == 0).await;
    }

    /// Waits until every view stands in this epoch, and beyond a seq of its channel where one is given.
    pub async fn reach(&self, epoch: &str, beyond: &BTreeMap<String, u64>) {
        self.wait_long(6 * LONG, "every view in its epoch", |progress| {
            progress
                .positions
                .iter()
                .all(|((_, channel), (at, seq))| at == epoch && beyond.get(channel).is_none_or(|beyond| seq > beyond))
        })
        .await;
    }

    /// Begins nothing new, waits for an answer to every write and until every view stands at its head, ends the clients
    /// and reads the truth from the instance at this address. Beside it the longest time that an event took from its first
    /// sight to its last.
    pub async fn settle(mut self, address: SocketAddr) -> (History, Duration) {
        self.pause().await;
        let rest = Rest::new(address);
        let owner = rest.with(&self.tokens[0]);
        let mut history = History::default();
        for room in &self.rooms {
            let (epoch, head, comments) = rest.comments(*room).await;
            let (_, _, log) = rest.log(&format!("post:{room}")).await;
            let (rows, log) = (comments.iter().map(Row::read).collect(), log.iter().map(Event::read).collect());
            history.truth.insert(format!("post:{room}"), Truth { epoch, head, rows, log });
        }
        let (epoch, head, log) = owner.log(&self.own_channel).await;
        let log = log.iter().map(Event::read).collect();
        history.truth.insert(self.own_channel.clone(), Truth { epoch, head, rows: Vec::new(), log });
        let heads = &history.truth;
        let mut progress = self.run.progress.subscribe();
        let all = progress.wait_for(|progress| {
            progress.positions.iter().all(|((_, channel), (epoch, seq))| {
                let Truth { epoch: last, head, .. } = &heads[channel];
                epoch == last && seq >= head
            })
        });
        // One that stays behind is the checker's to name.
        let _ = tokio::time::timeout(LONG, all).await;
        self.run.phase.send_replace(Phase::Done);
        for client in std::mem::take(&mut self.clients) {
            history.views.extend(client.await.unwrap());
        }
        history.ops = std::mem::take(&mut self.run.ops.lock().unwrap());
        for (index, (token, user)) in self.tokens.iter().zip(&self.people).enumerate() {
            history.people.insert(format!("client{index}"), *user);
            for (_, comment) in &self.marks {
                history.mine.insert((*user, *comment), rest.with(token).own_reactions(*comment).await);
            }
        }
        let (unread, rows) = owner.inbox().await;
        let rows = rows.iter().map(Notice::read).collect();
        history.inbox = Some(Inbox { owner: self.people[0], channel: self.own_channel.clone(), unread, rows });
        (history, self.run.worst_delivery())
    }
}
