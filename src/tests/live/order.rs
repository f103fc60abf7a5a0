//! What one socket asks for takes effect in the order asked, and a view never shows a hole or anything twice.

use super::support::{CODECS, Client, Instance, within};
use belfry::protocol::Codec;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test]
async fn the_author_gets_the_reply_and_the_event_with_the_same_key() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let token = instance.person("Bob").await;
    let mut author = Client::signed_in(&instance, &token).await;
    author.subscribe(&room.name()).await;
    let create = json!({"type": "comment.create", "post_id": room.post, "body": "hello", "key": "k-1"});
    let reply = author.ask(create.clone()).await;
    let event = author.event("comment.created", 1).await;
    for comment in [&reply["data"], &event["data"]["comment"]] {
        assert_eq!((&comment["body"], &comment["key"], &comment["seq"]), (&json!("hello"), &json!("k-1"), &json!(1)));
    }
    // Asked again it is answered again and nothing happens.
    assert_eq!(author.ask(create).await["data"]["id"], reply["data"]["id"]);
    room.fill(&instance.state.store, 2..=2).await;
    author.events(2..=2).await;
}

#[tokio::test]
async fn commands_take_effect_in_the_order_sent_without_waiting_for_answers() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let token = instance.person("Bob").await;
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    let mut author = Client::at(&instance, "/ws", Codec::Json).await;
    // Comments are numbered from 1 in a new database: what will be made can be named.
    let mut commands = vec![json!({"type": "connect", "id": 1, "token": token})];
    for round in 0..10 {
        let (id, first) = (round + 1, 2 + round * 3);
        let create = json!({"type": "comment.create", "id": first, "post_id": room.post, "body": format!("{round}")});
        let edit =
            json!({"type": "comment.edit", "id": first + 1, "comment_id": id, "body": format!("{round} edited")});
        let delete = json!({"type": "comment.delete", "id": first + 2, "comment_id": id});
        commands.extend([create, edit, delete]);
    }
    author.send_all(commands).await;
    for id in 1..=31 {
        let answer = author.until("an answer", |message| message["id"] == id).await;
        assert_eq!(answer["type"], if id == 1 { "welcome" } else { "reply" }, "{answer}");
    }
    for round in 0..10 {
        for (kind, step) in [("comment.created", 1), ("comment.updated", 2), ("comment.deleted", 3)] {
            let event = viewer.event(kind, round * 3 + step).await;
            assert_eq!(event["data"]["comment"]["id"], round + 1);
        }
    }
}

#[tokio::test]
async fn subscribing_again_answers_where_the_view_stands() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    for codec in CODECS {
        let mut viewer = Client::viewer_in(&instance, &room.name(), codec).await;
        let before = room.publish(&instance.state.store, json!("x")).await;
        viewer.events(before..=before).await;
        // Whatever it says it has seen: it is told what was written to it.
        for again in [viewer.subscribe(&room.name()).await, viewer.resume(&room.name(), "other", 99).await] {
            assert_eq!((&again["recovered"], &again["events"]), (&json!(true), &json!([])), "{again}");
            assert_eq!((&again["seq"], &again["epoch"]), (&json!(before), &json!(instance.epoch())));
        }
        let after = room.publish(&instance.state.store, json!("x")).await;
        viewer.events(after..=after).await;
    }
}

#[tokio::test]
async fn after_the_answer_to_unsubscribe_nothing_more_comes() {
    let (_house, instance) = Instance::open().await;
    let (room, other) = (instance.room().await, instance.room().await);
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    viewer.subscribe(&other.name()).await;
    room.fill(&instance.state.store, 1..=5).await;
    let reply = viewer.ask(json!({"type": "unsubscribe", "channel": room.name()})).await;
    assert_eq!((&reply["type"], &reply["data"]), (&json!("reply"), &json!({})));
    room.fill(&instance.state.store, 6..=9).await;
    other.fill(&instance.state.store, 1..=1).await;
    let left = viewer.until("the other room", |message| message["channel"] == other.name()).await;
    assert_eq!(left["seq"], 1);
    assert!(viewer.aside.iter().all(|event| event["seq"].as_i64() <= Some(5)), "{:?}", viewer.aside);
    // Not following is no error.
    assert_eq!(viewer.ask(json!({"type": "unsubscribe", "channel": room.name()})).await["type"], "reply");
}

/// Takes what came until the answer to a command, checking that the view goes on without a hole.
async fn advance(client: &mut Client, at: &mut Option<i64>, id: u64) -> Value {
    loop {
        let message = client.next().await;
        if message["id"] == id {
            return message;
        }
        assert_eq!(message["type"], "event", "{message}");
        let stands = at.as_mut().unwrap();
        assert_eq!(message["seq"], *stands + 1, "a hole or a duplicate");
        *stands += 1;
    }
}

async fn churn(mut client: Client, channel: String, epoch: String, seed: u64) {
    let mut chance = StdRng::seed_from_u64(seed);
    // Where the view stands while it is followed; where it stood when it was left.
    let (mut at, mut left) = (None, 0);
    for id in 1..=120 {
        match at {
            None => {
                let mut ask = json!({"type": "subscribe", "id": id, "channel": channel});
                let resumes = chance.random_bool(0.7);
                if resumes {
                    (ask["epoch"], ask["since"]) = (json!(epoch), json!(left));
                }
                client.send(ask).await;
                let subscribed = advance(&mut client, &mut at, id).await;
                assert_eq!(subscribed["recovered"], resumes, "{subscribed}");
                for event in subscribed["events"].as_array().unwrap() {
                    left += 1;
                    assert_eq!(event["seq"], left);
                }
                at = subscribed["seq"].as_i64();
                assert!(!resumes || at == Some(left), "{subscribed}");
            }
            Some(_) if chance.random_bool(0.3) => {
                client.send(json!({"type": "subscribe", "id": id, "channel": channel})).await;
                let again = advance(&mut client, &mut at, id).await;
                assert_eq!((&again["recovered"], again["seq"].as_i64()), (&json!(true), at));
            }
            Some(_) => {
                client.send(json!({"type": "unsubscribe", "id": id, "channel": channel})).await;
                advance(&mut client, &mut at, id).await;
                left = at.take().unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn coming_and_going_under_a_stream_of_events_never_shows_a_hole_or_anything_twice() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let done = Arc::new(AtomicBool::new(false));
    let (store, stop) = (instance.state.store.clone(), done.clone());
    let writer = tokio::spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            room.publish(&store, json!("x")).await;
        }
    });
    let mut clients = Vec::new();
    for seed in 0..8 {
        let codec = CODECS[seed % 2];
        let client = Client::anonymous(&instance, codec).await;
        clients.push(tokio::spawn(churn(client, room.name(), instance.epoch(), seed as u64)));
    }
    for client in clients {
        within("the rounds to end", client).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}
