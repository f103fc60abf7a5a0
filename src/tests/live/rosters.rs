//! Rosters of many, and sockets that cannot keep up with them.

use super::support::{CODECS, Client, Instance, eventually};
use belfry::protocol::Codec;
use belfry::ws::Entrance;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a client makes of what it is told.
#[derive(Debug, Default, PartialEq)]
struct View {
    people: BTreeMap<i64, Value>,
    count: u64,
    messages: u32,
}

impl View {
    fn of(told: &Value) -> Self {
        let mut view = Self::default();
        view.take(told);
        view
    }

    fn take(&mut self, told: &Value) {
        let id = |user: &Value| user["id"].as_i64().unwrap();
        let list = |field: &str| told[field].as_array().cloned();
        if list("users").is_some() || list("joined").is_none() && list("left").is_none() {
            self.people.clear();
        }
        list("left").iter().flatten().for_each(|gone| drop(self.people.remove(&gone.as_i64().unwrap())));
        for user in list("users").into_iter().chain(list("joined")).flatten() {
            self.people.insert(id(&user), user);
        }
        self.count = told["count"].as_u64().unwrap();
        self.messages += 1;
    }

    /// Takes what comes, up to the message that this wants.
    async fn until(&mut self, client: &mut Client, wanted: impl Fn(&Self, &Value) -> bool) {
        loop {
            let message = client.next().await;
            if message["type"] == "presence" {
                self.take(&message);
            }
            if wanted(self, &message) {
                return;
            }
        }
    }
}

/// Comes through a pipe that holds this many bytes and enters.
async fn come(instance: &Instance, token: &str, channel: &str, bytes: usize, codec: Codec) -> (Client, View) {
    let mut client = Client::through_pipe(instance, Entrance::Multiplexed, bytes, codec).await;
    let asked = json!([{"channel": channel, "presence": true}]);
    let welcome = client.ask(json!({"type": "connect", "token": token, "subscriptions": asked})).await;
    let view = View::of(&welcome["subscriptions"][0]["presence"]);
    (client, view)
}

async fn people(instance: &Instance, count: u32) -> Vec<String> {
    instance.state.accounts.people("Guest", Some(count), Duration::from_secs(600)).await.unwrap()
}

#[tokio::test]
async fn two_thousand_who_enter_one_room_are_told_a_few_times_and_not_once_for_each() {
    let (_house, instance) = Instance::open().await;
    instance.clock.stop();
    let room = instance.room().await;
    let tokens = people(&instance, 2_000).await;
    let mut members = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        members.push(come(&instance, token, &room.name(), 65_536, CODECS[i % 2]).await);
        instance.clock.pass(5);
    }
    instance.clock.pass(500);
    for (client, view) in &mut members {
        if view.count < 2_000 {
            view.until(client, |view, _| view.count == 2_000).await;
        }
    }
    room.publish(&instance.state.store, Value::Null).await;
    let mut messages = 0;
    for (client, view) in &mut members {
        view.until(client, |_, message| message["type"] == "event").await;
        assert_eq!((view.count, view.people.len()), (2_000, 0));
        messages += view.messages;
    }
    let most = members.len() as u32 * (10_500 / 500 + 3);
    assert!(messages <= most, "{messages} messages, and {most} are allowed");
}

