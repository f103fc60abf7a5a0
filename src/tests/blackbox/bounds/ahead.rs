//! Bounds of commands that the server does not know yet. Each test is ignored until its command is there, and says so in
//! every run.

use super::{Case, bad, code, good, judge};
use crate::support::rest::Rest;
use crate::support::server::Server;
use crate::support::wire::{Codec, Socket};
use serde_json::json;

const SHAPE: &[&str] = &["bad_request"];
const NOBODY: &[&str] = &["unauthenticated"];
const HIGH: u64 = 9_000_000_000_000;

async fn stage() -> (Server, Vec<String>, u64) {
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off")]).await;
    let tokens = setup.tokens("Person", 2).await;
    let post = Rest::new(server.address).with(&tokens[0]).post("a post").await;
    (server, tokens, post)
}

/// Judges cases of one who is signed in, and one case of nobody, in both codecs.
async fn hold(cases: impl Fn() -> Vec<Case>, of_nobody: Case) {
    let (server, tokens, _) = stage().await;
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &tokens[0]).await;
        judge(&mut socket, cases()).await;
        let mut nobody = Socket::open(server.address, codec).await;
        nobody.ask(json!({"type": "connect"})).await;
        let Case { what, command, codes } = &of_nobody;
        judge(&mut nobody, vec![bad(what, command.clone(), codes)]).await;
    }
}

#[tokio::test]
#[ignore = "reactions are not built yet"]
async fn a_reaction_names_a_comment_an_emoji_and_a_side() {
    let react = json!({"type": "comment.react", "comment_id": HIGH, "emoji": "👍", "on": true});
    let nobody = bad("a reaction of nobody", react.clone(), NOBODY);
    let cases = || {
        vec![
            bad("without on", json!({"type": "comment.react", "comment_id": 1, "emoji": "👍"}), SHAPE),
            bad("without an emoji", json!({"type": "comment.react", "comment_id": 1, "on": true}), SHAPE),
            bad("on of 1", json!({"type": "comment.react", "comment_id": 1, "emoji": "👍", "on": 1}), SHAPE),
            bad("to nothing", react.clone(), &["not_found"]),
        ]
    };
    hold(cases, nobody).await;
}

#[tokio::test]
#[ignore = "notifications are not built yet"]
async fn notifications_are_read_by_ids_or_all() {
    let all = json!({"type": "notifications.read", "all": true});
    let nobody = bad("reading of nobody", all.clone(), NOBODY);
    let cases = || {
        vec![
            bad("nothing", json!({"type": "notifications.read"}), &["bad_request", "unprocessable"]),
            bad("ids that are none", json!({"type": "notifications.read", "ids": ["1"]}), SHAPE),
            good("what is not one's own", json!({"type": "notifications.read", "ids": [HIGH]})),
            good("all of nothing", all.clone()),
        ]
    };
    hold(cases, nobody).await;
}

#[tokio::test]
#[ignore = "notifications are not built yet"]
async fn a_comment_on_ones_post_is_told_on_ones_own_channel() {
    let (server, tokens, post) = stage().await;
    let own = format!("user:{}", Rest::new(server.address).with(&tokens[0]).own_id().await);
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &tokens[0]).await;
        socket.subscribe("me").await;
        let mut other = Socket::signed_in(server.address, codec, &tokens[1]).await;
        other.reply(json!({"type": "comment.create", "post_id": post, "body": "for you"})).await;
        let event = socket.event(&own).await;
        assert!(event["kind"].as_str().unwrap().starts_with("notification."), "{event}");
        assert!(event["data"]["unread"].is_u64(), "{event}");
    }
}

#[tokio::test]
#[ignore = "typing is not built yet"]
async fn typing_is_for_rooms_that_one_is_in() {
    let typing = json!({"type": "typing", "channel": "post:1"});
    let nobody = bad("typing of nobody", typing.clone(), NOBODY);
    let cases = || {
        vec![
            bad("nowhere", json!({"type": "typing"}), SHAPE),
            bad("elsewhere", typing.clone(), &["forbidden"]),
            bad("to oneself", json!({"type": "typing", "channel": "me"}), &["forbidden"]),
        ]
    };
    hold(cases, nobody).await;
}

#[tokio::test]
#[ignore = "reactions are not built yet"]
async fn a_comment_takes_twenty_different_emoji_and_nothing_but_emoji() {
    let (server, tokens, post) = stage().await;
    let mut socket = Socket::signed_in(server.address, Codec::Json, &tokens[0]).await;
    let create = json!({"type": "comment.create", "post_id": post, "body": "react to me"});
    let id = socket.reply(create).await["id"].clone();
    let react = |emoji: &str, on: bool| json!({"type": "comment.react", "comment_id": id, "emoji": emoji, "on": on});
    let faces: Vec<String> = (0x1F600..0x1F600 + 21).map(|face| char::from_u32(face).unwrap().to_string()).collect();
    for face in &faces[..20] {
        let answer = socket.reply(react(face, true)).await;
        assert_eq!(answer["reactions"][face], 1, "{answer}");
    }
    judge(
        &mut socket,
        vec![
            bad("the 21st", react(&faces[20], true), &["unprocessable"]),
            good("one of the twenty again", react(&faces[0], true)),
            good("one taken away", react(&faces[0], false)),
            good("another in its place", react(&faces[20], true)),
            bad("a letter", react("a", true), &["unprocessable"]),
            bad("a word", react("thumbs", true), &["unprocessable"]),
            bad("nothing", react("", true), &["unprocessable"]),
            bad("a face and more", react("😀x", true), &["unprocessable"]),
            bad("markup", react("<b>", true), &["unprocessable"]),
        ],
    )
    .await;
    for family in ["👍🏽", "❤️", "🏳️‍🌈", "👨‍👩‍👧", "🇩🇪", "1️⃣"] {
        let answer = socket.ask(react(family, true)).await;
        // The comment is full: what is refused as one too many was understood as an emoji.
        assert_eq!(code(&answer), Some("unprocessable"), "{family}");
        socket.reply(react(&faces[1], false)).await;
        let answer = socket.ask(react(family, true)).await;
        assert_eq!(answer["type"], "reply", "{family} is an emoji: {answer}");
        socket.reply(react(family, false)).await;
        socket.reply(react(&faces[1], true)).await;
    }
}
