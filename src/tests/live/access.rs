//! Access that ends, ends on every instance: by the bus alone, without one, and with one that is frozen. What it does not
//! concern goes on.

use super::redis::redis_server::RedisServer;
use super::support::{CODECS, Client, House, Instance, Room, eventually, upgrade, within};
use belfry::bus::LocalBus;
use belfry::model::{Channel, Role};
use belfry::protocol::Codec;
use belfry::store::write::{Ban, SessionRef, SetRole, Whom};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// The promise is 2 s; what else the machine does is not held against it.
const SOON: Duration = Duration::from_secs(5);

/// What lies between two instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    /// A bus, and no sweep that could help it.
    Bus,
    Nothing,
    /// A Redis that was there and answers no more.
    FrozenRedis,
}

/// Two instances on one database.
struct Two {
    house: House,
    a: Instance,
    b: Instance,
    between: Between,
    redis: Option<RedisServer>,
}

impl Two {
    /// One pair for all that may lie between them.
    async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for between in [Between::Bus, Between::Nothing, Between::FrozenRedis] {
            let house = House::with(&[]).await;
            let bus = LocalBus::new();
            let redis = if between == Between::FrozenRedis { RedisServer::start().await } else { None };
            let (a, b) = match (between, &redis) {
                (Between::Bus, _) => (house.instance(bus.join()).await, house.instance(bus.join()).await),
                (Between::Nothing, _) => (house.alone().await, house.alone().await),
                (Between::FrozenRedis, Some(redis)) => {
                    let two = (house.over(&redis.url()).await, house.over(&redis.url()).await);
                    for instance in [&two.0, &two.1] {
                        eventually("the bus to carry", || instance.state.readiness.health().status == "ok").await;
                    }
                    two
                }
                (Between::FrozenRedis, None) => continue,
            };
            all.push(Self { house, a, b, between, redis });
        }
        all
    }

    /// From now on only what is under test can bring news: call it once everybody has subscribed.
    async fn cut_off(&self) {
        match self.between {
            Between::Bus => {
                self.house.store.control.hold(Channel::Revocations);
                self.house.store.control.held().await;
            }
            Between::Nothing => {}
            Between::FrozenRedis => self.redis.as_ref().unwrap().freeze(),
        }
    }

    fn release(&self) {
        self.house.store.control.release();
    }
}

async fn soon<T>(between: Between, what: &str, wanted: impl Future<Output = T>) -> T {
    timeout(SOON, wanted).await.unwrap_or_else(|_| panic!("{between:?}: {what} took longer than it may"))
}

/// A request; its status and the code of its refusal.
async fn call(at: &Instance, token: &str, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.request(method, format!("http://{}/api/v1{path}", at.address)).bearer_auth(token).json(&body);
    let answer = within("an answer", request.send()).await.unwrap();
    let (status, body) = (answer.status(), answer.bytes().await.unwrap());
    (status, serde_json::from_slice::<Value>(&body).unwrap_or_default()["code"].take())
}

async fn code_of(client: &mut Client, command: Value) -> Value {
    client.ask(command).await["error"]["code"].take()
}

