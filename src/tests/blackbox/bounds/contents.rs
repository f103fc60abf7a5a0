//! How much a comment, a key, a signal may be.

use super::{bad, code, good, judge};
use crate::support::rest::Rest;
use crate::support::server::Server;
use crate::support::wire::{Codec, Socket};
use serde_json::{Value, json};

async fn stage() -> (Server, String, u64) {
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off")]).await;
    let token = setup.token("Person").await;
    let post = Rest::new(server.address).with(&token).post("a post").await;
    (server, token, post)
}

#[tokio::test]
async fn a_comment_has_ten_thousand_characters_of_any_width() {
    let (server, token, post) = stage().await;
    let create = |body: String| json!({"type": "comment.create", "post_id": post, "body": body});
    const LONG: &[&str] = &["unprocessable"];
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &token).await;
        let id = socket.reply(create("short".into())).await["id"].clone();
        let edit = |body: String| json!({"type": "comment.edit", "comment_id": id, "body": body});
        judge(
            &mut socket,
            vec![
                good("one character", create("x".into())),
                good("10,000 characters", create("x".repeat(10_000))),
                bad("10,001 characters", create("x".repeat(10_001)), LONG),
                good("10,000 of two bytes", create("é".repeat(10_000))),
                bad("10,001 of two bytes", create("é".repeat(10_001)), LONG),
                good("10,000 of four bytes", create("🎉".repeat(10_000))),
                bad("10,001 of four bytes", create("🎉".repeat(10_001)), LONG),
                bad("an empty body", create(String::new()), LONG),
                bad("a blank body", create(" \n\t\u{a0}".into()), LONG),
                good("an edit to 10,000", edit("y".repeat(10_000))),
                bad("an edit to 10,001", edit("y".repeat(10_001)), LONG),
                bad("an edit to nothing", edit("  ".into()), LONG),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn a_key_has_up_to_64_visible_ascii_characters() {
    let (server, token, post) = stage().await;
    for codec in Codec::ALL {
        let create =
            |key: &str, body: &str| json!({"type": "comment.create", "post_id": post, "body": body, "key": key});
        let mut socket = Socket::signed_in(server.address, codec, &token).await;
        let prefix = if codec == Codec::Json { "j" } else { "m" };
        let long = prefix.repeat(64);
        const KEY: &[&str] = &["unprocessable"];
        judge(
            &mut socket,
            vec![
                good("64 characters", create(&long, "text")),
                bad("65 characters", create(&format!("{long}x"), "text"), KEY),
                bad("no character", create("", "text"), KEY),
                bad("a space", create("a b", "text"), KEY),
                bad("a control character", create("a\u{7f}", "text"), KEY),
                bad("not ASCII", create("é", "text"), KEY),
                good("the first and the last", create(&format!("!~{prefix}"), "text")),
                bad("other content", create(&long, "other"), &["conflict"]),
            ],
        )
        .await;
        let first = socket.reply(create(&long, "text")).await;
        let again = socket.reply(create(&long, "text")).await;
        assert_eq!((&first["id"], &first["seq"]), (&again["id"], &again["seq"]));
        assert_eq!(again["key"], long.as_str());
    }
}

#[tokio::test]
async fn a_signal_carries_four_kibibytes_to_everyone_else() {
    let (server, token, post) = stage().await;
    let channel = format!("post:{post}");
    let mut sender = Socket::signed_in(server.address, Codec::Json, &token).await;
    sender.subscribe(&channel).await;
    let mut listeners = Vec::new();
    for codec in Codec::ALL {
        let mut listener = Socket::open(server.address, codec).await;
        listener.ask(json!({"type": "connect"})).await;
        listener.subscribe(&channel).await;
        listeners.push(listener);
    }
    // The object around the text takes eight bytes.
    let signal = |size: usize| json!({"type": "signal", "channel": channel, "data": {"d": "x".repeat(size - 8)}});
    assert_eq!(signal(4_096)["data"].to_string().len(), 4_096);
    judge(
        &mut sender,
        vec![
            good("4,096 bytes", signal(4_096)),
            bad("4,097 bytes", signal(4_097), &["too_large"]),
            good("nothing much", json!({"type": "signal", "channel": channel, "data": {}})),
        ],
    )
    .await;
    for listener in &mut listeners {
        let big = listener.until("a signal", |message| message["type"] == "signal").await;
        assert_eq!(big["data"], signal(4_096)["data"]);
        assert_eq!(big["from"]["name"], "Person", "{big}");
        let small = listener.until("a signal", |message| message["type"] == "signal").await;
        assert_eq!(small["data"], json!({}));
    }
    sender.assert_alive("signals").await;
    assert!(sender.aside.iter().all(|message: &Value| message["type"] != "signal"), "one's own signal comes not back");
}

#[tokio::test]
async fn a_socket_holds_128_subscriptions() {
    let (server, token, post) = stage().await;
    let rest = Rest::new(server.address).with(&token);
    let mut posts = vec![post];
    while posts.len() < 129 {
        posts.push(rest.post("one more").await);
    }
    let entries: Vec<Value> = posts.iter().map(|post| json!({"channel": format!("post:{post}")})).collect();
    for codec in Codec::ALL {
        let mut socket = Socket::open(server.address, codec).await;
        let connect = json!({"type": "connect", "token": token, "subscriptions": entries});
        let welcome = socket.ask(connect).await;
        let answers = welcome["subscriptions"].as_array().unwrap();
        assert_eq!(answers.len(), 129);
        let refused: Vec<&Value> = answers.iter().filter(|answer| !answer["error"].is_null()).collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!((code(refused[0]), &refused[0]["channel"]), (Some("unprocessable"), &entries[128]["channel"]));
        let subscribe = |post: u64| json!({"type": "subscribe", "channel": format!("post:{post}")});
        judge(
            &mut socket,
            vec![
                bad("the 129th", subscribe(posts[128]), &["unprocessable"]),
                good("one that is there already", subscribe(posts[5])),
                good("one less", json!({"type": "unsubscribe", "channel": format!("post:{}", posts[0])})),
                good("the 128th again", subscribe(posts[128])),
            ],
        )
        .await;
    }
}
