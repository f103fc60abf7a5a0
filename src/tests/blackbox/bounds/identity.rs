//! Who a socket is: before `connect`, without a token, with one, with another.

use super::{bad, code, good, judge};
use crate::support::rest::Rest;
use crate::support::server::Server;
use crate::support::wire::{Codec, Socket, upgrade};
use crate::support::within;
use reqwest::Method;
use serde_json::{Value, json};

async fn stage() -> (Server, Vec<String>, u64) {
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off")]).await;
    let tokens = setup.tokens("Person", 2).await;
    let post = Rest::new(server.address).with(&tokens[0]).post("a post").await;
    (server, tokens, post)
}

#[tokio::test]
async fn before_connect_nothing_is_answered_but_connect() {
    let (server, tokens, post) = stage().await;
    for codec in Codec::ALL {
        let mut socket = Socket::open(server.address, codec).await;
        for command in [
            json!({"type": "subscribe", "channel": format!("post:{post}")}),
            json!({"type": "comment.create", "post_id": post, "body": "x"}),
            json!({"type": "refresh", "token": tokens[0]}),
            json!({"type": "ping"}),
        ] {
            let answer = socket.ask(command).await;
            assert_eq!(code(&answer), Some("unauthenticated"), "{answer}");
        }
        let welcome = socket.ask(json!({"type": "connect", "token": tokens[0]})).await;
        assert_eq!((&welcome["type"], &welcome["user"]["name"]), (&json!("welcome"), &json!("Person 1")), "{welcome}");
    }
}

#[tokio::test]
async fn a_welcome_says_who_and_how() {
    let (server, tokens, _) = stage().await;
    for codec in Codec::ALL {
        let mut socket = Socket::open(server.address, codec).await;
        let welcome = socket.ask(json!({"type": "connect", "token": tokens[0], "client": "test/1"})).await;
        assert_eq!(welcome["heartbeat_ms"], 20_000, "{welcome}");
        assert!(welcome["connection"].as_str().is_some_and(|text| !text.is_empty()), "{welcome}");
        assert!(
            welcome["expires_at"].as_str().is_some_and(|text| text.ends_with('Z') && text.len() == 24),
            "{welcome}"
        );
        assert_eq!(welcome["subscriptions"], json!([]));
        let user = &welcome["user"];
        assert_eq!((&user["handle"], &user["role"]), (&json!("person_1"), &json!("user")), "{welcome}");
        assert!(user["id"].is_u64(), "{welcome}");
        let mut nobody = Socket::open(server.address, codec).await;
        let welcome = nobody.ask(json!({"type": "connect"})).await;
        assert_eq!((&welcome["user"], &welcome["expires_at"]), (&Value::Null, &Value::Null), "{welcome}");
    }
}

#[tokio::test]
async fn connect_answers_each_channel_and_commands_may_follow_at_once() {
    let (server, tokens, post) = stage().await;
    let channel = format!("post:{post}");
    for codec in Codec::ALL {
        let mut socket = Socket::open(server.address, codec).await;
        let subscriptions = json!([{"channel": channel}, {"channel": "post:999999"}, {"channel": "me"}]);
        let create = json!({"type": "comment.create", "id": 2, "post_id": post, "body": "at once"});
        socket
            .send_all([
                json!({"type": "connect", "id": 1, "token": tokens[0], "subscriptions": subscriptions}),
                create,
                json!({"type": "ping", "id": 3}),
            ])
            .await
            .unwrap();
        let welcome = socket.until("welcome", |message| message["id"] == 1).await;
        let answers = welcome["subscriptions"].as_array().unwrap();
        assert_eq!((answers.len(), &answers[0]["channel"]), (3, &json!(channel)), "{welcome}");
        assert!(answers[0]["seq"].is_u64() && answers[2]["unread"].is_u64(), "{welcome}");
        assert_eq!((&answers[1]["channel"], code(&answers[1])), (&json!("post:999999"), Some("not_found")));
        let reply = socket.until("reply", |message| message["id"] == 2).await;
        let event = socket.event(&channel).await;
        assert_eq!(event["data"]["comment"]["id"], reply["data"]["id"]);
        socket.until("pong", |message| message["id"] == 3).await;
    }
}