#[tokio::test]
async fn a_deleted_post_ends_what_is_heard_and_said_there_on_every_instance_and_no_socket() {
    for two in Two::all().await {
        let (a, b, between) = (&two.a, &two.b, two.between);
        let (room, other) = (a.room().await, a.room().await);
        let comment = room.comment(&a.state.store, "said").await.id;
        let token = a.person("Bob").await;
        let mut there = vec![Client::signed_in(b, &token).await];
        for codec in CODECS {
            there.push(Client::anonymous(b, codec).await);
        }
        for client in &mut there {
            client.ask(json!({"type": "subscribe", "channel": room.name(), "presence": true})).await;
            client.subscribe(&other.name()).await;
        }
        two.cut_off().await;
        room.end(&a.state.store).await;
        for client in &mut there {
            let told = async {
                let last = client.until("the last event", |message| message["kind"] == "post.deleted").await;
                (last, client.until("the end", |message| message["type"] == "unsubscribed").await)
            };
            let (last, ended) = soon(between, "the end of a post", told).await;
            assert_eq!(last["seq"], 2);
            assert_eq!((&ended["channel"], &ended["error"]["code"]), (&json!(room.name()), &json!("not_found")));
        }
        let bob = &mut there[0];
        let (post, name) = (room.post, room.name());
        for (refused, command) in [
            ("not_found", json!({"type": "subscribe", "channel": name})),
            ("not_found", json!({"type": "subscribe", "channel": name, "epoch": b.epoch(), "since": 1})),
            ("forbidden", json!({"type": "typing", "channel": name})),
            ("forbidden", json!({"type": "signal", "channel": name, "data": 1})),
            ("not_found", json!({"type": "comment.create", "post_id": post, "body": "more"})),
            ("not_found", json!({"type": "comment.edit", "comment_id": comment, "body": "more"})),
            ("not_found", json!({"type": "comment.react", "comment_id": comment, "emoji": "👍", "on": true})),
            ("not_found", json!({"type": "comment.delete", "comment_id": comment})),
        ] {
            assert_eq!(code_of(bob, command.clone()).await, refused, "{between:?}: {command}");
        }
        for (method, path) in [
            (Method::GET, format!("/posts/{post}")),
            (Method::GET, format!("/posts/{post}/comments")),
            (Method::POST, format!("/posts/{post}/comments")),
            (Method::GET, format!("/comments/{comment}")),
            (Method::GET, format!("/channels/{name}/events")),
        ] {
            let refused = call(b, &token, method.clone(), &path, json!({"body": "more"})).await;
            assert_eq!(refused, (StatusCode::NOT_FOUND, json!("not_found")), "{between:?}: {method} {path}");
        }
        other.fill(&a.state.store, 1..=1).await;
        for client in &mut there {
            client.until("an event elsewhere", |message| message["seq"] == 1).await;
            assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
        }
        two.release();
    }
}

#[tokio::test]
async fn a_role_that_was_taken_away_moderates_nothing_on_any_instance_and_ends_no_socket() {
    for two in Two::all().await {
        let (a, b, between) = (&two.a, &two.b, two.between);
        let room = a.room().await;
        let store = &a.state.store;
        let comments = [room.comment(store, "one").await.id, room.comment(store, "two").await.id];
        a.person("Mo").await;
        store.write(SetRole { handle: "mo".into(), role: Role::Moderator }).await.unwrap();
        let token = a.person("Mo").await;
        let identity = a.state.accounts.authenticate(&token).await.unwrap();
        let mut mo = Client::signed_in(b, &token).await;
        mo.subscribe(&room.name()).await;
        mo.subscribe("me").await;
        let delete = |comment| json!({"type": "comment.delete", "comment_id": comment});
        assert_eq!(mo.ask(delete(comments[0])).await["type"], "reply");
        two.cut_off().await;
        store.write(SetRole { handle: "mo".into(), role: Role::User }).await.unwrap();
        let known = || b.state.accounts.recheck(&identity).is_ok_and(|role| role == Role::User);
        soon(between, "the loss of a role", eventually("it to be known", known)).await;
        assert_eq!(code_of(&mut mo, delete(comments[1])).await, "forbidden");
        for (method, path) in [
            (Method::PATCH, format!("/posts/{}", room.post)),
            (Method::DELETE, format!("/posts/{}", room.post)),
            (Method::DELETE, format!("/comments/{}", comments[1])),
            (Method::PUT, format!("/users/{}/ban", room.author)),
        ] {
            let refused = call(b, &token, method.clone(), &path, json!({"title": "mine"})).await;
            assert_eq!(refused, (StatusCode::FORBIDDEN, json!("forbidden")), "{between:?}: {method} {path}");
        }
        // It hears what everybody may hear, and what it may say it says.
        let said = json!({"type": "comment.create", "post_id": room.post, "body": "still here"});
        assert_eq!(mo.ask(said).await["type"], "reply");
        mo.until("what it said", |message| message["data"]["comment"]["body"] == "still here").await;
        two.release();
    }
}

/// Who is to lose access: by the end of a session, of all of them, or by a ban.
#[derive(Debug, Clone, Copy)]
enum End {
    Session,
    Everywhere,
    Ban,
}

async fn end(at: &Instance, token: &str, how: End) {
    let identity = at.state.accounts.authenticate(token).await.unwrap();
    let session = SessionRef::Id(identity.session_id);
    match how {
        End::Session => at.state.accounts.logout(session, false).await.unwrap(),
        End::Everywhere => at.state.accounts.logout(session, true).await.unwrap(),
        End::Ban => {
            let ban = Ban { whom: Whom::Id(identity.user_id), by: None, until: None, reason: None };
            at.state.store.write(ban).await.unwrap();
        }
    }
}

