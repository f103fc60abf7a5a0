//! A reader that stops holds up nobody, costs its bound, and gets whole frames or the end.

use crate::support::raw::Raw;
use crate::support::rest::Rest;
use crate::support::server::Server;
use crate::support::wire::{Codec, Socket};
use crate::support::{PATIENCE, within};
use serde_json::{Value, json};
use std::time::Duration;

/// A server without rates, a writer's token and a room.
async fn stage(settings: &[(&str, &str)]) -> (Server, String, u64) {
    let mut all = vec![("BELFRY_RATE_LIMITS", "off")];
    all.extend(settings);
    let (setup, server) = Server::fresh(&all).await;
    let token = setup.token("Writer").await;
    let room = Rest::new(server.address).with(&token).post("a room").await;
    (server, token, room)
}

/// A socket of bytes that watches a room.
async fn raw_watcher(server: &Server, channel: &str) -> Raw {
    let mut raw = Raw::open(server.address).await;
    raw.send(&json!({"type": "connect", "id": 1, "subscriptions": [{"channel": channel}]})).await;
    raw.message_of("welcome").await;
    raw
}

/// Readers that keep up, in both codecs; each returns when it has seen this many events in order.
async fn fast_readers(server: &Server, channel: &str, events: u64) -> Vec<tokio::task::JoinHandle<()>> {
    let mut readers = Vec::new();
    for index in 0..4 {
        let mut socket = Socket::open(server.address, Codec::ALL[index % 2]).await;
        socket.ask(json!({"type": "connect"})).await;
        let mut at = socket.subscribe(channel).await["seq"].as_u64().unwrap();
        let last = at + events;
        readers.push(tokio::spawn(async move {
            while at < last {
                let message = socket.next().await;
                match message["type"].as_str() {
                    Some("event") => {
                        at += 1;
                        assert_eq!(message["seq"], at, "a reader that keeps up misses nothing");
                    }
                    kind => assert_ne!(kind, Some("resync"), "a reader that keeps up is told of no hole"),
                }
            }
        }));
    }
    readers
}

async fn write(writer: &mut Socket, room: u64, body: &str, count: u64) -> Vec<u64> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let create = json!({"type": "comment.create", "post_id": room, "body": body});
        ids.push(writer.reply(create).await["id"].as_u64().unwrap());
    }
    ids
}

#[tokio::test]
async fn one_that_never_reads_again_is_let_go_and_costs_its_bound() {
    const EVENTS: u64 = 600;
    let (server, token, room) = stage(&[("BELFRY_SLOW_TIMEOUT", "2s"), ("BELFRY_HEARTBEAT", "60s")]).await;
    let channel = format!("post:{room}");
    let mut stopped = Vec::new();
    for _ in 0..5 {
        stopped.push(raw_watcher(&server, &channel).await);
    }
    let readers = fast_readers(&server, &channel, EVENTS).await;
    let mut writer = Socket::signed_in(server.address, Codec::MessagePack, &token).await;
    let before = server.resident_kib();
    // Some 80 KB each on the wire, so some 48 MB to each of them: far more than any buffer of the system.
    write(&mut writer, room, &"🔔".repeat(9_000), EVENTS).await;
    for reader in readers {
        within(PATIENCE, "a fast reader to see everything", reader).await.unwrap();
    }
    let grown = server.resident_kib().saturating_sub(before);
    println!("resident memory grew by {grown} KiB");
    assert!(grown < 64 * 1_024, "memory grew by {grown} KiB for five readers that stopped");
    for raw in &mut stopped {
        raw.abandoned(PATIENCE).await;
        // What the system still holds is whole frames, in order, up to the place where it was cut or closed.
        let mut at = 0;
        while let Some(message) = raw.message().await {
            if message["type"] == "event" {
                at += 1;
                assert_eq!(message["seq"], at);
            }
        }
        assert!(at < EVENTS, "it cannot have got everything");
    }
    writer.assert_alive("readers that stopped").await;
}

