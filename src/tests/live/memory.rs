//! What nobody uses any more is kept by nobody.

use super::support::{CODECS, Client, Instance, eventually, pipe};
use belfry::protocol::Codec;
use belfry::ws::Entrance;
use serde_json::json;
use std::sync::atomic::Ordering;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn when_all_have_left_nothing_is_left_of_them() {
    let (_house, instance) = Instance::with(&["--channel-linger", "0s"]).await;
    let rooms = [instance.room().await, instance.room().await, instance.room().await];
    for round in 0..3 {
        let token = instance.person("Bob").await;
        let mut clients = vec![Client::signed_in(&instance, &token).await];
        clients[0].subscribe("me").await;
        for (i, room) in rooms.iter().enumerate() {
            clients.push(Client::viewer_in(&instance, &room.name(), CODECS[i % 2]).await);
            // One that stops reading in the midst of a frame.
            let stopped = Client::through_pipe(&instance, Entrance::Live(room.post), 64, Codec::Json).await;
            clients.push(stopped);
            clients[0].subscribe(&room.name()).await;
        }
        // One that leaves in the midst of a frame of its own.
        let mut begun = pipe(&instance, Entrance::Multiplexed, 4_096, Codec::Json).await;
        begun.write_all(b"\x81\xfe\x10\x00abcd").await.unwrap();
        eventually("the begun frame", || instance.hub.partial_bytes().load(Ordering::Relaxed) > 0).await;
        for room in rooms {
            for _ in 0..20 {
                room.publish(&instance.state.store, json!("x".repeat(1_000))).await;
            }
        }
        assert!(instance.hub.tail_bytes() > 0 && instance.hub.channels() == 5, "round {round}");
        assert_eq!(instance.hub.sockets(), clients.len() + 1);
        drop((clients, begun));
        eventually("all sockets to be gone", || instance.hub.sockets() == 0).await;
        eventually("all rooms to be forgotten", || instance.hub.channels() == 1).await;
        eventually("all tails to be forgotten", || instance.hub.tail_bytes() == 0).await;
        assert_eq!(instance.hub.partial_bytes().load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn a_channel_lingers_with_its_tail_for_those_who_come_back() {
    let (house, instance) = Instance::with(&["--channel-linger", "60s"]).await;
    let room = instance.room().await;
    let viewer = Client::viewer(&instance, &room.name()).await;
    room.fill(&instance.state.store, 1..=5).await;
    drop(viewer);
    eventually("the viewer to be gone", || instance.hub.sockets() == 0).await;
    room.fill(&instance.state.store, 6..=7).await;
    house.store.events.forget();
    let mut back = Client::anonymous(&instance, Codec::Json).await;
    let subscribed = back.resume(&room.name(), &instance.epoch(), 3).await;
    assert_eq!((&subscribed["recovered"], &subscribed["seq"]), (&json!(true), &json!(7)));
    assert_eq!(house.store.events.calls_for(room.channel()), 0);
}

#[tokio::test]
async fn all_tails_together_keep_within_their_budget_and_nobody_misses_anything() {
    let (_house, instance) = Instance::with(&["--tail-bytes", "200000", "--tail-budget", "400000"]).await;
    let mut rooms = Vec::new();
    for _ in 0..5 {
        let room = instance.room().await;
        rooms.push((room, Client::viewer(&instance, &room.name()).await));
    }
    for seq in 1..=60 {
        for (room, viewer) in &mut rooms {
            room.publish(&instance.state.store, json!("x".repeat(2_000))).await;
            viewer.events(seq..=seq).await;
        }
    }
    eventually("the budget to be kept", || instance.hub.tail_bytes() <= 400_000).await;
}