/// Asserts that a token opens nothing here.
async fn opens_nothing(at: &Instance, token: &str, room: Room, context: &str) {
    for path in ["/ws", "/ws/notifications"] {
        let mut client = Client::at(at, path, Codec::Json).await;
        assert_eq!(code_of(&mut client, json!({"type": "connect", "token": token})).await, "forbidden", "{context}");
        assert_eq!(client.closed().await, 4403, "{context}: {path}");
    }
    for path in ["/ws", "/ws/notifications", &format!("/ws/posts/{}/live", room.post)] {
        assert_eq!(upgrade(at, path, token).await, 401, "{context}: {path}");
    }
    for (method, path) in [
        (Method::GET, "/users/me".into()),
        // Even where nobody needs to be signed in.
        (Method::GET, format!("/posts/{}", room.post)),
        (Method::POST, format!("/posts/{}/comments", room.post)),
        (Method::POST, "/posts".into()),
        (Method::GET, "/notifications".into()),
        (Method::POST, "/notifications/read".into()),
    ] {
        let refused = call(at, token, method.clone(), &path, json!({"body": "x", "title": "x", "all": true})).await;
        assert_eq!(refused, (StatusCode::UNAUTHORIZED, json!("unauthenticated")), "{context}: {method} {path}");
    }
}

#[tokio::test]
async fn a_revoked_token_that_has_not_ended_opens_nothing_on_any_instance() {
    for two in Two::all().await {
        let (a, b, between) = (&two.a, &two.b, two.between);
        let room = a.room().await;
        let kept = a.person("Eve").await;
        let mut staying = Client::signed_in(b, &kept).await;
        let mut cases = Vec::new();
        for (how, name) in [(End::Session, "Ann"), (End::Everywhere, "Bob"), (End::Ban, "Cy")] {
            let token = a.person(name).await;
            let mut sockets = [Client::signed_in(a, &token).await, Client::signed_in(b, &token).await];
            for socket in &mut sockets {
                socket.subscribe(&room.name()).await;
                socket.subscribe("me").await;
            }
            cases.push((how, token, sockets));
        }
        two.cut_off().await;
        for (how, token, mut sockets) in cases {
            end(a, &token, how).await;
            for socket in &mut sockets {
                assert_eq!(soon(between, "the end of a socket", socket.closed()).await, 4403, "{between:?} {how:?}");
                assert!(socket.aside.is_empty(), "{:?}", socket.aside);
            }
            for (at, name) in [(a, "a"), (b, "b")] {
                opens_nothing(at, &token, room, &format!("{between:?} {how:?} at {name}")).await;
            }
            assert_eq!(code_of(&mut staying, json!({"type": "refresh", "token": token})).await, "forbidden");
        }
        assert_eq!(staying.ask(json!({"type": "refresh", "token": kept})).await["type"], "reply");
        two.release();
    }
}

#[tokio::test]
async fn a_command_that_waited_while_its_session_ended_is_not_carried_out() {
    let (house, instance) = Instance::open().await;
    let (room, other) = (instance.room().await, instance.room().await);
    let token = instance.person("Bob").await;
    let mut bob = Client::signed_in(&instance, &token).await;
    house.store.heads.hold(other.channel());
    let create = json!({"type": "comment.create", "id": 2, "post_id": room.post, "body": "too late"});
    bob.send_all([json!({"type": "subscribe", "id": 1, "channel": other.name()}), create]).await;
    house.store.heads.held().await;
    end(&instance, &token, End::Session).await;
    assert_eq!(bob.closed().await, 4403);
    house.store.heads.release();
    eventually("the socket to be gone", || instance.hub.sockets() == 0).await;
    assert!(bob.aside.is_empty(), "{:?}", bob.aside);
    // The first that is written there is the first.
    assert_eq!(room.comment(&instance.state.store, "first").await.seq, 1);
}

#[tokio::test]
async fn the_key_of_a_back_end_is_looked_up_once_a_second_and_an_unknown_one_each_time() {
    let (house, a) = Instance::open().await;
    let key = a.state.accounts.make_api_key("blog", vec!["publish".into()]).await.unwrap();
    a.clock.stop();
    for (pass_ms, looked_up) in [(0, 1), (0, 1), (999, 1), (1, 2), (0, 2)] {
        a.clock.pass(pass_ms);
        assert_eq!(a.state.accounts.api_key(&key).await.unwrap().name, "blog");
        assert_eq!(house.store.api_keys(), looked_up);
    }
    for looked_up in [3, 4] {
        assert!(a.state.accounts.api_key("bk_other").await.is_err());
        assert_eq!(house.store.api_keys(), looked_up);
    }
}