#[tokio::test]
async fn an_anonymous_socket_reads_and_signs_in_later() {
    let (server, tokens, post) = stage().await;
    let channel = format!("post:{post}");
    const NOBODY: &[&str] = &["unauthenticated"];
    for codec in Codec::ALL {
        let mut socket = Socket::open(server.address, codec).await;
        socket.ask(json!({"type": "connect"})).await;
        judge(
            &mut socket,
            vec![
                good("watching a post", json!({"type": "subscribe", "channel": channel})),
                bad("a comment", json!({"type": "comment.create", "post_id": post, "body": "x"}), NOBODY),
                bad("an edit", json!({"type": "comment.edit", "comment_id": 1, "body": "x"}), NOBODY),
                bad("a deletion", json!({"type": "comment.delete", "comment_id": 1}), NOBODY),
                bad("a signal", json!({"type": "signal", "channel": channel, "data": {}}), NOBODY),
                bad("refresh", json!({"type": "refresh", "token": tokens[0]}), NOBODY),
                good("connect with a token", json!({"type": "connect", "token": tokens[0]})),
                good("a comment then", json!({"type": "comment.create", "post_id": post, "body": "x"})),
                bad("connect again", json!({"type": "connect", "token": tokens[0]}), &["conflict"]),
                bad("connect as another", json!({"type": "connect", "token": tokens[1]}), &["conflict"]),
                bad("connect as nobody", json!({"type": "connect"}), &["conflict"]),
            ],
        )
        .await;
        socket.event(&channel).await;
    }
}

#[tokio::test]
async fn refresh_takes_a_token_of_the_same_person_and_no_other() {
    let (server, tokens, _) = stage().await;
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &tokens[0]).await;
        let refresh = |token: &str| json!({"type": "refresh", "token": token});
        judge(
            &mut socket,
            vec![
                bad("no token at all", refresh("nonsense"), &["unauthenticated"]),
                bad("no text at all", refresh(""), &["unauthenticated"]),
                bad("another's", refresh(&tokens[1]), &["forbidden", "unauthenticated", "conflict"]),
            ],
        )
        .await;
        let data = socket.reply(refresh(&tokens[0])).await;
        assert!(data["expires_at"].as_str().is_some_and(|text| text.ends_with('Z')), "{data}");
    }
}

#[tokio::test]
async fn a_bad_token_is_told_and_closes() {
    let (server, tokens, _) = stage().await;
    let mut forged = tokens[0].clone();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.insert(forged.rfind('.').unwrap() + 1, last);
    for codec in Codec::ALL {
        for token in ["", "nonsense", "a.b.c", &forged] {
            let mut socket = Socket::open(server.address, codec).await;
            let error = socket.ask(json!({"type": "connect", "token": token})).await;
            assert_eq!(code(&error), Some("unauthenticated"), "{token:?}: {error}");
            assert_eq!(socket.closed().await, Some(4401), "{token:?}");
        }
        let mut socket = Socket::open(server.address, codec).await;
        let error = socket.ask(json!({"type": "connect", "token": 7})).await;
        assert_eq!(code(&error), Some("bad_request"), "{error}");
    }
}

#[tokio::test]
async fn a_token_that_ends_closes_its_socket() {
    let (setup, server) = Server::fresh(&[]).await;
    let (_, stdout, _) = setup.run(&["token", "--name", "Brief", "--ttl", "2s"]).await;
    let mut socket = Socket::signed_in(server.address, Codec::Json, stdout.trim()).await;
    assert_eq!(socket.closed().await, Some(4401));
    let mut late = Socket::open(server.address, Codec::Json).await;
    let error = late.ask(json!({"type": "connect", "token": stdout.trim()})).await;
    assert_eq!(code(&error), Some("unauthenticated"), "{error}");
    assert_eq!(late.closed().await, Some(4401));
}

