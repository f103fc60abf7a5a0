//! A session ends: its sockets close on every instance, its tokens open nothing.

use super::support::{Client, House, Instance, Room};
use belfry::bus::LocalBus;
use belfry::protocol::Codec;
use belfry::store::write::SessionRef;
use serde_json::json;

async fn session(instance: &Instance, token: &str) -> SessionRef {
    SessionRef::Id(instance.state.accounts.authenticate(token).await.unwrap().session_id)
}

/// A socket of a session that follows a room.
async fn follower(instance: &Instance, token: &str, room: Room) -> Client {
    let mut client = Client::signed_in(instance, token).await;
    client.subscribe(&room.name()).await;
    client
}

#[tokio::test]
async fn logging_out_closes_the_sockets_of_that_session_only() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let (ended, kept) = (instance.person("Bob").await, instance.person("Bob").await);
    let other = instance.person("Eve").await;
    let mut closing = [follower(&instance, &ended, room).await, follower(&instance, &ended, room).await];
    let mut staying = [follower(&instance, &kept, room).await, follower(&instance, &other, room).await];
    instance.state.accounts.logout(session(&instance, &ended).await, false).await.unwrap();
    for client in &mut closing {
        assert_eq!(client.closed().await, 4403);
    }
    room.fill(&instance.state.store, 1..=1).await;
    for client in &mut staying {
        client.events(1..=1).await;
        assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
    }
    assert!(closing.iter().all(|client| client.aside.is_empty()), "nothing is told to a session that has ended");
}

#[tokio::test]
async fn logging_out_everywhere_closes_all_of_the_person_on_every_instance_with_a_bus_and_without() {
    for with_bus in [true, false] {
        let house = House::with(&[]).await;
        let bus = LocalBus::new();
        let a = house.instance(bus.join()).await;
        let b = house.instance(if with_bus { bus.join() } else { LocalBus::new().join() }).await;
        let room = a.room().await;
        let tokens = [a.person("Bob").await, a.person("Bob").await];
        let other = a.person("Eve").await;
        let mut closing = Vec::new();
        for (instance, token) in [(&a, &tokens[0]), (&a, &tokens[1]), (&b, &tokens[0]), (&b, &tokens[1])] {
            closing.push(follower(instance, token, room).await);
        }
        let mut staying = follower(&b, &other, room).await;
        a.state.accounts.logout(session(&a, &tokens[0]).await, true).await.unwrap();
        for client in &mut closing {
            assert_eq!(client.closed().await, 4403);
        }
        room.fill(&a.state.store, 1..=1).await;
        staying.events(1..=1).await;
    }
}

#[tokio::test]
async fn a_token_of_an_ended_session_neither_connects_nor_refreshes_on_any_instance() {
    let (house, a) = Instance::open().await;
    let b = house.alone().await;
    let room = a.room().await;
    let (ended, kept) = (a.person("Bob").await, a.person("Bob").await);
    let mut watches = follower(&b, &ended, room).await;
    let mut staying = [follower(&a, &kept, room).await, follower(&b, &kept, room).await];
    a.state.accounts.logout(session(&a, &ended).await, false).await.unwrap();
    // Then the other instance knows of it too.
    assert_eq!(watches.closed().await, 4403);
    for (instance, staying) in [&a, &b].into_iter().zip(&mut staying) {
        let mut refused = Client::at(instance, "/ws", Codec::Json).await;
        let answer = refused.ask(json!({"type": "connect", "token": ended})).await;
        assert_eq!((&answer["type"], &answer["error"]["code"]), (&json!("error"), &json!("forbidden")));
        assert_eq!(refused.closed().await, 4403);
        let answer = staying.ask(json!({"type": "refresh", "token": ended})).await;
        assert_eq!((&answer["type"], &answer["error"]["code"]), (&json!("error"), &json!("forbidden")));
        assert_eq!(staying.ask(json!({"type": "refresh", "token": kept})).await["type"], "reply");
        assert_eq!(staying.ask(json!({"type": "ping"})).await["type"], "pong");
    }
    // An instance that begins now was told by the store.
    let c = house.alone().await;
    let mut refused = Client::at(&c, "/ws", Codec::Json).await;
    refused.send(json!({"type": "connect", "id": 1, "token": ended})).await;
    assert_eq!(refused.closed().await, 4403);
}

#[tokio::test]
async fn a_socket_that_took_over_another_session_ends_with_that_one() {
    let (_house, instance) = Instance::open().await;
    let (first, second) = (instance.person("Bob").await, instance.person("Bob").await);
    let mut client = Client::signed_in(&instance, &first).await;
    assert_eq!(client.ask(json!({"type": "refresh", "token": second})).await["type"], "reply");
    instance.state.accounts.logout(session(&instance, &first).await, false).await.unwrap();
    assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
    instance.state.accounts.logout(session(&instance, &second).await, false).await.unwrap();
    assert_eq!(client.closed().await, 4403);
}
