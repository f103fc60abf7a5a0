//! Coming back: recovery to the letter, one key raced from everywhere, and a page that neither misses nor invents.

use crate::support::PATIENCE;
use crate::support::rest::Rest;
use crate::support::server::{Server, Setup};
use crate::support::wire::{Codec, Socket};
use crate::support::within;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::task::JoinSet;

const CALM: &[(&str, &str)] = &[("BELFRY_RATE_LIMITS", "off")];

async fn stage() -> (Setup, Server, String, u64) {
    let (setup, server) = Server::fresh(CALM).await;
    let token = setup.token("Person").await;
    let post = Rest::new(server.address).with(&token).post("a room").await;
    (setup, server, token, post)
}

/// Sends so many comments at once and waits for the answers; each `(id, seq)` in the order sent.
async fn comment(socket: &mut Socket, post: u64, count: u64, body: &str) -> Vec<(u64, u64)> {
    let create = |id: u64| json!({"type": "comment.create", "id": id, "post_id": post, "body": format!("{body}{id}")});
    socket.send_all((1..=count).map(create)).await.unwrap();
    let mut answers = BTreeMap::new();
    while answers.len() < count as usize {
        let reply = socket.until("a reply", |message| message["type"] != "event").await;
        assert_eq!(reply["type"], "reply", "{reply}");
        let of = |field: &str| reply["data"][field].as_u64().unwrap();
        answers.insert(reply["id"].as_u64().unwrap(), (of("id"), of("seq")));
    }
    answers.into_values().collect()
}

async fn anonymous(server: &Server, codec: Codec) -> Socket {
    let mut socket = Socket::open(server.address, codec).await;
    socket.ask(json!({"type": "connect"})).await;
    socket
}

#[tokio::test]
async fn commands_of_one_socket_take_effect_in_the_order_sent() {
    let (_setup, server, token, post) = stage().await;
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &token).await;
        let answers = comment(&mut socket, post, 200, "in order ").await;
        assert!(answers.is_sorted_by_key(|(_, seq)| *seq), "{answers:?}");
        // An edit and a deletion right behind what they change, without waiting for an answer.
        let id = answers[0].0;
        let edit = |id_: u64, body: &str| json!({"type": "comment.edit", "id": id_, "comment_id": id, "body": body});
        let delete = json!({"type": "comment.delete", "id": 903, "comment_id": id});
        socket.send_all([edit(901, "one"), edit(902, "two"), delete, edit(904, "late")]).await.unwrap();
        let late = socket.until("the last answer", |message| message["id"] == 904).await;
        assert_eq!(late["error"]["code"], "conflict", "{late}");
        let rest = Rest::new(server.address).get(&format!("/comments/{id}")).await;
        assert_eq!(rest["deleted"], true, "{rest}");
    }
}

