//! Sockets that lost their instance and come to another one, all at once.

use super::support::{Client, House, Instance, Room, eventually, within};
use belfry::bus::LocalBus;
use belfry::model::Channel;
use belfry::protocol::Codec;
use futures_util::future::join_all;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Somebody, and where they were in the room and on their own channel.
struct Person {
    token: String,
    own: Channel,
    epoch: String,
    seqs: [i64; 2],
}

fn host_token(instance: &Instance, sub: &str) -> String {
    let exp = instance.state.clock.now().seconds() + 600;
    let claims = json!({"sub": sub, "name": format!("Host {sub}"), "exp": exp});
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(b"shared")).unwrap()
}

async fn socket(instance: &Instance) -> Client {
    Client::at(instance, "/ws", Codec::Json).await
}

/// Somebody comes to an instance for the first time, into the room and to their own channel.
async fn meet(instance: &Instance, room: Room, token: String) -> Person {
    let mut client = socket(instance).await;
    let channels = json!([{"channel": room.name()}, {"channel": "me"}]);
    let welcome = client.ask(json!({"type": "connect", "token": token, "subscriptions": channels})).await;
    let placed = &welcome["subscriptions"];
    let own = Channel::User(belfry::model::UserId(welcome["user"]["id"].as_i64().unwrap()));
    let seq = |at: usize| placed[at]["seq"].as_i64().unwrap_or_else(|| panic!("{welcome}"));
    Person { token, own, epoch: placed[0]["epoch"].as_str().unwrap().to_owned(), seqs: [seq(0), seq(1)] }
}

impl Person {
    /// What they say when they come back.
    fn connect(&self, room: Room) -> Value {
        let [in_room, on_own] = self.seqs;
        let channels = json!([
            {"channel": room.name(), "epoch": self.epoch, "since": in_room},
            {"channel": "me", "epoch": self.epoch, "since": on_own},
        ]);
        json!({"type": "connect", "id": 1, "token": self.token, "subscriptions": channels})
    }
}

/// Waits for the answer: all that was missed is there, in order and once.
async fn caught_up(client: &mut Client, missed: std::ops::RangeInclusive<i64>) {
    let welcome = client.until("the welcome", |message| message["type"] == "welcome").await;
    for placed in welcome["subscriptions"].as_array().unwrap() {
        assert_eq!(placed["recovered"], true, "{welcome}");
    }
    let events = welcome["subscriptions"][0]["events"].as_array().unwrap();
    let mut seqs: Vec<i64> = events.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    while seqs.last() < Some(missed.end()) {
        let event = client.until("the rest", |message| message["type"] == "event").await;
        seqs.push(event["seq"].as_i64().unwrap());
    }
    assert!(seqs.iter().copied().eq(missed), "{seqs:?}");
}

#[tokio::test]
async fn a_storm_costs_one_query_a_channel_and_none_a_socket() {
    const EACH: usize = 100;
    let house = House::with(&["--host-secret", "shared", "--max-sockets-per-address", "1000"]).await;
    let bus = LocalBus::new();
    let (a, b) = (house.instance(bus.join()).await, house.instance(bus.join()).await);
    let room = a.room().await;
    let own = a.state.accounts.people("Own", Some(EACH as u32), Duration::from_secs(600)).await.unwrap();
    let host = (0..EACH).map(|n| host_token(&a, &format!("u-{n:03}")));
    let people = join_all(own.into_iter().chain(host).map(|token| meet(&a, room, token))).await;
    let (own, host) = people.split_at(EACH);
    a.stop().await;
    // Nobody on the other one hears of it.
    house.store.control.hold(Channel::Revocations);
    house.store.control.held().await;
    room.fill(&house.unheard(), 1..=20).await;
    let made = house.store.kept();
    for tap in [&house.store.heads, &house.store.events, &house.store.host_people] {
        tap.forget();
    }

    // All who are of the host's site are there before the first of them is known, and some whom nobody has seen before.
    house.store.host_people.hold(Channel::Revocations);
    let mut clients = join_all((0..EACH + 20).map(|_| socket(&b))).await;
    let mut new = clients.split_off(EACH);
    for (client, person) in clients.iter_mut().zip(host) {
        client.send(person.connect(room)).await;
    }
    for (n, client) in new.iter_mut().enumerate() {
        let token = host_token(&b, &format!("new-{n:02}"));
        client
            .send(json!({"type": "connect", "id": 1, "token": token, "subscriptions": [{"channel": room.name()}]}))
            .await;
    }
    // Own tokens ask nobody, and wait for nobody who does.
    join_all(own.iter().map(async |person| {
        let mut client = socket(&b).await;
        client.send(person.connect(room)).await;
        caught_up(&mut client, 1..=20).await;
    }))
    .await;
    house.store.host_people.release();
    join_all(clients.iter_mut().map(|client| caught_up(client, 1..=20))).await;
    for client in &mut new {
        assert_eq!(client.until("the welcome", |message| message["type"] == "welcome").await["user"]["role"], "user");
    }
    let looked_up = house.store.host_people.calls().len();
    // The first to come were asked for alone, all others while they waited.
    assert!(looked_up <= 2, "{looked_up} queries for {} people", EACH + 20);
    assert!((1..=2).contains(&(house.store.kept() - made)), "{} writes for 20 people", house.store.kept() - made);
    for channel in people.iter().map(|person| person.own).chain([room.channel()]) {
        let (heads, events) = (house.store.heads.calls_for(channel), house.store.events.calls_for(channel));
        assert!(heads <= 1 && events <= 1, "{}: {heads} reads of its head, {events} of its events", channel.name());
    }
    assert_eq!(house.store.events.calls_for(room.channel()), 1);
    house.store.control.release();
}

#[tokio::test]
async fn while_the_people_of_the_host_cannot_be_looked_up_a_socket_is_sent_away_to_come_again() {
    let (house, instance) = Instance::with(&["--host-secret", "shared"]).await;
    let token = host_token(&instance, "u-1");
    house.store.host_people.fail(true);
    let mut client = socket(&instance).await;
    let answer = client.ask(json!({"type": "connect", "token": token})).await;
    assert_eq!((&answer["error"]["code"], client.closed().await), (&json!("unavailable"), 1013));
    house.store.host_people.fail(false);
    assert_eq!(socket(&instance).await.ask(json!({"type": "connect", "token": token})).await["type"], "welcome");
}

#[tokio::test]
async fn a_storm_is_let_in_by_and_by_and_nobody_is_refused() {
    let settings = ["--max-handshakes", "2", "--max-sockets-per-address", "1000"];
    let (_house, instance) = Instance::with(&settings).await;
    let room = instance.room().await;
    let name = room.name();
    let mut clients = join_all((0..300).map(|_| Client::viewer(&instance, &name))).await;
    room.fill(&instance.state.store, 1..=3).await;
    for client in &mut clients {
        client.events(1..=3).await;
    }
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out_for_long() {
    let (_house, instance) = Instance::with(&["--max-handshakes", "1"]).await;
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(TcpStream::connect(instance.address).await.unwrap());
    }
    // Ten times as long as a request may take to come would be longer than anybody here waits.
    within("an answer", Client::anonymous(&instance, Codec::Json)).await;
    // Whoever waited may still speak.
    let first = &mut silent[0];
    first.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    within("the answer", first.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    eventually("the socket to be gone", || instance.hub.sockets() == 0).await;
}
