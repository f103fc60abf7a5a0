//! The database becomes another one while sockets follow it.

use super::support::{CODECS, Client, House, Instance, eventually};
use belfry::model::Channel;
use belfry::protocol::Codec;
use belfry::store::write::RenewEpoch;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test]
async fn whoever_follows_is_told_to_resync_and_goes_on_from_the_head() {
    let (_house, instance) = Instance::open().await;
    let rooms = [instance.room().await, instance.room().await];
    let store = &instance.state.store;
    rooms[0].fill(store, 1..=7).await;
    let mut viewers = Vec::new();
    for codec in CODECS {
        let mut viewer = Client::viewer_in(&instance, &rooms[0].name(), codec).await;
        viewer.subscribe(&rooms[1].name()).await;
        viewers.push(viewer);
    }
    let old = instance.epoch();
    let new = store.write(RenewEpoch).await.unwrap();
    assert_ne!(old, new);
    for viewer in &mut viewers {
        let mut told = [viewer.next().await, viewer.next().await];
        told.sort_by_key(|resync| resync["channel"].to_string());
        for (resync, (room, seq)) in told.iter().zip([(rooms[0], 7), (rooms[1], 0)]) {
            let expected = json!({"type": "resync", "channel": room.name(), "epoch": new, "seq": seq});
            assert_eq!(resync, &expected);
        }
    }
    rooms[0].fill(store, 8..=9).await;
    for viewer in &mut viewers {
        viewer.events(8..=9).await;
    }
    for codec in CODECS {
        let mut late = Client::anonymous(&instance, codec).await;
        let subscribed = late.resume(&rooms[0].name(), &old, 8).await;
        assert_eq!(
            (&subscribed["recovered"], &subscribed["epoch"], &subscribed["seq"]),
            (&json!(false), &json!(new), &json!(9))
        );
        let mut informed = Client::anonymous(&instance, codec).await;
        let subscribed = informed.resume(&rooms[0].name(), &new, 8).await;
        assert_eq!((&subscribed["recovered"], &subscribed["events"][0]["seq"]), (&json!(true), &json!(9)));
    }
}

#[tokio::test]
async fn whoever_comes_while_it_becomes_another_one_ends_up_right() {
    let (house, instance) = Instance::open().await;
    let room = instance.room().await;
    let store = &instance.state.store;
    room.fill(store, 1..=3).await;
    let mut before = Client::viewer(&instance, &room.name()).await;
    // Once the new epoch is known, where the logs stand is being asked for and the answer is kept.
    house.store.heads.hold(Channel::Revocations);
    house.store.heads.held().await;
    house.store.heads.release();
    let new = store.write(RenewEpoch).await.unwrap();
    eventually("the new epoch to be known", || {
        house.store.heads.hold(Channel::Revocations);
        instance.epoch() == new
    })
    .await;
    let mut during = Client::anonymous(&instance, Codec::Json).await;
    let subscribed = during.subscribe(&room.name()).await;
    assert_eq!((&subscribed["epoch"], &subscribed["seq"]), (&json!(new), &json!(3)));
    house.store.heads.release();
    let resync = before.next().await;
    assert_eq!((&resync["type"], &resync["epoch"], &resync["seq"]), (&json!("resync"), &json!(new), &json!(3)));
    room.fill(store, 4..=6).await;
    before.events(4..=6).await;
    let mut next = during.next().await;
    if next["type"] == "resync" {
        assert_eq!((&next["epoch"], &next["seq"]), (&json!(new), &json!(3)));
        next = during.next().await;
    }
    assert_eq!(next["seq"], 4);
    during.events(5..=6).await;
}

#[tokio::test]
async fn while_the_sweep_cannot_ask_the_new_database_nothing_is_told_before_the_resync() {
    let (house, instance) = Instance::open().await;
    let room = instance.room().await;
    let store = &instance.state.store;
    room.fill(store, 1..=3).await;
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    // Sweeps ask for the internal channel too; those who subscribe do not.
    house.store.heads.fail_for(Some(Channel::Revocations));
    let new = store.write(RenewEpoch).await.unwrap();
    eventually("the new epoch to be known", || instance.epoch() == new).await;
    house.store.heads.refused(1).await;
    let mut other = Client::anonymous(&instance, Codec::Json).await;
    let subscribed = other.subscribe(&room.name()).await;
    assert_eq!((&subscribed["epoch"], &subscribed["seq"]), (&json!(new), &json!(3)));
    room.fill(store, 4..=6).await;
    other.events(4..=6).await;
    house.store.heads.fail_for(None);
    for viewer in [&mut viewer, &mut other] {
        let resync = viewer.next().await;
        assert_eq!((&resync["type"], &resync["epoch"], &resync["seq"]), (&json!("resync"), &json!(new), &json!(6)));
    }
    room.fill(store, 7..=7).await;
    viewer.events(7..=7).await;
}