#[tokio::test]
async fn recovery_is_all_after_since_in_order_and_small_frames() {
    let (_setup, server, token, post) = stage().await;
    let channel = format!("post:{post}");
    let mut writer = Socket::signed_in(server.address, Codec::Json, &token).await;
    let before = anonymous(&server, Codec::Json).await.subscribe(&channel).await;
    let (epoch, since) = (before["epoch"].as_str().unwrap().to_owned(), before["seq"].as_u64().unwrap());
    // About a kilobyte each on the wire: several frames' worth.
    comment(&mut writer, post, 300, &"long ".repeat(60)).await;
    let head = since + 300;
    for codec in Codec::ALL {
        for begun in [since, head - 1, head] {
            let ask = json!({"channel": channel, "epoch": epoch, "since": begun});
            let mut socket = Socket::open(server.address, codec).await;
            let welcome = socket.ask(json!({"type": "connect", "subscriptions": [ask]})).await;
            let body = &welcome["subscriptions"][0];
            assert_eq!((&body["recovered"], &body["head"]), (&json!(true), &json!(head)), "{begun}");
            let size = welcome.to_string().len();
            assert!(size < 100_000, "a frame of {size} bytes");
            let mut seqs: Vec<u64> =
                body["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect();
            assert_eq!(body["seq"].as_u64().unwrap(), seqs.last().copied().unwrap_or(begun), "the last one included");
            while seqs.last().copied().unwrap_or(begun) < head {
                seqs.push(socket.event(&channel).await["seq"].as_u64().unwrap());
            }
            assert!(seqs.iter().copied().eq(begun + 1..=head), "after {begun}: {seqs:?}");
        }
    }
}

#[tokio::test]
async fn recovery_ends_with_the_tail_and_says_so() {
    let (setup, mut server, token, post) = stage().await;
    let channel = format!("post:{post}");
    let before = anonymous(&server, Codec::Json).await.subscribe(&channel).await;
    let (epoch, start) = (before["epoch"].as_str().unwrap().to_owned(), before["seq"].as_u64().unwrap());
    let mut writer = Socket::signed_in(server.address, Codec::MessagePack, &token).await;
    for _ in 0..11 {
        comment(&mut writer, post, 100, "x").await;
    }
    let head = start + 1_100;
    // Once from what was seen live, once from the store: after a start nothing is in memory.
    for _ in 0..2 {
        for (since, whole) in [(head - 1_024, true), (start, false), (head - 1_100, false)] {
            let mut socket = anonymous(&server, Codec::Json).await;
            let ask = json!({"type": "subscribe", "channel": channel, "epoch": epoch, "since": since});
            let answer = socket.ask(ask).await;
            assert_eq!(answer["recovered"], whole, "{} back: {}", head - since, answer["seq"]);
            if whole {
                let mut at = answer["seq"].as_u64().unwrap();
                assert_eq!(answer["events"].as_array().unwrap().len() as u64, at - since);
                while at < head {
                    at += 1;
                    assert_eq!(socket.event(&channel).await["seq"], at);
                }
            } else {
                assert_eq!((&answer["events"], &answer["seq"]), (&json!([]), &json!(head)), "never a part of a hole");
            }
        }
        server.kill().await;
        server = setup.start().await;
    }
}

#[tokio::test]
async fn one_key_raced_from_everywhere_is_one_comment() {
    let (_setup, server, token, post) = stage().await;
    let rest = Rest::new(server.address).with(&token);
    for round in 0..20 {
        let body = json!({"body": "once", "key": format!("race-{round}")});
        let mut racers = JoinSet::new();
        for index in 0..8 {
            let (rest, body, token, address) = (rest.clone(), body.clone(), token.clone(), server.address);
            racers.spawn(async move {
                let comment = if index % 2 == 0 {
                    rest.good(Method::POST, &format!("/posts/{post}/comments"), Some(body)).await
                } else {
                    let mut command = body;
                    command["type"] = "comment.create".into();
                    command["post_id"] = post.into();
                    Socket::signed_in(address, Codec::ALL[index / 2 % 2], &token).await.reply(command).await
                };
                (comment["id"].as_u64().unwrap(), comment["seq"].as_u64().unwrap())
            });
        }
        let answers = within(PATIENCE, "eight answers", racers.join_all()).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
    let (_, _, comments) = rest.comments(post).await;
    assert_eq!(comments.len(), 20);
}

#[tokio::test]
async fn a_page_and_what_follows_it_are_the_whole() {
    let (_setup, server, token, post) = stage().await;
    let (rest, channel) = (Rest::new(server.address), format!("post:{post}"));
    let address = server.address;
    let writers: Vec<_> = (0..3)
        .map(|index| {
            let token = token.clone();
            tokio::spawn(async move {
                let mut socket = Socket::signed_in(address, Codec::ALL[index % 2], &token).await;
                for turn in 0..30 {
                    let made = comment(&mut socket, post, 5, &format!("{turn} ")).await;
                    socket.reply(json!({"type": "comment.delete", "comment_id": made[0].0})).await;
                    let edit =
                        json!({"type": "comment.edit", "comment_id": made[1].0, "body": format!("edited {turn}")});
                    socket.reply(edit).await;
                }
            })
        })
        .collect();
    // While they write, page after page is read, and followed to the end of the writing.
    let mut readers = Vec::new();
    for index in 0..6 {
        let (rest, channel) = (rest.clone(), channel.clone());
        let (epoch, seq, rows) = rest.comments(post).await;
        let mut socket = Socket::open(address, Codec::ALL[index % 2]).await;
        socket.ask(json!({"type": "connect"})).await;
        let ask = json!({"type": "subscribe", "channel": channel, "epoch": epoch, "since": seq});
        let answer = socket.ask(ask).await;
        let rows: BTreeMap<u64, Value> = rows.into_iter().map(|row| (row["id"].as_u64().unwrap(), row)).collect();
        readers.push((socket, answer, rows));
    }
    for writer in writers {
        within(PATIENCE * 2, "the writers", writer).await.unwrap();
    }
    let (_, head, truth) = rest.comments(post).await;
    for (mut socket, answer, mut rows) in readers {
        assert_eq!(answer["recovered"], true, "{}", answer["seq"]);
        let mut at = answer["seq"].as_u64().unwrap();
        let mut apply = |event: &Value| {
            let comment = &event["data"]["comment"];
            rows.insert(comment["id"].as_u64().unwrap(), comment.clone());
        };
        answer["events"].as_array().unwrap().iter().for_each(&mut apply);
        while at < head {
            let event = socket.event(&channel).await;
            at += 1;
            assert_eq!(event["seq"], at);
            apply(&event);
        }
        let told: Vec<Value> = rows.into_values().collect();
        assert_eq!(told.len(), truth.len());
        for (told, row) in told.iter().zip(&truth) {
            for field in
                ["id", "seq", "body", "html", "deleted", "author", "key", "edited_at", "updated_seq", "reply_count"]
            {
                assert_eq!(told[field], row[field], "{field} of {row}");
            }
        }
    }
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_loses_nothing() {
    // The schema takes some of the pages; how many are left is the store's to know.
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off"), ("BELFRY_SQLITE_MAX_PAGES", "220")]).await;
    let token = setup.token("Person").await;
    let rest = Rest::new(server.address).with(&token);
    let post = rest.post("a room").await;
    let channel = format!("post:{post}");
    let mut watcher = anonymous(&server, Codec::MessagePack).await;
    watcher.subscribe(&channel).await;
    let mut socket = Socket::signed_in(server.address, Codec::Json, &token).await;
    let mut kept = Vec::new();
    let refused = loop {
        let create = json!({"type": "comment.create", "post_id": post, "body": "y".repeat(3_000)});
        let answer = socket.ask(create).await;
        if answer["type"] != "reply" {
            break answer;
        }
        kept.push(answer["data"]["id"].clone());
        assert!(kept.len() < 1_000, "220 pages hold no thousand comments");
    };
    assert_eq!(refused["error"]["code"], "unavailable", "{refused}");
    socket.assert_alive("a full disk").await;
    let (_, head, comments) = rest.comments(post).await;
    assert_eq!(comments.iter().map(|comment| comment["id"].clone()).collect::<Vec<_>>(), kept, "what was acknowledged");
    for seq in 1..=head {
        assert_eq!(watcher.event(&channel).await["seq"], seq, "nothing that was not committed is told");
    }
    watcher.assert_alive("a full disk").await;
    assert!(watcher.aside.is_empty(), "{:?}", watcher.aside);
    drop(server);
    // With room again it writes again, and the log goes on without a hole.
    let mut roomy = setup;
    roomy.set("BELFRY_SQLITE_MAX_PAGES", "0");
    let server = roomy.start().await;
    let mut socket = Socket::signed_in(server.address, Codec::Json, &token).await;
    let comment = socket.reply(json!({"type": "comment.create", "post_id": post, "body": "room again"})).await;
    assert_eq!(comment["seq"], head + 1);
}