#[tokio::test]
async fn a_header_signs_in_without_being_asked() {
    let (server, tokens, _) = stage().await;
    let bearer = |token: &str| format!("Bearer {token}");
    for codec in Codec::ALL {
        let protocol = ("sec-websocket-protocol", codec.subprotocol());
        let headers = [protocol, ("authorization", &bearer(&tokens[0]))];
        let (stream, _) = upgrade(server.address, "/ws", &headers).await.unwrap();
        let mut socket = Socket::over(stream, codec);
        let welcome = socket.next().await;
        assert_eq!((&welcome["type"], &welcome["user"]["name"]), (&json!("welcome"), &json!("Person 1")), "{welcome}");
        assert!(welcome["id"].is_null(), "{welcome}");
        judge(&mut socket, vec![bad("connect", json!({"type": "connect", "token": tokens[0]}), &["conflict"])]).await;
        for bad in ["nonsense", ""] {
            let headers = [protocol, ("authorization", &bearer(bad))];
            assert_eq!(upgrade(server.address, "/ws", &headers).await.err(), Some(401), "{bad:?}");
        }
        // A token in a URL signs nobody in.
        let path = format!("/ws?token={}&access_token={}", tokens[0], tokens[0]);
        let mut socket = Socket::at(server.address, &path, codec).await;
        let answer = socket.ask(json!({"type": "ping"})).await;
        assert_eq!(code(&answer), Some("unauthenticated"), "{answer}");
    }
}

#[tokio::test]
async fn the_shortcut_of_a_post_needs_nobody_and_ends_with_it() {
    let (server, tokens, _) = stage().await;
    let rest = Rest::new(server.address).with(&tokens[0]);
    for codec in Codec::ALL {
        let post = rest.post("short-lived").await;
        let mut socket = Socket::at(server.address, &format!("/ws/posts/{post}/live"), codec).await;
        let welcome = socket.next().await;
        assert_eq!((&welcome["type"], &welcome["user"]), (&json!("welcome"), &Value::Null), "{welcome}");
        let subscribed = socket.next().await;
        assert_eq!((&subscribed["type"], &subscribed["id"]), (&json!("subscribed"), &json!(0)), "{subscribed}");
        assert_eq!(subscribed["channel"], format!("post:{post}"));
        assert!(subscribed["presence"].is_null(), "{subscribed}");
        rest.good(Method::POST, &format!("/posts/{post}/comments"), Some(json!({"body": "live"}))).await;
        assert_eq!(socket.event(&format!("post:{post}")).await["kind"], "comment.created");
        rest.good(Method::DELETE, &format!("/posts/{post}"), None).await;
        assert_eq!(socket.closed().await, Some(4404));
        assert!(socket.aside.iter().any(|message| message["kind"] == "post.deleted"), "{:?}", socket.aside);
        let mut gone = Socket::at(server.address, &format!("/ws/posts/{post}/live"), codec).await;
        assert_eq!(gone.closed().await, Some(4404));
    }
}

#[tokio::test]
async fn the_shortcut_of_notifications_needs_someone() {
    let (server, tokens, _) = stage().await;
    let own = format!("user:{}", Rest::new(server.address).with(&tokens[0]).own_id().await);
    for codec in Codec::ALL {
        let mut nobody = Socket::at(server.address, "/ws/notifications", codec).await;
        nobody.send(&json!({"type": "connect", "id": 1})).await.unwrap();
        assert_eq!(nobody.closed().await, Some(4401));
        let mut socket = Socket::at(server.address, "/ws/notifications", codec).await;
        let welcome = socket.ask(json!({"type": "connect", "token": tokens[0]})).await;
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        let subscribed = socket.next().await;
        assert_eq!((&subscribed["type"], &subscribed["id"]), (&json!("subscribed"), &json!(0)), "{subscribed}");
        assert_eq!(subscribed["channel"], own.as_str());
        assert!(subscribed["unread"].is_u64(), "{subscribed}");
    }
}

#[tokio::test]
async fn a_deleted_post_ends_its_subscriptions_and_not_the_sockets() {
    let (server, tokens, post) = stage().await;
    let channel = format!("post:{post}");
    let mut sockets = Vec::new();
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &tokens[1]).await;
        socket.subscribe(&channel).await;
        sockets.push(socket);
    }
    Rest::new(server.address).with(&tokens[0]).good(Method::DELETE, &format!("/posts/{post}"), None).await;
    for socket in &mut sockets {
        let event = socket.event(&channel).await;
        assert_eq!((&event["kind"], &event["data"]["post_id"]), (&json!("post.deleted"), &json!(post)), "{event}");
        let end = within(crate::support::PATIENCE, "unsubscribed", socket.next()).await;
        assert_eq!((&end["type"], code(&end)), (&json!("unsubscribed"), Some("not_found")), "{end}");
        let again = socket.ask(json!({"type": "subscribe", "channel": channel})).await;
        assert_eq!(code(&again), Some("not_found"), "{again}");
        socket.assert_alive("the end of a channel").await;
    }
}
