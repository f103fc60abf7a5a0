//! Commands that lack something, or name what is not there.

use super::{Case, bad, code, good, judge};
use crate::support::rest::Rest;
use crate::support::server::Server;
use crate::support::wire::{Codec, Socket};
use serde_json::{Value, json};

const SHAPE: &[&str] = &["bad_request"];
const NAME: &[&str] = &["bad_request", "not_found", "unprocessable"];

/// A server without rates, two people, and a post of the first.
async fn stage() -> (Server, Vec<String>, Rest, u64) {
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off")]).await;
    let tokens = setup.tokens("Person", 2).await;
    let rest = Rest::new(server.address).with(&tokens[0]);
    let post = rest.post("a post").await;
    (server, tokens, rest, post)
}

fn malformed(post: u64) -> Vec<Case> {
    let channel = format!("post:{post}");
    let create = |field: &str, value: Value| {
        let mut command = json!({"type": "comment.create", "post_id": post, "body": "text"});
        command[field] = value;
        command
    };
    vec![
        bad("an unknown type", json!({"type": "nope"}), SHAPE),
        bad("no type", json!({"channel": channel}), SHAPE),
        bad("a type that is no text", json!({"type": 7}), SHAPE),
        bad("a type of null", json!({"type": null}), SHAPE),
        bad("subscribe without a channel", json!({"type": "subscribe"}), SHAPE),
        bad("subscribe to a number", json!({"type": "subscribe", "channel": post}), SHAPE),
        bad("a negative since", json!({"type": "subscribe", "channel": channel, "epoch": "e", "since": -1}), SHAPE),
        bad("a since of text", json!({"type": "subscribe", "channel": channel, "epoch": "e", "since": "1"}), SHAPE),
        bad("an epoch of a number", json!({"type": "subscribe", "channel": channel, "epoch": 1, "since": 1}), SHAPE),
        bad("presence of text", json!({"type": "subscribe", "channel": channel, "presence": "yes"}), SHAPE),
        bad("unsubscribe without a channel", json!({"type": "unsubscribe"}), SHAPE),
        bad("a comment without a body", json!({"type": "comment.create", "post_id": post}), SHAPE),
        bad("a comment without a post", json!({"type": "comment.create", "body": "text"}), SHAPE),
        bad("a body of a number", create("body", json!(7)), SHAPE),
        bad("a body of a list", create("body", json!(["text"])), SHAPE),
        bad("a post of text", create("post_id", json!("1")), SHAPE),
        bad("a negative post", create("post_id", json!(-1)), NAME),
        bad("a fraction of a post", create("post_id", json!(1.5)), SHAPE),
        bad("a parent of text", create("parent_id", json!("1")), SHAPE),
        bad("a key of a number", create("key", json!(1)), SHAPE),
        bad("an edit without a comment", json!({"type": "comment.edit", "body": "text"}), SHAPE),
        bad("an edit without a body", json!({"type": "comment.edit", "comment_id": 1}), SHAPE),
        bad("a deletion of nothing", json!({"type": "comment.delete"}), SHAPE),
        bad("a signal without data", json!({"type": "signal", "channel": channel}), SHAPE),
        bad("refresh without a token", json!({"type": "refresh"}), SHAPE),
        good("a field from the future", json!({"type": "ping", "colour": "blue"})),
        good("an absent parent as null", create("parent_id", Value::Null)),
    ]
}

