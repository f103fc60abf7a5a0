//! A post is deleted: its room ends for everybody, and nothing else does.

use super::support::{CODECS, Client, Instance};
use belfry::protocol::Codec;
use serde_json::json;

#[tokio::test]
async fn every_view_ends_with_the_deletion_and_is_unsubscribed() {
    let (house, instance) = Instance::open().await;
    let elsewhere = house.alone().await;
    let (room, other) = (instance.room().await, instance.room().await);
    let mut views = Vec::new();
    for at in [&instance, &elsewhere] {
        for codec in CODECS {
            let mut view = Client::viewer_in(at, &room.name(), codec).await;
            view.subscribe(&other.name()).await;
            views.push(view);
        }
    }
    room.fill(&instance.state.store, 1..=2).await;
    room.end(&instance.state.store).await;
    for view in &mut views {
        view.events(1..=2).await;
        assert_eq!(view.event("post.deleted", 3).await["data"], json!({"post_id": room.post}));
        let ended = view.next().await;
        assert_eq!((&ended["type"], &ended["channel"]), (&json!("unsubscribed"), &json!(room.name())));
        assert_eq!(ended["error"]["code"], "not_found");
    }
    other.fill(&instance.state.store, 1..=1).await;
    for view in &mut views {
        view.events(1..=1).await;
        for _ in 0..2 {
            let refused = view.subscribe(&room.name()).await;
            assert_eq!((&refused["type"], &refused["error"]["code"]), (&json!("error"), &json!("not_found")));
            let refused = view.resume(&room.name(), &instance.epoch(), 2).await;
            assert_eq!(refused["error"]["code"], "not_found");
        }
    }
}

#[tokio::test]
async fn the_shortcut_to_a_post_closes_with_it_and_not_with_another() {
    let (_house, instance) = Instance::open().await;
    let (room, other) = (instance.room().await, instance.room().await);
    let mut live = Client::at(&instance, &format!("/ws/posts/{}/live", room.post), Codec::Json).await;
    assert_eq!(live.next().await["type"], "welcome");
    let subscribed = live.next().await;
    assert_eq!((&subscribed["type"], &subscribed["id"]), (&json!("subscribed"), &json!(0)));
    live.subscribe(&other.name()).await;
    other.end(&instance.state.store).await;
    assert_eq!(live.next().await["kind"], "post.deleted");
    assert_eq!(live.next().await["type"], "unsubscribed");
    room.fill(&instance.state.store, 1..=1).await;
    live.events(1..=1).await;
    room.end(&instance.state.store).await;
    assert_eq!(live.closed().await, 4404);
    let last: Vec<_> = live.aside.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(last, ["event", "unsubscribed"]);
    let mut late = Client::at(&instance, &format!("/ws/posts/{}/live", room.post), Codec::Json).await;
    assert_eq!(late.closed().await, 4404);
}

#[tokio::test]
async fn a_room_that_is_made_after_somebody_asked_in_vain_can_be_followed() {
    let (_house, instance) = Instance::open().await;
    let first = instance.room().await;
    let next = format!("post:{}", i64::from(first.post) + 1);
    let mut client = Client::anonymous(&instance, Codec::Json).await;
    for _ in 0..3 {
        assert_eq!(client.subscribe(&next).await["error"]["code"], "not_found");
    }
    assert_eq!(instance.hub.channels(), 1);
    let room = instance.room().await;
    assert_eq!(room.name(), next);
    assert_eq!(client.subscribe(&next).await["type"], "subscribed");
    room.fill(&instance.state.store, 1..=1).await;
    client.events(1..=1).await;
}