/// Stops in the middle of a frame, lets everything that was written be deleted, and reads on.
/// Returns how many holes it was told of.
async fn stops_within_a_frame(comments: u64) -> usize {
    let (server, token, room) = stage(&[("BELFRY_SLOW_TIMEOUT", "60s"), ("BELFRY_HEARTBEAT", "60s")]).await;
    let channel = format!("post:{room}");
    let mut raw = raw_watcher(&server, &channel).await;
    let readers = fast_readers(&server, &channel, 2 * comments).await;
    let mut writer = Socket::signed_in(server.address, Codec::Json, &token).await;
    let body = "🔔".repeat(9_000);
    let first = write(&mut writer, room, &body, 1).await;
    // Its header and a little more; not one frame is whole.
    assert!(raw.read(1_000).await);
    assert_eq!(raw.frame(), None, "the frame is longer than what was read");
    assert!(raw.is_within_a_frame());
    let mut ids = first;
    ids.extend(write(&mut writer, room, &body, comments - 1).await);
    assert!(raw.unsent().is_some_and(|bytes| bytes > 0), "the server has a frame begun that it cannot end");
    for id in ids {
        writer.reply(json!({"type": "comment.delete", "comment_id": id})).await;
    }
    for reader in readers {
        within(PATIENCE, "a fast reader to see everything", reader).await.unwrap();
    }
    let head = 2 * comments;
    let (mut at, mut resyncs) = (0, 0);
    let mut seen: Vec<Value> = Vec::new();
    while at < head {
        let message = raw.message().await.unwrap_or_else(|| panic!("ended at {at} of {head}"));
        match message["type"].as_str() {
            Some("event") => {
                at += 1;
                assert_eq!(message["seq"], at, "contiguous unless told otherwise");
                seen.push(message);
            }
            Some("resync") => {
                let told = message["seq"].as_u64().unwrap();
                assert!(told >= at, "a resync leads forward");
                at = told;
                resyncs += 1;
            }
            _ => {}
        }
    }
    let bodies = seen.iter().map(|event| event["data"]["comment"]["body"].as_str().unwrap_or_default());
    let (whole, gone): (Vec<&str>, Vec<&str>) = bodies.partition(|text| !text.is_empty());
    println!("{} told with their text, {} without", whole.len(), gone.len());
    assert!(whole.iter().all(|text| **text == *body), "a begun frame ends with the bytes it began with");
    assert!(
        seen.iter()
            .filter(|event| event["kind"] == "comment.deleted")
            .all(|event| { event["data"]["comment"]["deleted"] == true && event["data"]["comment"]["body"] == "" })
    );
    raw.send(&json!({"type": "ping", "id": 9})).await;
    within(PATIENCE, "pong", raw.message_of("pong")).await;
    resyncs
}

#[tokio::test]
async fn one_that_stops_within_a_frame_gets_the_rest_of_it() {
    stops_within_a_frame(8).await;
}

#[tokio::test]
async fn one_that_stops_within_a_frame_for_long_is_told_of_its_hole() {
    // 6 MB are more than the system buffers and the tail hold together.
    assert!(stops_within_a_frame(80).await > 0);
}

#[tokio::test]
async fn one_that_reads_slowly_gets_everything_it_is_told_it_gets() {
    let (server, token, room) = stage(&[("BELFRY_SLOW_TIMEOUT", "60s"), ("BELFRY_HEARTBEAT", "60s")]).await;
    let channel = format!("post:{room}");
    let mut raw = raw_watcher(&server, &channel).await;
    let mut writer = Socket::signed_in(server.address, Codec::Json, &token).await;
    let slow = tokio::spawn(async move {
        let (mut at, mut resyncs) = (0, 0);
        // In bites of 700 bytes, so that frames are cut everywhere.
        while at < 300 {
            while let Some(frame) = raw.frame() {
                let message: Value = match frame.opcode {
                    1 => serde_json::from_slice(&frame.payload).unwrap(),
                    _ => continue,
                };
                if message["type"] == "resync" {
                    at = message["seq"].as_u64().unwrap();
                    resyncs += 1;
                } else if message["type"] == "event" {
                    at += 1;
                    assert_eq!(message["seq"], at);
                }
            }
            assert!(at >= 300 || raw.read(700).await, "the server ended it at {at}");
            tokio::task::yield_now().await;
        }
        resyncs
    });
    write(&mut writer, room, &"slow ".repeat(400), 300).await;
    let resyncs = within(Duration::from_secs(30), "a slow reader to reach the head", slow).await.unwrap();
    println!("{resyncs} holes told");
}