fn missing(post: u64, other: u64) -> Vec<Case> {
    let subscribe = |channel: &str| json!({"type": "subscribe", "channel": channel});
    let high = 9_000_000_000_000_u64;
    let mut cases = vec![
        bad("a post that is not there", subscribe(&format!("post:{high}")), &["not_found"]),
        bad("another person", subscribe(&format!("user:{other}")), &["forbidden"]),
        bad("nobody", subscribe(&format!("user:{high}")), &["forbidden", "not_found"]),
        bad("the internal channel", subscribe("revocations"), &["bad_request", "not_found", "forbidden"]),
        bad("a comment on nothing", json!({"type": "comment.create", "post_id": high, "body": "x"}), &["not_found"]),
        bad(
            "an answer to nothing",
            json!({"type": "comment.create", "post_id": post, "parent_id": high, "body": "x"}),
            &["not_found", "unprocessable"],
        ),
        bad("an edit of nothing", json!({"type": "comment.edit", "comment_id": high, "body": "x"}), &["not_found"]),
        bad("a deletion of nothing", json!({"type": "comment.delete", "comment_id": high}), &["not_found"]),
        bad(
            "a signal elsewhere",
            json!({"type": "signal", "channel": format!("post:{post}"), "data": {}}),
            &["forbidden"],
        ),
        bad("typing elsewhere", json!({"type": "typing", "channel": format!("post:{post}")}), &["forbidden"]),
        bad("typing nowhere", json!({"type": "typing"}), SHAPE),
        good("leaving where one is not", json!({"type": "unsubscribe", "channel": format!("post:{post}")})),
    ];
    for name in
        ["", "post:", "post:0", "post:01", "post:-1", "post:1 ", "room:1", "POST:1", "post:99999999999999999999"]
    {
        cases.push(bad("a name that is none", subscribe(name), NAME));
    }
    cases
}

#[tokio::test]
async fn a_bad_command_is_an_error_on_its_id_and_closes_nothing() {
    let (server, tokens, _, post) = stage().await;
    let other = Rest::new(server.address).with(&tokens[1]).own_id().await;
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &tokens[0]).await;
        judge(&mut socket, malformed(post)).await;
        judge(&mut socket, missing(post, other)).await;
        socket.close().await;
    }
}

#[tokio::test]
async fn an_id_that_is_none_gets_an_error_and_closes_nothing() {
    let (server, tokens, _, _) = stage().await;
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &tokens[0]).await;
        for id in [json!(0), json!(-1), json!("1"), json!(1.5), json!([1]), json!(u64::MAX)] {
            socket.send(&json!({"type": "ping", "id": id})).await.unwrap();
            let error = socket.until("an error", |message| message["type"] == "error").await;
            assert_eq!(code(&error), Some("bad_request"), "{id}: {error}");
            socket.assert_alive("an id that is none").await;
        }
        // 2^53 - 1 is the highest that a browser tells from its neighbours.
        let id = (1_u64 << 53) - 1;
        socket.send(&json!({"type": "ping", "id": id})).await.unwrap();
        socket.until("pong", |message| message["type"] == "pong" && message["id"] == id).await;
        // Without an id there is no answer, and the next one's is not mistaken for it.
        socket.send(&json!({"type": "unsubscribe", "channel": "me"})).await.unwrap();
        socket.assert_alive("a command without an id").await;
        assert!(socket.aside.is_empty(), "{:?}", socket.aside);
    }
}

#[tokio::test]
async fn only_the_author_edits_and_what_is_deleted_stays_so() {
    let (server, tokens, _, post) = stage().await;
    for codec in Codec::ALL {
        let mut author = Socket::signed_in(server.address, codec, &tokens[0]).await;
        let mut other = Socket::signed_in(server.address, codec, &tokens[1]).await;
        let create = json!({"type": "comment.create", "post_id": post, "body": "mine"});
        let id = author.reply(create).await["id"].as_u64().unwrap();
        let edit = json!({"type": "comment.edit", "comment_id": id, "body": "ours"});
        let delete = json!({"type": "comment.delete", "comment_id": id});
        let foreign = vec![
            bad("a foreign edit", edit.clone(), &["forbidden"]),
            bad("a foreign deletion", delete.clone(), &["forbidden"]),
        ];
        judge(&mut other, foreign).await;
        judge(&mut author, vec![good("an edit", edit.clone()), good("a deletion", delete.clone())]).await;
        let after = author.reply(delete).await;
        assert_eq!(
            (&after["deleted"], &after["body"], &after["html"]),
            (&json!(true), &json!(""), &json!("")),
            "{after}"
        );
        assert!(after["author"].is_null(), "{after}");
        judge(&mut author, vec![bad("an edit of what is deleted", edit, &["conflict"])]).await;
    }
}