#[tokio::test]
async fn many_are_told_one_after_the_other_on_every_instance_and_nothing_new_before() {
    const WINDOW: Duration = Duration::from_millis(1_500);
    let house = House::with(&["--resync-window", "1500ms"]).await;
    let instances = [house.alone().await, house.alone().await];
    let (room, store) = (instances[0].room().await, &instances[0].state.store);
    room.fill(store, 1..=3).await;
    let mut viewers = Vec::new();
    for n in 0..30 {
        viewers.push(Client::viewer_in(&instances[n % 2], &room.name(), CODECS[n / 2 % 2]).await);
    }
    let new = store.write(RenewEpoch).await.unwrap();
    for instance in &instances {
        eventually("the new epoch to be known", || instance.epoch() == new).await;
    }
    let watched: Vec<_> = viewers.into_iter().map(|viewer| tokio::spawn(first_told(viewer))).collect();
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    let mut head = 3;
    while watched.iter().any(|watching| !watching.is_finished()) {
        pace.tick().await;
        head += 1;
        room.fill(store, head..=head).await;
    }
    let mut times = BTreeSet::new();
    for watching in watched {
        let (mut viewer, resync, at) = watching.await.unwrap();
        times.insert(at);
        assert_eq!((&resync["type"], &resync["epoch"]), (&json!("resync"), &json!(new)), "{resync}");
        let from = resync["seq"].as_i64().unwrap();
        viewer.events(from + 1..=head).await;
    }
    let spread = *times.last().unwrap() - *times.first().unwrap();
    assert!(spread > WINDOW / 3 && spread < WINDOW + Duration::from_secs(2), "{spread:?}");
}

/// The first thing that a viewer is told, and when.
async fn first_told(mut viewer: Client) -> (Client, Value, tokio::time::Instant) {
    let first = viewer.next().await;
    (viewer, first, tokio::time::Instant::now())
}

#[tokio::test]
async fn who_has_not_been_told_yet_is_told_on_asking_and_hears_nothing_of_the_new_database_until_then() {
    let (_house, instance) = Instance::with(&["--resync-window", "10m"]).await;
    let (room, ending) = (instance.room().await, instance.room().await);
    let store = &instance.state.store;
    room.fill(store, 1..=3).await;
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    viewer.subscribe(&ending.name()).await;
    let new = store.write(RenewEpoch).await.unwrap();
    eventually("the new epoch to be known", || instance.epoch() == new).await;
    let mut fresh = Client::viewer(&instance, &room.name()).await;
    room.fill(store, 4..=6).await;
    fresh.events(4..=6).await;
    assert_eq!(viewer.ask(json!({"type": "ping"})).await["type"], "pong");
    assert!(viewer.aside.is_empty(), "{:?}", viewer.aside);
    let again = viewer.subscribe(&room.name()).await;
    assert_eq!((&again["epoch"], &again["seq"], &again["recovered"]), (&json!(new), &json!(6), &json!(true)));
    let resync = viewer.next().await;
    assert_eq!((&resync["type"], &resync["epoch"], &resync["seq"]), (&json!("resync"), &json!(new), &json!(6)));
    room.fill(store, 7..=7).await;
    viewer.events(7..=7).await;
    // What ends is worth no fetch: that is told at once.
    ending.end(store).await;
    let ended = viewer.next().await;
    assert_eq!((&ended["type"], &ended["channel"]), (&json!("unsubscribed"), &json!(ending.name())));
}

#[tokio::test]
async fn a_head_that_went_back_is_a_resync_for_that_channel_alone() {
    let (house, instance) = Instance::with(&["--resync-window", "300ms"]).await;
    let (room, other) = (instance.room().await, instance.room().await);
    let store = &instance.state.store;
    room.fill(store, 1..=5).await;
    other.fill(store, 1..=5).await;
    let mut viewers = Vec::new();
    for codec in CODECS {
        let mut viewer = Client::viewer_in(&instance, &room.name(), codec).await;
        viewer.subscribe(&other.name()).await;
        viewers.push(viewer);
    }
    house.store.set_back(Some((room.channel(), 2)));
    for viewer in &mut viewers {
        let resync = viewer.next().await;
        let expected = json!({"type": "resync", "channel": room.name(), "epoch": instance.epoch(), "seq": 2});
        assert_eq!(resync, expected);
    }
    // The rest comes back as if it were new.
    house.store.set_back(None);
    for viewer in &mut viewers {
        viewer.events(3..=5).await;
    }
    other.fill(store, 6..=6).await;
    for viewer in &mut viewers {
        viewer.events(6..=6).await;
    }
}
