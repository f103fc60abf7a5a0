//! A person is banned: their sockets close on every instance, their tokens open nothing until the ban ends.

use super::support::{Client, House, Instance, eventually, upgrade, within};
use belfry::bus::LocalBus;
use belfry::model::{Timestamp, UserId};
use belfry::protocol::Codec;
use belfry::store::write::{Ban, LiftBan, RenewEpoch, Whom};
use serde_json::json;
use std::time::Duration;

async fn who(instance: &Instance, token: &str) -> UserId {
    instance.state.accounts.authenticate(token).await.unwrap().user_id
}

async fn ban(instance: &Instance, user: UserId, until: Option<Timestamp>) {
    let ban = Ban { whom: Whom::Id(user), by: None, until, reason: None };
    instance.state.store.write(ban).await.unwrap();
}

async fn lift(instance: &Instance, user: UserId) {
    instance.state.store.write(LiftBan { whom: Whom::Id(user), by: None }).await.unwrap();
}

/// Waits until a token is good again.
async fn let_in(instance: &Instance, token: &str) {
    let mut looks = tokio::time::interval(Duration::from_millis(2));
    within("the ban to be over", async {
        while instance.state.accounts.authenticate(token).await.is_err() {
            looks.tick().await;
        }
    })
    .await;
}

async fn refused(instance: &Instance, token: &str) {
    let mut client = Client::at(instance, "/ws", Codec::Json).await;
    let answer = client.ask(json!({"type": "connect", "token": token})).await;
    assert_eq!((&answer["type"], &answer["error"]["code"]), (&json!("error"), &json!("forbidden")));
    assert_eq!(client.closed().await, 4403);
    assert_eq!(upgrade(instance, "/ws", token).await, 401);
}

#[tokio::test]
async fn a_ban_closes_every_socket_of_the_person_on_every_instance_with_a_bus_and_without() {
    for with_bus in [true, false] {
        let house = House::with(&[]).await;
        let bus = LocalBus::new();
        let a = house.instance(bus.join()).await;
        let b = house.instance(if with_bus { bus.join() } else { LocalBus::new().join() }).await;
        let room = a.room().await;
        let tokens = [a.person("Bob").await, a.person("Bob").await];
        let bob = who(&a, &tokens[0]).await;
        let mut closing = Vec::new();
        for (instance, token) in [(&a, &tokens[0]), (&a, &tokens[1]), (&b, &tokens[0]), (&b, &tokens[1])] {
            let mut client = Client::signed_in(instance, token).await;
            client.subscribe(&room.name()).await;
            client.subscribe("me").await;
            closing.push(client);
        }
        let mut staying = Client::signed_in(&b, &a.person("Eve").await).await;
        let mut viewer = Client::viewer(&b, &room.name()).await;
        staying.subscribe(&room.name()).await;
        ban(&a, bob, None).await;
        for client in &mut closing {
            assert_eq!(client.closed().await, 4403);
        }
        room.fill(&a.state.store, 1..=1).await;
        staying.events(1..=1).await;
        viewer.events(1..=1).await;
        assert!(closing.iter().all(|client| client.aside.is_empty()), "nothing is told to somebody who is banned");
        for instance in [&a, &b] {
            refused(instance, &tokens[1]).await;
            let answer = staying.ask(json!({"type": "refresh", "token": tokens[0]})).await;
            assert_eq!(answer["error"]["code"], "forbidden");
            assert_eq!(staying.ask(json!({"type": "ping"})).await["type"], "pong");
            assert_eq!(instance.state.accounts.authenticate(&tokens[0]).await.unwrap_err().code.name(), "forbidden");
        }
        // An instance that begins now was told by the store.
        let c = house.alone().await;
        refused(&c, &tokens[0]).await;

        lift(&a, bob).await;
        for instance in [&a, &b, &c] {
            let_in(instance, &tokens[0]).await;
            let mut client = Client::signed_in(instance, &tokens[0]).await;
            assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
            assert_eq!(upgrade(instance, "/ws", &tokens[1]).await, 101);
        }
    }
}

#[tokio::test]
async fn a_ban_with_an_end_ends_by_itself_by_the_databases_clock() {
    let (_house, instance) = Instance::open().await;
    let token = instance.person("Bob").await;
    let bob = who(&instance, &token).await;
    let mut client = Client::signed_in(&instance, &token).await;
    ban(&instance, bob, Some(instance.state.clock.now().plus(Duration::from_millis(700)))).await;
    assert_eq!(client.closed().await, 4403);
    assert!(instance.state.accounts.authenticate(&token).await.is_err());
    let_in(&instance, &token).await;
    Client::signed_in(&instance, &token).await;
    // One that is over before it is heard of closes nothing.
    let mut staying = Client::signed_in(&instance, &token).await;
    ban(&instance, bob, Some(instance.state.clock.now().minus(Duration::from_secs(1)))).await;
    assert_eq!(staying.ask(json!({"type": "ping"})).await["type"], "pong");
}

#[tokio::test]
async fn bans_of_a_replaced_database_are_read_anew() {
    let (house, instance) = Instance::open().await;
    let [kept, lifted, new] =
        [instance.person("Bob").await, instance.person("Eve").await, instance.person("Ada").await];
    let mut people = Vec::new();
    for token in [&kept, &lifted, &new] {
        people.push(who(&instance, token).await);
    }
    ban(&instance, people[0], None).await;
    ban(&instance, people[1], None).await;
    let mut client = Client::signed_in(&instance, &new).await;
    // What happened while the instance was not looking is in no event that it would hear of.
    let unheard = house.unheard();
    house.store.heads.fail_for(Some(belfry::model::Channel::Revocations));
    let epoch = unheard.write(RenewEpoch).await.unwrap();
    eventually("the new epoch to be known", || instance.epoch() == epoch).await;
    house.store.heads.refused(1).await;
    unheard.write(LiftBan { whom: Whom::Id(people[1]), by: None }).await.unwrap();
    unheard.write(Ban { whom: Whom::Id(people[2]), by: None, until: None, reason: None }).await.unwrap();
    house.store.heads.fail_for(None);
    assert_eq!(client.closed().await, 4403);
    let_in(&instance, &lifted).await;
    for banned in [&kept, &new] {
        assert_eq!(instance.state.accounts.authenticate(banned).await.unwrap_err().code.name(), "forbidden");
    }
}
