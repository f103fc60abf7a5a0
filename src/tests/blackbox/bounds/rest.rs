//! The bounds that REST shares with the socket, and those it has alone.

use crate::support::rest::Rest;
use crate::support::server::Server;
use crate::support::wire::{Codec, Socket};
use reqwest::{Client, Method};
use serde_json::{Value, json};

#[tokio::test]
async fn custom_data_has_32_kibibytes_and_arrives_as_published() {
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off")]).await;
    let (token, key) = (setup.token("Person").await, setup.api_key().await);
    let rest = Rest::new(server.address);
    let post = rest.with(&token).post("a post").await;
    let channel = format!("post:{post}");
    let mut listeners = Vec::new();
    for codec in Codec::ALL {
        let mut listener = Socket::open(server.address, codec).await;
        listener.ask(json!({"type": "connect"})).await;
        listener.subscribe(&channel).await;
        listeners.push(listener);
    }
    let data = |size: usize| json!({"d": "x".repeat(size - 8)});
    let publish = |data: Value| json!({"channel": channel, "kind": "custom.test", "data": data});
    let api = rest.with(&key);
    for (size, wanted) in [(32_768, 202), (32_769, 413)] {
        let (status, answer) = api.call(Method::POST, "/publish", Some(publish(data(size)))).await;
        assert_eq!(status, wanted, "{size} bytes: {answer}");
        assert!(if wanted == 202 { answer["seq"].is_u64() } else { answer["code"] == "too_large" }, "{answer}");
    }
    let odd = json!({"z": 1, "a": [1.5, -1, 1e3, null, true, "é🎉"], "": {"nested": {}}});
    api.good(Method::POST, "/publish", Some(publish(odd.clone()))).await;
    for listener in &mut listeners {
        let event = listener.event(&channel).await;
        assert_eq!((&event["kind"], &event["data"]), (&json!("custom.test"), &data(32_768)));
        assert_eq!(listener.event(&channel).await["data"], odd);
    }
    let refused = [
        (json!({"channel": channel, "kind": "comment.created", "data": {}}), "a kind of the house"),
        (json!({"channel": channel, "kind": "custom.", "data": {}}), "a kind without a name"),
        (json!({"channel": "room:1", "kind": "custom.x", "data": {}}), "a name that is none"),
        (json!({"channel": "revocations", "kind": "custom.x", "data": {}}), "the internal channel"),
        (json!({"channel": "post:999999", "kind": "custom.x", "data": {}}), "a post that is not there"),
        (json!({"channel": channel, "kind": "custom.x"}), "no data"),
    ];
    for (body, what) in refused {
        let (status, answer) = api.call(Method::POST, "/publish", Some(body)).await;
        assert!(status.is_client_error() && answer["code"].is_string(), "{what}: {status} {answer}");
    }
    for (caller, wanted) in [(rest.clone(), 401), (rest.with(&token), 403), (rest.with("bk_nonsense"), 401)] {
        let (status, answer) = caller.call(Method::POST, "/publish", Some(publish(json!({})))).await;
        assert_eq!(status, wanted, "{answer}");
    }
}

#[tokio::test]
async fn a_key_is_one_thing_in_header_and_body() {
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off")]).await;
    let token = setup.token("Person").await;
    let post = Rest::new(server.address).with(&token).post("a post").await;
    let http = Client::builder().no_proxy().build().unwrap();
    let create = async |header: Option<&str>, body: Value| {
        let mut request = http.post(format!("http://{}/api/v1/posts/{post}/comments", server.address));
        request = request.bearer_auth(&token).json(&body);
        if let Some(header) = header {
            request = request.header("idempotency-key", header);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (long, too_long) = ("k".repeat(64), "k".repeat(65));
    let (status, first) = create(Some(&long), json!({"body": "text"})).await;
    assert_eq!(status, 201, "{first}");
    let again = [
        create(Some(&long), json!({"body": "text"})).await,
        create(None, json!({"body": "text", "key": long})).await,
        create(Some(&long), json!({"body": "text", "key": long})).await,
    ];
    for (status, comment) in again {
        assert_eq!((status, &comment["id"], &comment["seq"]), (201, &first["id"], &first["seq"]), "{comment}");
    }
    let mut socket = Socket::signed_in(server.address, Codec::Json, &token).await;
    let reply = json!({"type": "comment.create", "post_id": post, "body": "text", "key": long});
    assert_eq!(socket.reply(reply).await["id"], first["id"], "the socket's key is the same");
    let refused = [
        (create(Some(&long), json!({"body": "other"})).await, 409, "other content"),
        (create(Some("a"), json!({"body": "text", "key": "b"})).await, 400, "two keys"),
        (create(Some(&too_long), json!({"body": "text"})).await, 422, "65 characters"),
        (create(Some("a b"), json!({"body": "text"})).await, 422, "a space"),
        (create(None, json!({"body": "text", "key": ""})).await, 422, "no character"),
    ];
    for ((status, answer), wanted, what) in refused {
        assert_eq!(status, wanted, "{what}: {answer}");
        assert!(answer["code"].is_string() && answer["request_id"].is_string(), "{what}: {answer}");
    }
}

#[tokio::test]
async fn a_body_has_a_mebibyte() {
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off")]).await;
    let token = setup.token("Person").await;
    let rest = Rest::new(server.address).with(&token);
    let sized = |size: usize| {
        let empty = json!({"title": "t", "body": ""}).to_string().len();
        json!({"title": "t", "body": "x".repeat(size - empty)})
    };
    // Too long a text either way; but the one is read, and the other is not.
    let (status, answer) = rest.call(Method::POST, "/posts", Some(sized(1_048_576))).await;
    assert_eq!((status.as_u16(), &answer["code"]), (422, &json!("unprocessable")), "{answer}");
    let (status, answer) = rest.call(Method::POST, "/posts", Some(sized(1_048_577))).await;
    assert_eq!((status.as_u16(), &answer["code"]), (413, &json!("too_large")), "{answer}");
    for (title, body, wanted) in [
        ("t".repeat(300), "b".repeat(100_000), 201),
        ("t".repeat(301), "b".to_owned(), 422),
        ("t".to_owned(), "b".repeat(100_001), 422),
        (" ".to_owned(), "b".to_owned(), 422),
    ] {
        let (status, answer) = rest.call(Method::POST, "/posts", Some(json!({"title": title, "body": body}))).await;
        assert_eq!(status.as_u16(), wanted, "{} and {}: {}", title.len(), body.len(), answer["detail"]);
    }
}
