//! An instance takes leave: what those it serves are told, in which order, and what they are still given.

use super::support::{CODECS, Came, Client, House, Instance, PATIENCE, Room, eventually};
use belfry::bus::LocalBus;
use belfry::protocol::Codec;
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// What a socket went through: when it was told to go and to stay away for how long, and when it was closed.
struct Left {
    told: Instant,
    after: Duration,
    closed: Instant,
    code: u16,
}

/// A socket to its end, and what came over it but for that.
async fn to_the_end(mut client: Client) -> (Left, Vec<Value>) {
    let (mut told, mut messages) = (None, Vec::new());
    loop {
        match client.came().await {
            Came::Closed(code) => {
                let (told, after) = told.unwrap_or_else(|| panic!("closed with {code}, and was not told before"));
                return (Left { told, after, closed: now(), code }, messages);
            }
            Came::Message(message) if message["type"] == "going_away" => {
                assert!(told.is_none(), "it is told once");
                told = Some((now(), Duration::from_millis(message["reconnect_after_ms"].as_u64().unwrap())));
            }
            Came::Message(message) if message["type"] != "heartbeat" => messages.push(message),
            _ => {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "what is measured is what passes outside")]
fn now() -> Instant {
    Instant::now()
}

/// Whether somebody new is let in.
async fn lets_in(instance: &Instance) -> bool {
    TcpStream::connect(instance.address).await.is_ok()
}

async fn ready(http: &reqwest::Client, instance: &Instance) -> (StatusCode, Option<String>) {
    let answer = http.get(format!("http://{}/health/ready", instance.address)).send().await.unwrap();
    let connection = answer.headers().get(header::CONNECTION).map(|value| value.to_str().unwrap().to_owned());
    (answer.status(), connection)
}

#[tokio::test]
async fn during_the_delay_all_are_served_and_every_answer_says_that_it_is_the_last_of_its_connection() {
    let (_house, instance) = Instance::with(&["--drain-delay", "60s", "--drain-window", "60s"]).await;
    let (room, token) = (instance.room().await, instance.person("Bob").await);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(ready(&http, &instance).await, (StatusCode::OK, None));
    let mut before = Client::signed_in(&instance, &token).await;
    instance.wish_to_stop().wish();
    eventually("it to know", || instance.state.readiness.not_ready() == Some("draining")).await;

    let close = Some("close".to_owned());
    assert_eq!(ready(&http, &instance).await, (StatusCode::SERVICE_UNAVAILABLE, close.clone()));
    let comments = format!("http://{}/api/v1/posts/{}/comments", instance.address, room.post);
    let written = http.post(&comments).bearer_auth(&token).json(&json!({"body": "late"})).send().await.unwrap();
    assert_eq!(written.status(), StatusCode::CREATED);
    assert_eq!(written.headers().get(header::CONNECTION).unwrap(), "close");
    // Who comes now is as welcome as who was there.
    let mut new = Client::viewer(&instance, &room.name()).await;
    let create = json!({"type": "comment.create", "post_id": room.post, "body": "later"});
    assert_eq!(before.ask(create).await["type"], "reply");
    new.event("comment.created", 2).await;

    // In a hurry nobody is waited for, however long the delay and the window are.
    instance.wish_to_stop().wish_hasty();
    for client in [before, new] {
        let (left, _) = to_the_end(client).await;
        assert_eq!((left.code, left.after), (1012, Duration::ZERO));
    }
    instance.ended().await;
}

#[tokio::test]
async fn nobody_is_turned_away_before_the_delay_is_over_and_everybody_afterwards() {
    let (_house, instance) = Instance::with(&["--drain-delay", "700ms", "--drain-window", "60s"]).await;
    let room = instance.room().await;
    let staying = Client::viewer(&instance, &room.name()).await;
    let wished = now();
    instance.wish_to_stop().wish();
    let mut let_in = 0;
    while lets_in(&instance).await {
        let_in += 1;
        assert!(wished.elapsed() < PATIENCE, "it lets people in for ever");
    }
    assert!(wished.elapsed() >= Duration::from_millis(700), "turned away after {:?}", wished.elapsed());
    assert!(let_in > 0 && instance.hub.sockets() == 1, "the one that is there stays until its turn");
    assert!(!lets_in(&instance).await);
    drop(staying);
    instance.ended().await;
}

#[tokio::test]
async fn a_connection_that_was_never_used_holds_up_nobody() {
    let (_house, instance) = Instance::with(&["--drain", "60s"]).await;
    let spare = TcpStream::connect(instance.address).await.unwrap();
    // Who asks after it has been let in after it.
    Client::anonymous(&instance, Codec::Json).await;
    instance.stop().await;
    drop(spare);
}

#[tokio::test]
async fn sockets_are_closed_each_at_the_time_it_was_told_spread_over_the_window() {
    const WINDOW: Duration = Duration::from_millis(2_000);
    let (_house, instance) = Instance::with(&["--drain-window", "2s", "--drain", "5s"]).await;
    let room = instance.room().await;
    let mut clients = Vec::new();
    for n in 0..40 {
        clients.push(Client::viewer_in(&instance, &room.name(), CODECS[n % 2]).await);
    }
    // One that has not even said who it is.
    clients.push(Client::at(&instance, "/ws", Codec::Json).await);
    let begun = now();
    instance.wish_to_stop().wish();
    let ends: Vec<_> = clients.into_iter().map(|client| tokio::spawn(to_the_end(client))).collect();
    let mut lefts = Vec::new();
    for end in ends {
        lefts.push(end.await.unwrap().0);
    }
    instance.ended().await;
    for left in &lefts {
        assert_eq!(left.code, 1012);
        assert!(left.after <= WINDOW, "{:?}", left.after);
        // Of what is measured on either side of a wire a few milliseconds are not to be relied on.
        let served = left.closed - left.told;
        assert!(served + Duration::from_millis(100) >= left.after, "closed after {served:?}, told {:?}", left.after);
    }
    let after: BTreeSet<Duration> = lefts.iter().map(|left| left.after).collect();
    assert!(after.len() > 20, "each has a time of its own: {after:?}");
    assert!(*after.last().unwrap() - *after.first().unwrap() > WINDOW / 2, "{after:?}");
    let closed: BTreeSet<Duration> = lefts.iter().map(|left| left.closed - begun).collect();
    assert!(*closed.last().unwrap() - *closed.first().unwrap() > WINDOW / 2, "{closed:?}");
}

#[tokio::test]
async fn what_is_asked_before_the_close_is_carried_out_and_answered_before_it() {
    let (house, instance) = Instance::open().await;
    let (room, other) = (instance.room().await, instance.room().await);
    let mut asking = Client::viewer(&instance, &other.name()).await;
    // Enough that each task which writes to sockets has one.
    let mut idle = Vec::new();
    for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
        idle.push(Client::anonymous(&instance, Codec::Json).await);
    }
    house.store.heads.hold(room.channel());
    asking
        .send_all([json!({"type": "subscribe", "id": 7, "channel": room.name()}), json!({"type": "ping", "id": 8})])
        .await;
    house.store.heads.held().await;
    let asked = tokio::spawn(to_the_end(asking));
    instance.wish_to_stop().wish_hasty();
    for client in idle {
        assert_eq!(to_the_end(client).await.0.code, 1012);
    }
    house.store.heads.release();
    let (left, messages) = asked.await.unwrap();
    let answers: Vec<_> = messages.iter().map(|message| (message["type"].as_str(), message["id"].as_u64())).collect();
    assert_eq!(answers, [(Some("subscribed"), Some(7)), (Some("pong"), Some(8))]);
    assert_eq!(left.code, 1012);
    instance.ended().await;
}

/// Somebody who writes, one comment after the other, and goes where there is somebody to talk to.
struct Talker {
    client: Client,
    name: String,
    room: Room,
    /// What it has seen: the comments' keys, by seq.
    seen: Vec<Value>,
    said: u64,
    moved: bool,
}

impl Talker {
    /// Says one thing more, until it is answered.
    async fn say(&mut self, token: &str, next: &Instance) {
        self.said += 1;
        let key = format!("{}-{}", self.name, self.said);
        let create =
            json!({"type": "comment.create", "id": self.said, "post_id": self.room.post, "body": key, "key": key});
        self.client.send(create.clone()).await;
        loop {
            match self.client.came().await {
                Came::Message(message) if message["id"] == self.said => {
                    return assert_eq!(message["type"], "reply", "{message}");
                }
                Came::Message(message) => self.see(&message),
                Came::Ping => {}
                Came::Closed(code) => {
                    assert_eq!((code, self.moved), (1012, false));
                    self.moved = true;
                    self.client = Client::signed_in(next, token).await;
                    let (name, since) = (self.room.name(), self.seen.len() as i64);
                    let subscribed = self.client.resume(&name, &next.epoch(), since).await;
                    assert_eq!(subscribed["recovered"], true, "{subscribed}");
                    subscribed["events"].as_array().unwrap().iter().for_each(|event| self.see(event));
                    self.client.send(create.clone()).await;
                }
            }
        }
    }

    fn see(&mut self, message: &Value) {
        assert_ne!(message["type"], "error", "{message}");
        if message["kind"] == "comment.created" {
            assert_eq!(message["seq"], self.seen.len() + 1, "{message}");
            self.seen.push(message["data"]["comment"]["key"].clone());
        }
    }
}

#[tokio::test]
async fn whoever_goes_to_another_instance_misses_nothing_and_has_said_nothing_twice() {
    let house = House::with(&["--drain-delay", "200ms", "--drain-window", "1s", "--drain", "5s"]).await;
    let bus = LocalBus::new();
    let (a, b) = (house.instance(bus.join()).await, Arc::new(house.instance(bus.join()).await));
    let room = a.room().await;
    let token = a.person("Bob").await;
    let mut talkers = Vec::new();
    for n in 0..6 {
        let mut client = Client::signed_in(&a, &token).await;
        client.subscribe(&room.name()).await;
        talkers.push(Talker { client, name: n.to_string(), room, seen: Vec::new(), said: 0, moved: false });
    }
    let talking: Vec<_> = talkers
        .into_iter()
        .map(|mut talker| {
            let (next, token) = (b.clone(), token.clone());
            tokio::spawn(async move {
                let mut pace = tokio::time::interval(Duration::from_millis(20));
                while !talker.moved {
                    pace.tick().await;
                    talker.say(&token, &next).await;
                }
                talker.say(&token, &next).await;
                talker
            })
        })
        .collect();
    a.wish_to_stop().wish();
    let mut talkers = Vec::new();
    for talker in talking {
        talkers.push(talker.await.unwrap());
    }
    a.ended().await;
    let said = talkers.iter().map(|talker| talker.said).sum::<u64>() as usize;
    for talker in &mut talkers {
        while talker.seen.len() < said {
            let message = talker.client.next().await;
            talker.see(&message);
        }
        let different: HashSet<_> = talker.seen.iter().map(Value::to_string).collect();
        assert_eq!(different.len(), said);
    }
}
