//! People of the host's site on sockets: who they are, and until when.

use super::support::{Client, House, Instance, within};
use belfry::bus::LocalBus;
use belfry::model::Role;
use belfry::protocol::Codec;
use belfry::store::write::{Ban, SetRole, Whom};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use std::time::Duration;

const SETTINGS: [&str; 2] = ["--host-secret", "shared"];

/// A token of the host's site, good for ten minutes.
fn token(instance: &Instance, sub: &str, name: &str, others: Value) -> String {
    let now = instance.state.clock.now().seconds();
    let mut claims = json!({"sub": sub, "name": name, "exp": now + 600});
    claims.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(b"shared")).unwrap()
}

async fn connect(instance: &Instance, token: &str) -> (Client, Value) {
    let mut client = Client::at(instance, "/ws", Codec::Json).await;
    let welcome = client.ask(json!({"type": "connect", "token": token})).await;
    (client, welcome)
}

async fn logout(instance: &Instance, token: &str, query: &str) -> u16 {
    let url = format!("http://{}/api/v1/auth/logout{query}", instance.address);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    within("the answer", http.post(url).bearer_auth(token).send()).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_token_of_the_host_opens_a_socket_in_the_name_it_says() {
    let (_house, instance) = Instance::with(&SETTINGS).await;
    let room = instance.room().await;
    let bob = token(&instance, "u-1", "Bob", json!({"role": "admin"}));
    let (mut client, welcome) = connect(&instance, &bob).await;
    let user = &welcome["user"];
    assert_eq!((&user["name"], &user["handle"], &user["role"]), (&json!("Bob"), &json!("bob"), &json!("user")));
    assert!(welcome["expires_at"].is_string(), "{welcome}");
    client.subscribe(&room.name()).await;
    assert_eq!(client.subscribe("me").await["channel"], json!(format!("user:{}", user["id"])));
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    client.ask(json!({"type": "signal", "channel": room.name(), "data": 1})).await;
    assert_eq!(viewer.next().await["from"], json!({"id": user["id"], "name": "Bob"}));
    let create = json!({"type": "comment.create", "post_id": room.post, "body": "hello"});
    assert_eq!(client.ask(create).await["data"]["author"]["name"], "Bob");
    // Another name from the next token on, for the same person.
    let (_client, welcome) = connect(&instance, &token(&instance, "u-1", "Robert", json!({}))).await;
    assert_eq!((&welcome["user"]["id"], &welcome["user"]["name"]), (&user["id"], &json!("Robert")));
    let (mut refused, answer) = connect(&instance, &token(&instance, "u-1", " ", json!({}))).await;
    assert_eq!(answer["error"]["code"], "unauthenticated");
    assert_eq!(refused.closed().await, 4401);
}

#[tokio::test]
async fn who_is_known_and_unchanged_costs_neither_a_query_nor_a_write() {
    let (house, instance) = Instance::with(&SETTINGS).await;
    let (first, _) = connect(&instance, &token(&instance, "u-1", "Bob", json!({}))).await;
    house.store.host_people.forget();
    for jti in 0..5 {
        let fresh = token(&instance, "u-1", "Bob", json!({ "jti": jti }));
        let (_client, welcome) = connect(&instance, &fresh).await;
        assert_eq!(welcome["type"], "welcome");
    }
    assert_eq!((house.store.host_people.calls().len(), house.store.kept()), (0, 1));
    // One who is known to the database alone costs a query.
    let b = house.alone().await;
    connect(&b, &token(&b, "u-1", "Bob", json!({}))).await;
    assert_eq!((house.store.host_people.calls().len(), house.store.kept()), (1, 1));
    drop(first);
}

#[tokio::test]
async fn a_fresh_token_of_the_same_person_is_taken_and_no_other() {
    let (_house, instance) = Instance::with(&SETTINGS).await;
    let (mut client, welcome) = connect(&instance, &token(&instance, "u-1", "Bob", json!({}))).await;
    let later = token(&instance, "u-1", "Bob", json!({"exp": instance.state.clock.now().seconds() + 1_200}));
    let reply = client.ask(json!({"type": "refresh", "token": later})).await;
    assert!(reply["data"]["expires_at"].as_str().unwrap() > welcome["expires_at"].as_str().unwrap(), "{reply}");
    for other in [token(&instance, "u-2", "Bob", json!({})), instance.person("Eve").await] {
        let answer = client.ask(json!({"type": "refresh", "token": other})).await;
        assert_eq!(answer["error"]["code"], "forbidden");
    }
    let own = instance.person("Bob").await;
    assert_eq!(client.ask(json!({"type": "refresh", "token": own})).await["type"], "reply");
    // The token before is no longer what the socket stands by.
    assert_eq!(logout(&instance, &later, "").await, 204);
    assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
}

#[tokio::test]
async fn signing_out_closes_the_sockets_of_the_token_and_everywhere_those_that_are_here() {
    let house = House::with(&SETTINGS).await;
    let bus = LocalBus::new();
    let (a, b) = (house.instance(bus.join()).await, house.instance(bus.join()).await);
    let tokens: Vec<String> = (0..4).map(|jti| token(&a, "u-1", "Bob", json!({ "jti": jti }))).collect();
    let (mut first, _) = connect(&a, &tokens[0]).await;
    let (mut first_there, _) = connect(&b, &tokens[0]).await;
    let (mut second, _) = connect(&a, &tokens[1]).await;
    let (mut third, _) = connect(&a, &tokens[2]).await;
    let (mut third_there, _) = connect(&b, &tokens[2]).await;
    let (mut elsewhere, _) = connect(&b, &tokens[3]).await;
    assert_eq!(logout(&a, &tokens[0], "").await, 204);
    for client in [&mut first, &mut first_there] {
        assert_eq!(client.closed().await, 4403);
    }
    let (mut refused, answer) = connect(&b, &tokens[0]).await;
    assert_eq!(answer["error"]["code"], "forbidden");
    assert_eq!(refused.closed().await, 4403);
    for client in [&mut second, &mut third, &mut third_there, &mut elsewhere] {
        assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
    }
    assert_eq!(logout(&a, &tokens[1], "?everywhere=true").await, 204);
    for client in [&mut second, &mut third, &mut third_there] {
        assert_eq!(client.closed().await, 4403);
    }
    // A token that only another instance has seen is known to nobody here.
    assert_eq!(elsewhere.ask(json!({"type": "ping"})).await["type"], "pong");
    // By a session of this server as well.
    let (mut fourth, _) = connect(&a, &token(&a, "u-1", "Bob", json!({"jti": 5}))).await;
    let own = a.person("Bob").await;
    let mut by_own = Client::signed_in(&b, &own).await;
    assert_eq!(logout(&a, &own, "?everywhere=true").await, 204);
    for client in [&mut fourth, &mut by_own] {
        assert_eq!(client.closed().await, 4403);
    }
    // An instance that begins now was told by the store.
    let c = house.alone().await;
    assert_eq!(connect(&c, &tokens[2]).await.1["error"]["code"], "forbidden");
}

#[tokio::test]
async fn roles_and_bans_reach_people_of_the_host_on_every_instance() {
    let house = House::with(&SETTINGS).await;
    let (a, b) = (house.alone().await, house.alone().await);
    let bob = token(&a, "u-1", "Bob", json!({}));
    let (_client, welcome) = connect(&a, &bob).await;
    let (mut there, _) = connect(&b, &bob).await;
    let role = |instance: &Instance| {
        let accounts = instance.state.accounts.clone();
        let bob = bob.clone();
        async move { accounts.authenticate(&bob).await.map(|identity| identity.role) }
    };
    a.state.store.write(SetRole { handle: "bob".into(), role: Role::Moderator }).await.unwrap();
    assert_eq!(role(&a).await.unwrap(), Role::Moderator);
    let mut looks = tokio::time::interval(Duration::from_millis(2));
    within("the other instance to hear of the role", async {
        while role(&b).await.unwrap() != Role::Moderator {
            looks.tick().await;
        }
    })
    .await;
    let id = serde_json::from_value(welcome["user"]["id"].clone()).unwrap();
    a.state.store.write(Ban { whom: Whom::Id(id), by: None, until: None, reason: None }).await.unwrap();
    assert_eq!(there.closed().await, 4403);
    for instance in [&a, &b] {
        let fresh = token(instance, "u-1", "Bob", json!({"jti": "fresh"}));
        let (mut refused, answer) = connect(instance, &fresh).await;
        assert_eq!(answer["error"]["code"], "forbidden");
        assert_eq!(refused.closed().await, 4403);
    }
}
