//! Who is writing, as the room is told. Time is moved by hand.

use super::support::{CODECS, Client, House, Instance, Room, eventually};
use belfry::protocol::Codec;
use serde_json::{Value, json};
use std::time::Duration;

/// A room whose time stands still, with two people in it.
async fn stage() -> (House, Instance, Room, [Client; 2]) {
    let (house, instance) = Instance::open().await;
    instance.clock.stop();
    let room = instance.room().await;
    let clients = [guest(&instance, room, "Ada").await, guest(&instance, room, "Bob").await];
    (house, instance, room, clients)
}

async fn guest(instance: &Instance, room: Room, name: &str) -> Client {
    let token = instance.person(name).await;
    let mut client = Client::signed_in(instance, &token).await;
    client.subscribe(&room.name()).await;
    client
}

async fn types(client: &mut Client, room: Room) {
    let answer = client.ask(json!({"type": "typing", "channel": room.name()})).await;
    assert_eq!((&answer["type"], &answer["data"]), (&json!("reply"), &json!({})), "{answer}");
}

/// The next message, which must name these.
async fn told(client: &mut Client, room: Room, names: &[&str]) {
    let message = client.next().await;
    assert_eq!((&message["type"], &message["channel"]), (&json!("typing"), &json!(room.name())), "{message}");
    let told: Vec<_> = message["users"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect();
    assert_eq!(told, names);
}

#[tokio::test]
async fn who_writes_is_told_to_the_room_and_no_more_after_six_seconds() {
    let (_house, instance, room, [mut ada, mut bob]) = stage().await;
    let mut nobody = Client::viewer_in(&instance, &room.name(), Codec::MsgPack).await;
    types(&mut ada, room).await;
    for client in [&mut ada, &mut bob, &mut nobody] {
        told(client, room, &["Ada"]).await;
    }
    instance.clock.pass(3_000);
    types(&mut bob, room).await;
    told(&mut nobody, room, &["Ada", "Bob"]).await;
    instance.clock.pass(3_000);
    told(&mut nobody, room, &["Bob"]).await;
    instance.clock.pass(3_000);
    told(&mut nobody, room, &[]).await;
}

#[tokio::test]
async fn whoever_goes_on_writing_is_told_again_before_the_name_would_be_dropped() {
    let (_house, instance, room, [mut ada, mut bob]) = stage().await;
    for _ in 0..4 {
        types(&mut ada, room).await;
        told(&mut bob, room, &["Ada"]).await;
        instance.clock.pass(3_000);
    }
}

#[tokio::test]
async fn a_comment_ends_the_writing_of_its_author_alone_whatever_way_it_came() {
    let (_house, instance, room, [mut ada, mut bob]) = stage().await;
    types(&mut ada, room).await;
    told(&mut bob, room, &["Ada"]).await;
    instance.clock.pass(500);
    types(&mut bob, room).await;
    told(&mut bob, room, &["Ada", "Bob"]).await;
    instance.clock.pass(500);
    let comment = ada.ask(json!({"type": "comment.create", "post_id": room.post, "body": "done"})).await;
    assert_eq!(comment["type"], "reply", "{comment}");
    bob.event("comment.created", 1).await;
    told(&mut bob, room, &["Bob"]).await;
    types(&mut ada, room).await;
    instance.clock.pass(500);
    told(&mut bob, room, &["Bob", "Ada"]).await;
    // As over REST, or made elsewhere: the author of the room is Ada.
    instance.clock.pass(500);
    room.comment(&instance.state.store, "done again").await;
    bob.event("comment.created", 2).await;
    told(&mut bob, room, &["Bob"]).await;
}

#[tokio::test]
async fn whoever_leaves_writes_no_more() {
    let (_house, instance, room, [mut ada, mut bob]) = stage().await;
    for leave in [true, false] {
        types(&mut ada, room).await;
        told(&mut bob, room, &["Ada"]).await;
        instance.clock.pass(500);
        if leave {
            ada.ask(json!({"type": "unsubscribe", "channel": room.name()})).await;
            told(&mut bob, room, &[]).await;
            ada.subscribe(&room.name()).await;
            instance.clock.pass(500);
        } else {
            let other = guest(&instance, room, "Ada").await;
            drop(other);
            eventually("the other tab to be gone", || instance.hub.sockets() == 2).await;
            types(&mut bob, room).await;
            told(&mut bob, room, &["Ada", "Bob"]).await;
            instance.clock.pass(500);
            ada.close().await;
            told(&mut bob, room, &["Bob"]).await;
        }
    }
}

#[tokio::test]
async fn writing_is_for_those_who_are_signed_in_and_in_the_room() {
    let (_house, instance, room, [mut ada, _bob]) = stage().await;
    let other = instance.room().await;
    let typing = |channel: &str| json!({"type": "typing", "channel": channel});
    for (channel, code) in [(&*other.name(), "forbidden"), ("me", "forbidden"), ("post:x", "not_found")] {
        assert_eq!(ada.ask(typing(channel)).await["error"]["code"], code, "{channel}");
    }
    for codec in CODECS {
        let mut nobody = Client::viewer_in(&instance, &room.name(), codec).await;
        assert_eq!(nobody.ask(typing(&room.name())).await["error"]["code"], "unauthenticated");
    }
}

#[tokio::test]
async fn whoever_is_alone_writes_to_nobody() {
    let (_house, instance) = Instance::open().await;
    instance.clock.stop();
    let room = instance.room().await;
    let mut ada = guest(&instance, room, "Ada").await;
    types(&mut ada, room).await;
    let mut bob = guest(&instance, room, "Bob").await;
    instance.clock.pass(500);
    types(&mut bob, room).await;
    for client in [&mut ada, &mut bob] {
        told(client, room, &["Bob"]).await;
    }
}

#[tokio::test]
async fn a_crowd_that_writes_is_told_as_twenty_names_twice_a_second() {
    let (_house, instance, room, [_ada, mut bob]) = stage().await;
    let tokens = instance.state.accounts.people("Guest", Some(60), Duration::from_secs(600)).await.unwrap();
    let mut crowd = Vec::new();
    for token in tokens {
        let mut client = Client::signed_in(&instance, &token).await;
        client.subscribe(&room.name()).await;
        crowd.push(client);
    }
    for _ in 0..10 {
        for client in &mut crowd {
            types(client, room).await;
        }
        instance.clock.pass(100);
    }
    let mut messages = 0;
    loop {
        let message = bob.next().await;
        assert_eq!(message["type"], "typing", "{message}");
        messages += 1;
        match message["users"].as_array().unwrap().len() {
            20 => break,
            names => assert!(names < 20),
        }
    }
    // The first at once and two in the second that passed; nothing is left to be told.
    room.publish(&instance.state.store, Value::Null).await;
    bob.events(1..=1).await;
    assert!((1..=3).contains(&messages), "{messages}");
}