#[tokio::test]
async fn whoever_enters_while_others_come_and_go_ends_with_the_same_roster() {
    let (_house, instance) = Instance::open().await;
    instance.clock.stop();
    let room = instance.room().await;
    let tokens = people(&instance, 40).await;
    let mut members = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        members.push(come(&instance, token, &room.name(), [128, 16_384][i % 2], CODECS[i / 2 % 2]).await);
        if i % 3 == 0 {
            members.swap_remove(i * 7 % members.len());
        }
        instance.clock.pass(i as u64 * 37 % 300);
    }
    let last = people(&instance, 41).await.pop().unwrap();
    eventually("those who left to be gone", || instance.hub.sockets() == members.len()).await;
    instance.clock.pass(2_000);
    let (_last, mut expected) = come(&instance, &last, &room.name(), 65_536, Codec::Json).await;
    instance.clock.pass(2_000);
    // Those who left may still have been seen by the last one.
    expected.count = members.len() as u64 + 1;
    for (client, view) in &mut members {
        view.until(client, |view, _| view.count == expected.count && view.people.len() as u64 == expected.count).await;
    }
    let (_, first) = members.pop().unwrap();
    assert!(members.iter().all(|(_, view)| view.people == first.people));
}

#[tokio::test]
async fn a_socket_that_lags_misses_what_changes_and_is_then_told_all_of_it() {
    let (_house, instance) = Instance::open().await;
    instance.clock.stop();
    let (room, store) = (instance.room().await, &instance.state.store);
    let tokens = people(&instance, 6).await;
    let (mut ada, mut seen) = come(&instance, &tokens[0], &room.name(), 65_536, Codec::Json).await;
    for codec in CODECS {
        let (mut lagging, _) = come(&instance, &tokens[1], &room.name(), 64, codec).await;
        let mut others = Vec::new();
        let before = room.comment(store, &"x".repeat(2_000)).await.seq;
        // The frame was begun once others have it whole: those who came first are offered it first.
        let watching = Client::viewer(&instance, &room.name()).await;
        for token in &tokens[2..] {
            others.push(come(&instance, token, &room.name(), 65_536, Codec::Json).await);
            instance.clock.pass(500);
            let count = others.len() as u64 + 2;
            seen.until(&mut ada, |view, _| view.count == count).await;
        }
        others.truncate(2);
        eventually("two to be gone", || instance.hub.sockets() == 5).await;
        instance.clock.pass(1_500);
        seen.until(&mut ada, |view, _| view.count == 4).await;
        lagging.event("comment.created", before).await;
        let whole = lagging.next().await;
        assert_eq!((&whole["type"], &whole["count"]), (&json!("presence"), &json!(4)), "{whole}");
        assert_eq!(View::of(&whole).people, seen.people);
        // From there on it is told what changes.
        drop(others);
        eventually("all to be gone", || instance.hub.sockets() == 3).await;
        instance.clock.pass(1_500);
        let left = lagging.next().await;
        assert_eq!(left["left"].as_array().map(Vec::len), Some(2), "{left}");
        drop((lagging, watching));
        eventually("it to be gone", || instance.hub.sockets() == 1).await;
        instance.clock.pass(1_500);
        seen.until(&mut ada, |view, _| view.count == 1).await;
    }
}

#[tokio::test]
async fn a_stream_that_is_full_to_the_brim_is_told_once_it_takes_more() {
    let (_house, instance) = Instance::open().await;
    instance.clock.stop();
    let room = instance.room().await;
    let tokens = people(&instance, 3).await;
    let (mut ada, mut seen) = come(&instance, &tokens[0], &room.name(), 65_536, Codec::Json).await;
    // As many bytes as a pong has with its frame: one fills the pipe, and nothing is begun.
    let (mut full, _) = come(&instance, &tokens[1], &room.name(), 24, Codec::Json).await;
    instance.clock.pass(500);
    seen.until(&mut ada, |view, _| view.count == 2).await;
    full.send(json!({"type": "ping", "id": 1})).await;
    assert_eq!(ada.ask(json!({"type": "ping"})).await["type"], "pong");
    let _other = come(&instance, &tokens[2], &room.name(), 65_536, Codec::Json).await;
    instance.clock.pass(500);
    seen.until(&mut ada, |view, _| view.count == 3).await;
    // No time passes, so that no heartbeat comes to its help.
    full.until("the pong", |message| message["type"] == "pong").await;
    full.until("the roster", |message| message["type"] == "presence" && message["count"] == 3).await;
}
