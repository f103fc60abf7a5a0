//! Reactions over sockets: asked for by one, told to all.

use super::support::{CODECS, Client, Instance};
use belfry::protocol::Codec;
use serde_json::json;

#[tokio::test]
async fn a_reaction_is_answered_to_one_and_told_to_all() {
    let (_house, instance) = Instance::open().await;
    let (room, store) = (instance.room().await, &instance.state.store);
    let comment = room.comment(store, "hello").await.id;
    let mut views = Vec::new();
    for codec in CODECS {
        views.push(Client::viewer_in(&instance, &room.name(), codec).await);
    }
    let token = instance.person("bob").await;
    let mut bob = Client::signed_in(&instance, &token).await;
    let answer = bob.ask(json!({"type": "comment.react", "comment_id": comment, "emoji": "❤", "on": true})).await;
    assert_eq!(answer["data"], json!({"reactions": {"❤\u{fe0f}": 1}, "my_reactions": ["❤\u{fe0f}"], "seq": 2}));
    let again =
        bob.ask(json!({"type": "comment.react", "comment_id": comment, "emoji": "❤\u{fe0f}", "on": true})).await;
    assert_eq!(again["data"], answer["data"]);
    let off = bob.ask(json!({"type": "comment.react", "comment_id": comment, "emoji": "❤", "on": false})).await;
    assert_eq!(off["data"], json!({"reactions": {}, "my_reactions": [], "seq": 3}));
    for view in &mut views {
        for (seq, on) in [(2, true), (3, false)] {
            let data = view.event("comment.reacted", seq).await["data"].clone();
            assert_eq!((&data["comment_id"], &data["by"][0]["on"]), (&json!(comment), &json!(on)));
            assert_eq!(data["by"][0]["emoji"], "❤\u{fe0f}");
            assert_eq!(data["reactions"], if on { json!({"❤\u{fe0f}": 1}) } else { json!({}) });
        }
    }
    for (bad, code) in [
        (json!({"type": "comment.react", "comment_id": comment, "emoji": "x", "on": true}), "unprocessable"),
        (json!({"type": "comment.react", "comment_id": 999, "emoji": "👍", "on": true}), "not_found"),
        (json!({"type": "comment.react", "comment_id": 0, "emoji": "👍", "on": true}), "bad_request"),
        (json!({"type": "comment.react", "comment_id": comment, "emoji": "👍"}), "bad_request"),
        (json!({"type": "comment.react", "comment_id": comment, "emoji": "👍", "on": "yes"}), "bad_request"),
    ] {
        assert_eq!(bob.ask(bad.clone()).await["error"]["code"], code, "{bad}");
    }
    let mut nobody = Client::anonymous(&instance, Codec::Json).await;
    let refused = nobody.ask(json!({"type": "comment.react", "comment_id": comment, "emoji": "👍", "on": true})).await;
    assert_eq!(refused["error"]["code"], "unauthenticated");
}

#[tokio::test]
async fn reactions_of_a_deleted_comment_are_void_in_the_tail_and_from_the_store() {
    let (house, instance) = Instance::open().await;
    let (room, store) = (instance.room().await, &instance.state.store);
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    let (comment, kept) = (room.comment(store, "goes").await.id, room.comment(store, "stays").await.id);
    let token = instance.person("bob").await;
    let mut bob = Client::signed_in(&instance, &token).await;
    for on in [comment, kept] {
        bob.ask(json!({"type": "comment.react", "comment_id": on, "emoji": "👍", "on": true})).await;
    }
    viewer.events(1..=2).await;
    assert_eq!(viewer.event("comment.reacted", 3).await["data"]["comment_id"], json!(comment));
    viewer.events(4..=4).await;
    room.delete(store, comment).await;
    viewer.event("comment.deleted", 5).await;
    for at in [&instance, &house.alone().await] {
        let mut late = Client::anonymous(at, Codec::Json).await;
        let events = late.resume(&room.name(), &at.epoch(), 2).await["events"].clone();
        assert_eq!((&events[0]["kind"], &events[0]["data"]), (&json!("void"), &json!({})));
        assert_eq!((&events[1]["kind"], &events[1]["data"]["comment_id"]), (&json!("comment.reacted"), &json!(kept)));
        assert_eq!(events[2]["kind"], "comment.deleted");
    }
}
