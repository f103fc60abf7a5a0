//! Rooms in which so much happens that it pays to let things wait. Time is moved by hand, so that a few are many.

use super::support::{Client, House, Instance, Room, eventually};
use serde_json::{Value, json};
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

#[tokio::test]
async fn a_hot_room_takes_fewer_signals_and_not_one_more() {
    let settings = ["--rate-limits", "on", "--signals-per-socket", "50", "--signals-per-hot-room", "3"];
    let (_house, instance, room, mut viewer) = stage(&settings).await;
    let calm = instance.room().await;
    let token = instance.person("Ada").await;
    let mut ada = Client::signed_in(&instance, &token).await;
    for name in [room.name(), calm.name()] {
        ada.subscribe(&name).await;
    }
    viewer.subscribe(&calm.name()).await;
    heat(&instance, room, &mut viewer).await;
    for (channel, through) in [(room.name(), 3), (calm.name(), 5)] {
        for data in 0..5 {
            let said = ada.ask(json!({"type": "signal", "channel": channel, "data": data})).await;
            assert_ne!(said["type"], "error", "{said}");
        }
        for data in 0..through {
            let signal: Value = viewer.until("a signal", |message| message["type"] == "signal").await;
            assert_eq!((&signal["channel"], &signal["data"]), (&json!(channel), &json!(data)));
        }
    }
    assert!(viewer.aside.iter().all(|message| message["type"] != "signal"));
}

#[tokio::test]
async fn who_writes_in_a_hot_room_is_told_at_once_and_who_begins_then_after_the_pause() {
    let (_house, instance, room, mut viewer) = stage(&["--hot-told-every", "3s"]).await;
    let mut people = Vec::new();
    for name in ["Ada", "Bob"] {
        let token = instance.person(name).await;
        let mut person = Client::signed_in(&instance, &token).await;
        person.subscribe(&room.name()).await;
        people.push(person);
    }
    heat(&instance, room, &mut viewer).await;
    let typing = json!({"type": "typing", "channel": room.name()});
    people[0].ask(typing.clone()).await;
    let told = viewer.until("who writes", |message| message["type"] == "typing").await;
    assert_eq!(told["users"].as_array().unwrap().len(), 1);
    people[1].ask(typing).await;
    instance.clock.pass(3_000);
    let told = viewer.until("who writes", |message| message["type"] == "typing").await;
    assert_eq!(told["users"].as_array().unwrap().len(), 2);
}
