//! Who is in a room, as its sockets are told. Time is moved by hand.

use super::support::{CODECS, Client, Instance, Room, eventually};
use belfry::protocol::Codec;
use belfry::store::write::SessionRef;
use belfry::ws::Entrance;
use serde_json::{Value, json};

/// A server whose time stands still, and a room.
async fn stage() -> (super::support::House, Instance, Room) {
    let (house, instance) = Instance::open().await;
    instance.clock.stop();
    let room = instance.room().await;
    (house, instance, room)
}

/// Asks to be told who is there, and to be seen.
pub(super) async fn enter(client: &mut Client, room: Room) -> Value {
    let answer = client.ask(json!({"type": "subscribe", "channel": room.name(), "presence": true})).await;
    assert_eq!(answer["type"], "subscribed", "{answer}");
    answer["presence"].clone()
}

/// Somebody who enters, and what they were told.
pub(super) async fn guest(instance: &Instance, room: Room, name: &str) -> (Client, Value) {
    let token = instance.person(name).await;
    let mut client = Client::signed_in(instance, &token).await;
    let told = enter(&mut client, room).await;
    (client, told)
}

pub(super) fn names(list: &Value) -> Vec<&str> {
    list.as_array().map_or_else(Vec::new, |list| list.iter().map(|user| user["name"].as_str().unwrap()).collect())
}

/// The next message, which must tell that these came, that so many left, and how many there are of each kind.
async fn told(client: &mut Client, joined: &[&str], left: usize, count: (u64, u64)) -> Value {
    let message = client.next().await;
    assert_eq!(message["type"], "presence", "{message}");
    assert_eq!((names(&message["joined"]), message["left"].as_array().map(Vec::len)), (joined.to_vec(), Some(left)));
    assert_eq!((&message["count"], &message["anonymous"]), (&json!(count.0), &json!(count.1)), "{message}");
    assert!(message["users"].is_null(), "{message}");
    message
}

#[tokio::test]
async fn two_people_see_each_other_come_and_go() {
    let (_house, instance, room) = stage().await;
    let (mut ada, seen) = guest(&instance, room, "Ada").await;
    assert_eq!((&seen["count"], &seen["anonymous"], names(&seen["users"])), (&json!(1), &json!(0), vec!["Ada"]));
    let (mut bob, seen) = guest(&instance, room, "Bob").await;
    assert_eq!(names(&seen["users"]), ["Ada", "Bob"]);
    let ada_seen = &seen["users"][0];
    assert_eq!((&ada_seen["handle"], &ada_seen["avatar_url"]), (&json!("ada"), &Value::Null));
    instance.clock.pass(500);
    told(&mut ada, &["Bob"], 0, (2, 0)).await;
    let id = ada_seen["id"].clone();
    drop(ada);
    eventually("Ada to be gone", || instance.hub.sockets() == 1).await;
    instance.clock.pass(1_000);
    // The first that Bob is told of: that he came himself, he knew.
    assert_eq!(told(&mut bob, &[], 1, (1, 0)).await["left"], json!([id]));
}

