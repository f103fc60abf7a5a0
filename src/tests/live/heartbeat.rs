//! A sign of life at least every interval, and an end to those who give none.

use super::support::{Came, Client, Instance, eventually, pipe, within};
use belfry::protocol::Codec;
use belfry::protocol::codec::close_frame;
use belfry::protocol::codes::CloseCode;
use belfry::ws::Entrance;
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

const HALF: Duration = Duration::from_millis(400);
const SETTINGS: [&str; 2] = ["--heartbeat", "800ms"];

#[tokio::test]
async fn the_first_comes_after_half_an_interval_and_then_each_interval_has_one() {
    let (_house, instance) = Instance::with(&SETTINGS).await;
    for codec in super::support::CODECS {
        let mut client = Client::at(&instance, "/ws", codec).await;
        let began = Instant::now();
        let welcome = client.ask(json!({"type": "connect"})).await;
        assert_eq!(welcome["heartbeat_ms"], 800);
        let mut last = began;
        for beat in 0..3 {
            assert_eq!(client.came().await, Came::Ping);
            assert_eq!(client.came().await, Came::Message(json!({"type": "heartbeat"})));
            let since = last.elapsed();
            // Never sooner than promised; how late it may be on a busy machine is not for a test to say.
            let soonest = if beat == 0 { HALF } else { HALF * 2 - Duration::from_millis(60) };
            assert!(since + Duration::from_millis(30) >= soonest, "beat {beat} after {since:?}");
            last = Instant::now();
        }
    }
}

#[tokio::test]
async fn ping_and_heartbeat_go_in_one_write() {
    let (_house, instance) = Instance::with(&SETTINGS).await;
    let mut raw = pipe(&instance, Entrance::Multiplexed, 4_096, Codec::Json).await;
    let mut bytes = [0; 256];
    let read = within("a heartbeat", raw.read(&mut bytes)).await.unwrap();
    assert_eq!(&bytes[..read], b"\x89\x00\x81\x14{\"type\":\"heartbeat\"}");
}

#[tokio::test]
async fn one_that_lags_has_one_heartbeat_waiting_and_gets_it_before_its_lag() {
    let (_house, instance) = Instance::with(&SETTINGS).await;
    let room = instance.room().await;
    let mut lagging = Client::through_pipe(&instance, Entrance::Live(room.post), 64, Codec::Json).await;
    lagging.next().await;
    lagging.next().await;
    let mut reading = Client::viewer(&instance, &room.name()).await;
    for _ in 0..3 {
        room.publish(&instance.state.store, json!("x".repeat(500))).await;
    }
    reading.events(1..=3).await;
    for _ in 0..4 {
        // Says that it is there, without reading.
        lagging.send(json!({"type": "ping"})).await;
        while reading.came().await != Came::Ping {}
    }
    let mut came = Vec::new();
    while came.len() < 5 {
        came.push(match lagging.came().await {
            Came::Message(message) if message["type"] == "event" => "event",
            Came::Message(_) => "heartbeat",
            Came::Ping => "ping",
            Came::Closed(code) => panic!("closed with {code}"),
        });
    }
    assert_eq!(came, ["event", "ping", "heartbeat", "event", "event"]);
}

#[tokio::test]
async fn one_that_is_silent_for_two_intervals_is_closed_and_leaves_every_map() {
    let (_house, instance) = Instance::with(&["--heartbeat", "300ms", "--channel-linger", "0s"]).await;
    let room = instance.room().await;
    let token = instance.person("Bob").await;
    let mut silent = Client::signed_in(&instance, &token).await;
    silent.subscribe(&room.name()).await;
    let mut reads = pipe(&instance, Entrance::Live(room.post), 4_096, Codec::Json).await;
    assert_eq!(instance.hub.sockets(), 2);
    // One reads and answers no ping, the other does not even read.
    let mut bytes = Vec::new();
    within("the end", reads.read_to_end(&mut bytes)).await.unwrap();
    assert!(bytes.ends_with(&close_frame(CloseCode::Silent)), "{bytes:?}");
    drop(reads);
    eventually("both to be reaped", || instance.hub.sockets() == 0).await;
    eventually("the room to be forgotten", || instance.hub.channels() == 1).await;
    assert!([4508, 1006].contains(&silent.closed().await));
}

#[tokio::test]
async fn one_that_only_answers_pings_stays() {
    let (_house, instance) = Instance::with(&["--heartbeat", "300ms"]).await;
    let mut client = Client::anonymous(&instance, Codec::Json).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2_500) {
        assert!(!matches!(client.came().await, Came::Closed(_)));
    }
}

#[tokio::test]
async fn one_whose_command_takes_long_is_not_taken_for_silent() {
    let (house, instance) = Instance::with(&["--heartbeat", "300ms"]).await;
    let room = instance.room().await;
    let mut client = Client::anonymous(&instance, Codec::Json).await;
    house.store.heads.hold(room.channel());
    client.send(json!({"type": "subscribe", "id": 7, "channel": room.name()})).await;
    house.store.heads.held().await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2_500) {
        assert!(!matches!(client.came().await, Came::Closed(_)));
    }
    house.store.heads.release();
    let answer = client.until("an answer", |message| message["id"] == 7).await;
    assert_eq!(answer["type"], "subscribed");
}
