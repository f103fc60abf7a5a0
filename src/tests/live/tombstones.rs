//! What was deleted is told by nobody any more, by whatever way it got into memory.

use super::support::{CODECS, Client, Instance};
use belfry::protocol::Codec;
use serde_json::json;

const SECRET: &str = "swordfish";

#[tokio::test]
async fn a_comment_deleted_before_is_told_as_a_tombstone_from_the_tail() {
    let (_house, instance) = Instance::open().await;
    let (room, store) = (instance.room().await, &instance.state.store);
    for codec in CODECS {
        // Watched in both codecs, so that frames of both are there before the deletion.
        let mut viewer = Client::viewer_in(&instance, &room.name(), codec).await;
        let comment = room.comment(store, SECRET).await;
        assert_eq!(viewer.event("comment.created", comment.seq).await["data"]["comment"]["body"], SECRET);
        room.edit(store, comment.id, &format!("{SECRET} again")).await;
        viewer.event("comment.updated", comment.seq + 1).await;
        room.delete(store, comment.id).await;
        let deleted = viewer.event("comment.deleted", comment.seq + 2).await;
        assert_eq!((&deleted["data"]["comment"]["deleted"], &deleted["data"]["comment"]["body"]), (&json!(true), &json!("")));
    }
    for codec in CODECS {
        let mut late = Client::anonymous(&instance, codec).await;
        let subscribed = late.resume(&room.name(), &instance.epoch(), 0).await;
        let events = subscribed["events"].as_array().unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["comment.created", "comment.updated", "comment.deleted"].repeat(2));
        for event in events {
            assert_eq!((&event["data"]["comment"]["deleted"], &event["data"]["comment"]["author"]), (&json!(true), &json!(null)));
        }
        assert_eq!((&events[0]["data"]["comment_count"], &events[2]["data"]["comment_count"]), (&json!(1), &json!(0)));
        assert!(!late.has_seen(SECRET), "{codec:?}");
    }
}

#[tokio::test]
async fn a_comment_deleted_while_its_history_was_being_read_is_told_as_a_tombstone() {
    let (house, writer) = Instance::open().await;
    let room = writer.room().await;
    let kept = room.comment(&writer.state.store, "kept").await;
    let comment = room.comment(&writer.state.store, SECRET).await;
    let instance = house.alone().await;
    for codec in CODECS {
        let _places_it = Client::viewer_in(&instance, &room.name(), codec).await;
    }
    house.store.events.hold(room.channel());
    let mut late = Vec::new();
    for codec in CODECS {
        let mut client = Client::anonymous(&instance, codec).await;
        let (channel, epoch) = (room.name(), instance.epoch());
        client.send(json!({"type": "subscribe", "id": 1, "channel": channel, "epoch": epoch, "since": 0})).await;
        late.push(client);
    }
    // What was read has the text; it has not reached the tail.
    house.store.events.held().await;
    room.delete(&instance.state.store, comment.id).await;
    house.store.events.release();
    for mut client in late {
        let subscribed = client.until("the answer", |message| message["id"] == 1).await;
        let mut events = subscribed["events"].as_array().unwrap().clone();
        while events.len() < 3 {
            events.push(client.next().await);
        }
        assert_eq!(events[0]["data"]["comment"]["id"], json!(kept.id));
        assert_eq!(events[0]["data"]["comment"]["body"], "kept");
        assert_eq!(events[1]["data"]["comment"]["deleted"], true);
        assert_eq!(events[2]["kind"], "comment.deleted");
        assert!(!client.has_seen(SECRET));
    }
}

#[tokio::test]
async fn an_edit_is_told_live_as_it_was_and_from_the_store_as_it_is_now() {
    let (house, instance) = Instance::open().await;
    let (room, store) = (instance.room().await, &instance.state.store);
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    let comment = room.comment(store, "first").await;
    room.edit(store, comment.id, "second").await;
    // The same again changes nothing, so it is no event.
    room.edit(store, comment.id, "second").await;
    room.edit(store, comment.id, "third").await;
    for (kind, seq, body) in [("comment.created", 1, "first"), ("comment.updated", 2, "second"), ("comment.updated", 3, "third")] {
        let event = viewer.event(kind, seq).await;
        assert_eq!((&event["data"]["comment"]["body"], &event["data"]["comment"]["updated_seq"]), (&json!(body), &json!(seq)));
    }
    let other = house.alone().await;
    let mut late = Client::anonymous(&other, Codec::Json).await;
    let subscribed = late.resume(&room.name(), &other.epoch(), 0).await;
    for (event, seq) in subscribed["events"].as_array().unwrap().iter().zip(1..=3) {
        assert_eq!((&event["seq"], &event["data"]["comment"]["body"]), (&json!(seq), &json!("third")));
        assert_eq!(event["data"]["comment"]["updated_seq"], 3);
    }
    assert_eq!(subscribed["seq"], 3);
}