#[tokio::test]
async fn a_welcome_tells_who_is_there_and_a_subscription_that_is_not_answered_is_told_by_itself() {
    let (_house, instance, room) = stage().await;
    let (mut ada, _) = guest(&instance, room, "Ada").await;
    let token = instance.person("Bob").await;
    for codec in CODECS {
        let asked = json!([{"channel": room.name(), "presence": true}, {"channel": "me", "presence": true}]);
        let mut bob = Client::at(&instance, "/ws", codec).await;
        let welcome = bob.ask(json!({"type": "connect", "token": token, "subscriptions": asked})).await;
        assert_eq!(names(&welcome["subscriptions"][0]["presence"]["users"]), ["Ada", "Bob"], "{welcome}");
        // Nobody else is on a person's own channel.
        assert!(welcome["subscriptions"][1]["presence"].is_null(), "{welcome}");
        let mut other = Client::at(&instance, "/ws", codec).await;
        other.ask(json!({"type": "connect", "token": token})).await;
        other.send(json!({"type": "subscribe", "channel": room.name(), "presence": true})).await;
        assert_eq!(other.ask(json!({"type": "ping"})).await["type"], "pong");
        instance.clock.pass(500);
        let whole = other.until("the roster", |message| !message["users"].is_null()).await;
        assert!(names(&whole["users"]).contains(&"Ada"), "{whole}");
    }
    assert_eq!(ada.next().await["joined"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_reload_is_not_told_and_who_comes_and_goes_in_between_is_not_either() {
    let (_house, instance, room) = stage().await;
    let (mut ada, _) = guest(&instance, room, "Ada").await;
    let (bob, _) = guest(&instance, room, "Bob").await;
    instance.clock.pass(500);
    told(&mut ada, &["Bob"], 0, (2, 0)).await;
    drop(bob);
    eventually("Bob to be gone", || instance.hub.sockets() == 1).await;
    instance.clock.pass(999);
    let (_bob, seen) = guest(&instance, room, "Bob").await;
    assert_eq!(names(&seen["users"]), ["Ada", "Bob"]);
    instance.clock.pass(5_000);
    let (_carl, _) = guest(&instance, room, "Carl").await;
    told(&mut ada, &["Carl"], 0, (3, 0)).await;
    let (dora, _) = guest(&instance, room, "Dora").await;
    drop(dora);
    eventually("Dora to be gone", || instance.hub.sockets() == 3).await;
    let (_eve, _) = guest(&instance, room, "Eve").await;
    instance.clock.pass(500);
    told(&mut ada, &["Eve"], 0, (4, 0)).await;
}

#[tokio::test]
async fn whoever_leaves_by_whatever_way_is_told_of_within_two_seconds() {
    let (_house, instance, room) = stage().await;
    let (mut ada, _) = guest(&instance, room, "Ada").await;
    for way in ["unsubscribe", "presence", "close", "cut", "sign out"] {
        instance.clock.pass(1_000);
        let token = instance.person("Bob").await;
        let mut bob = Client::signed_in(&instance, &token).await;
        enter(&mut bob, room).await;
        told(&mut ada, &["Bob"], 0, (2, 0)).await;
        match way {
            "unsubscribe" => {
                bob.ask(json!({"type": "unsubscribe", "channel": room.name()})).await;
            }
            "presence" => {
                let off = json!({"type": "subscribe", "channel": room.name(), "presence": false});
                assert!(bob.ask(off).await["presence"].is_null());
            }
            "close" => bob.close().await,
            "cut" => {
                drop(bob);
                eventually("Bob to be gone", || instance.hub.sockets() == 1).await;
                instance.clock.pass(1_500);
                told(&mut ada, &[], 1, (1, 0)).await;
                continue;
            }
            _ => {
                let session = instance.state.accounts.authenticate(&token).await.unwrap().session_id;
                instance.state.accounts.logout(SessionRef::Id(session), false).await.unwrap();
                assert_eq!(bob.closed().await, 4403);
            }
        }
        instance.clock.pass(1_500);
        told(&mut ada, &[], 1, (1, 0)).await;
    }
}

#[tokio::test]
async fn a_socket_that_is_dead_leaves_when_it_is_reaped() {
    let (_house, instance, room) = stage().await;
    let (mut ada, _) = guest(&instance, room, "Ada").await;
    let token = instance.person("Bob").await;
    let mut dead = Client::through_pipe(&instance, Entrance::Multiplexed, 64, Codec::Json).await;
    assert_eq!(dead.ask(json!({"type": "connect", "token": token})).await["type"], "welcome");
    enter(&mut dead, room).await;
    instance.clock.pass(500);
    told(&mut ada, &["Bob"], 0, (2, 0)).await;
    // Ada is heard of each second; the other one is not, and takes nothing.
    for second in 0.. {
        assert_eq!(ada.ask(json!({"type": "ping"})).await["type"], "pong");
        if instance.hub.sockets() == 1 {
            assert!(second >= 20, "gone after {second} s");
            break;
        }
        instance.clock.pass(1_000);
    }
    instance.clock.pass(1_500);
    told(&mut ada, &[], 1, (1, 0)).await;
}

#[tokio::test]
async fn a_person_with_many_sockets_is_one() {
    let (_house, instance, room) = stage().await;
    let (mut ada, _) = guest(&instance, room, "Ada").await;
    let mut bobs = Vec::new();
    for _ in 0..3 {
        let (bob, seen) = guest(&instance, room, "Bob").await;
        assert_eq!((&seen["count"], names(&seen["users"])), (&json!(2), vec!["Ada", "Bob"]));
        bobs.push(bob);
    }
    instance.clock.pass(500);
    told(&mut ada, &["Bob"], 0, (2, 0)).await;
    bobs.truncate(1);
    eventually("two to be gone", || instance.hub.sockets() == 2).await;
    instance.clock.pass(5_000);
    let (_carl, _) = guest(&instance, room, "Carl").await;
    told(&mut ada, &["Carl"], 0, (3, 0)).await;
    drop(bobs);
    eventually("the last to be gone", || instance.hub.sockets() == 2).await;
    instance.clock.pass(1_500);
    told(&mut ada, &[], 1, (2, 0)).await;
}

#[tokio::test]
async fn who_is_nobody_is_counted_and_becomes_a_person_by_signing_in() {
    let (_house, instance, room) = stage().await;
    let (mut ada, _) = guest(&instance, room, "Ada").await;
    let mut nobody = Client::anonymous(&instance, Codec::MsgPack).await;
    let seen = enter(&mut nobody, room).await;
    assert_eq!((&seen["count"], &seen["anonymous"], names(&seen["users"])), (&json!(2), &json!(1), vec!["Ada"]));
    // Who does not ask is not seen.
    let _unseen = Client::viewer(&instance, &room.name()).await;
    instance.clock.pass(500);
    told(&mut ada, &[], 0, (2, 1)).await;
    instance.clock.pass(1_000);
    let token = instance.person("Bob").await;
    assert_eq!(nobody.ask(json!({"type": "connect", "token": token})).await["type"], "welcome");
    for client in [&mut ada, &mut nobody] {
        told(client, &["Bob"], 0, (2, 0)).await;
    }
    nobody.close().await;
    instance.clock.pass(1_500);
    told(&mut ada, &[], 1, (1, 0)).await;
}

#[tokio::test]
async fn subscribing_again_turns_it_on_and_off_and_otherwise_leaves_it_as_it_is() {
    let (_house, instance, room) = stage().await;
    let (mut ada, _) = guest(&instance, room, "Ada").await;
    let token = instance.person("Bob").await;
    let mut bob = Client::signed_in(&instance, &token).await;
    assert!(bob.subscribe(&room.name()).await["presence"].is_null());
    instance.clock.pass(1_000);
    assert_eq!(names(&enter(&mut bob, room).await["users"]), ["Ada", "Bob"]);
    told(&mut ada, &["Bob"], 0, (2, 0)).await;
    let again = bob.subscribe(&room.name()).await;
    assert_eq!((&again["recovered"], names(&again["presence"]["users"])), (&json!(true), vec!["Ada", "Bob"]));
    bob.ask(json!({"type": "subscribe", "channel": room.name(), "presence": false})).await;
    instance.clock.pass(1_500);
    told(&mut ada, &[], 1, (1, 0)).await;
    let again = bob.subscribe(&room.name()).await;
    assert!(again["presence"].is_null(), "{again}");
    room.fill(&instance.state.store, 1..=1).await;
    bob.events(1..=1).await;
}

#[tokio::test]
async fn the_two_shortcuts_are_not_seen_and_see_nobody() {
    let (_house, instance, room) = stage().await;
    let mut live = Client::at(&instance, &format!("/ws/posts/{}/live", room.post), Codec::Json).await;
    assert_eq!(live.next().await["type"], "welcome");
    assert!(live.next().await["presence"].is_null());
    let token = instance.person("Bob").await;
    let mut own = Client::at(&instance, "/ws/notifications", Codec::Json).await;
    own.ask(json!({"type": "connect", "token": token})).await;
    assert!(own.next().await["presence"].is_null());
    let (mut ada, seen) = guest(&instance, room, "Ada").await;
    assert_eq!(seen["count"], 1);
    instance.clock.pass(1_000);
    room.fill(&instance.state.store, 1..=1).await;
    for client in [&mut ada, &mut live] {
        client.events(1..=1).await;
    }
}

#[tokio::test]
async fn a_deleted_post_has_nobody_in_it() {
    let (_house, instance, room) = stage().await;
    let (mut ada, _) = guest(&instance, room, "Ada").await;
    room.end(&instance.state.store).await;
    ada.event("post.deleted", 1).await;
    assert_eq!(ada.next().await["type"], "unsubscribed");
    let typing = ada.ask(json!({"type": "typing", "channel": room.name()})).await;
    assert_eq!(typing["error"]["code"], "forbidden");
}
