//! Rooms in which so much happens that it pays to let things wait. Time is moved by hand, so that a few are many.

use super::support::{Client, House, Instance, Room, eventually};
use serde_json::json;
use std::ops::RangeInclusive;

/// As many events at once as make any room hot whose window is as wide as may be.
const MANY: RangeInclusive<i64> = 1..=60;

/// A room whose time stands still, with one who watches.
async fn stage(settings: &[&str]) -> (House, Instance, Room, Client) {
    let always = ["--flush-window", "20ms", "--flush-writes", "1"];
    let (house, instance) = Instance::with(&[&always, settings].concat()).await;
    let room = instance.room().await;
    let viewer = Client::viewer(&instance, &room.name()).await;
    instance.clock.stop();
    (house, instance, room, viewer)
}

/// Makes a room hot, where any can be.
async fn heat(instance: &Instance, room: Room, viewer: &mut Client) {
    // Each is news of its own: none comes before the one before it was seen.
    for seq in MANY {
        room.publish(&instance.state.store, json!(seq)).await;
        viewer.until("it", |message| message["seq"] == seq).await;
    }
}

#[tokio::test]
async fn in_a_hot_room_events_wait_for_one_another_and_all_come_and_it_cools_down_by_itself() {
    let (_house, instance, room, mut viewer) = stage(&[]).await;
    heat(&instance, room, &mut viewer).await;
    assert!(instance.hub.is_hot(room.channel()));
    room.fill(&instance.state.store, 61..=90).await;
    viewer.events(61..=90).await;
    instance.clock.pass(10_000);
    eventually("it to cool down", || !instance.hub.is_hot(room.channel())).await;
    room.fill(&instance.state.store, 91..=91).await;
    viewer.events(91..=91).await;
}

#[tokio::test]
async fn a_window_of_nothing_makes_no_room_hot() {
    let (_house, instance, room, mut viewer) = stage(&["--flush-window", "0s"]).await;
    heat(&instance, room, &mut viewer).await;
    assert!(!instance.hub.is_hot(room.channel()));
}