#[tokio::test]
async fn a_subscription_is_told_where_it_stands() {
    let (server, tokens, _, post) = stage().await;
    let channel = format!("post:{post}");
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &tokens[0]).await;
        let fresh = socket.subscribe(&channel).await;
        let (epoch, head) = (fresh["epoch"].clone(), fresh["seq"].as_u64().unwrap());
        assert_eq!((&fresh["recovered"], &fresh["events"], &fresh["head"]), (&json!(false), &json!([]), &json!(head)));
        let create = json!({"type": "comment.create", "post_id": post, "body": "hello", "key": format!("k{codec:?}")});
        let comment = socket.reply(create).await;
        let event = socket.event(&channel).await;
        assert_eq!((&event["seq"], &event["kind"]), (&json!(head + 1), &json!("comment.created")), "{event}");
        assert_eq!(event["data"]["comment"]["id"], comment["id"]);
        assert_eq!(event["data"]["comment"]["key"], comment["key"]);
        let again = socket.subscribe(&channel).await;
        assert_eq!(
            (&again["recovered"], &again["seq"], &again["events"]),
            (&json!(true), &json!(head + 1), &json!([]))
        );

        let mut late = Socket::open(server.address, codec).await;
        late.ask(json!({"type": "connect"})).await;
        let ask = |epoch: &Value, since: u64| json!({"type": "subscribe", "channel": channel, "epoch": epoch, "since": since});
        for (what, epoch, since) in [("above", &epoch, head + 2), ("far above", &epoch, head + 1_000_000)] {
            let answer = late.ask(ask(epoch, since)).await;
            assert_eq!((&answer["recovered"], &answer["seq"]), (&json!(false), &json!(head + 1)), "{what}: {answer}");
            late.ask(json!({"type": "unsubscribe", "channel": channel})).await;
        }
        let foreign = late.ask(ask(&json!("another"), head)).await;
        assert_eq!((&foreign["recovered"], &foreign["events"]), (&json!(false), &json!([])), "{foreign}");
        late.ask(json!({"type": "unsubscribe", "channel": channel})).await;
        let recovered = late.ask(ask(&epoch, head)).await;
        assert_eq!(recovered["recovered"], true, "{recovered}");
        let seqs: Vec<&Value> = recovered["events"].as_array().unwrap().iter().map(|event| &event["seq"]).collect();
        assert_eq!(seqs, [&json!(head + 1)], "{recovered}");
        late.ask(json!({"type": "unsubscribe", "channel": channel})).await;
        let nothing = late.ask(ask(&epoch, head + 1)).await;
        assert_eq!((&nothing["recovered"], &nothing["events"]), (&json!(true), &json!([])), "{nothing}");
    }
}

#[tokio::test]
async fn me_is_ones_own_channel_and_nobody_elses() {
    let (server, tokens, rest, _) = stage().await;
    let own = format!("user:{}", rest.own_id().await);
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &tokens[0]).await;
        let answer = socket.subscribe("me").await;
        assert_eq!(answer["channel"], own.as_str(), "{answer}");
        assert!(answer["unread"].is_u64(), "{answer}");
        judge(
            &mut socket,
            vec![
                bad("typing to oneself", json!({"type": "typing", "channel": "me"}), &["forbidden"]),
                bad("a signal to oneself", json!({"type": "signal", "channel": "me", "data": {}}), &["forbidden"]),
                good("leaving oneself", json!({"type": "unsubscribe", "channel": "me"})),
            ],
        )
        .await;
        let mut nobody = Socket::open(server.address, codec).await;
        nobody.ask(json!({"type": "connect"})).await;
        let subscribe = json!({"type": "subscribe", "channel": "me"});
        judge(&mut nobody, vec![bad("me without anyone", subscribe, &["unauthenticated", "forbidden"])]).await;
    }
}
