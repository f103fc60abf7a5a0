//! How many and how often.

use super::{bad, code, good, judge};
use crate::support::rest::Rest;
use crate::support::server::Server;
use crate::support::wire::{Codec, Incoming, Socket, upgrade};
use crate::support::within;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

fn pings(ids: std::ops::Range<u64>) -> impl Iterator<Item = Value> {
    ids.map(|id| json!({"type": "ping", "id": id}))
}

#[tokio::test]
async fn a_socket_says_150_commands_at_once() {
    let (setup, server) = Server::fresh(&[]).await;
    let token = setup.token("Person").await;
    for codec in Codec::ALL {
        let mut socket = Socket::signed_in(server.address, codec, &token).await;
        let begun = Instant::now();
        socket.send_all(pings(1..251)).await.unwrap();
        let mut answers = Vec::new();
        while answers.len() < 250 {
            answers.push(socket.next().await);
        }
        // `connect` may count as the first; what comes back in the meantime, at 20 a second, is not held against it.
        let grown = begun.elapsed().as_secs() as usize * 20 + 20;
        let done = answers.iter().filter(|answer| answer["type"] == "pong").count();
        assert!((149..=150 + grown).contains(&done), "{done} of 250 were carried out");
        for answer in answers.iter().filter(|answer| answer["type"] != "pong") {
            assert_eq!(code(answer), Some("rate_limited"), "{answer}");
            assert!(answer["error"]["retry_after_ms"].as_u64().is_some_and(|wait| wait <= 60_000), "{answer}");
        }
        assert!(answers[..149].iter().all(|answer| answer["type"] == "pong"), "the first are carried out");
    }
}

#[tokio::test]
async fn each_channel_of_connect_counts() {
    let (setup, server) = Server::fresh(&[]).await;
    let token = setup.token("Person").await;
    let post = Rest::new(server.address).with(&token).post("a post").await;
    let mut socket = Socket::open(server.address, Codec::Json).await;
    let subscriptions: Vec<Value> = (0..100).map(|more| json!({"channel": format!("post:{}", post + more)})).collect();
    let begun = Instant::now();
    socket.send(&json!({"type": "connect", "id": 1, "token": token, "subscriptions": subscriptions})).await.unwrap();
    socket.send_all(pings(2..152)).await.unwrap();
    let mut done = 0;
    for _ in 0..151 {
        done += usize::from(socket.next().await["type"] == "pong");
    }
    let grown = begun.elapsed().as_secs() as usize * 20 + 20;
    assert!((49..=50 + grown).contains(&done), "{done} of 150 were carried out after 100 channels");
}

#[tokio::test]
async fn a_flood_is_closed() {
    let (setup, server) = Server::fresh(&[]).await;
    let token = setup.token("Person").await;
    let mut socket = Socket::signed_in(server.address, Codec::Json, &token).await;
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    // 600 a second, three times what closes; 25 seconds are the end of patience and 15,000 commands.
    let closed = within(Duration::from_secs(25), "the flood to be closed", async {
        let mut next = 1;
        loop {
            tokio::select! {
                incoming = socket.receive() => {
                    if let Incoming::Closed(code) = incoming {
                        return code;
                    }
                }
                _ = tick.tick() => {
                    if socket.send_all(pings(next..next + 30)).await.is_err() {
                        return socket.closed().await;
                    }
                    next += 30;
                }
            }
        }
    });
    assert_eq!(closed.await, Some(4529));
}

#[tokio::test]
async fn rates_that_are_off_hold_nobody_up() {
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off")]).await;
    let token = setup.token("Person").await;
    let post = Rest::new(server.address).with(&token).post("a post").await;
    let mut socket = Socket::signed_in(server.address, Codec::MessagePack, &token).await;
    socket.send_all(pings(1..3_001)).await.unwrap();
    for _ in 0..3_000 {
        assert_eq!(socket.next().await["type"], "pong");
    }
    let create = |id: u64| json!({"type": "comment.create", "id": id, "post_id": post, "body": format!("{id}")});
    socket.send_all((1..101).map(create)).await.unwrap();
    for _ in 0..100 {
        assert_eq!(socket.next().await["type"], "reply");
    }
}

#[tokio::test]
async fn a_person_comments_ten_times_a_minute() {
    let (setup, server) = Server::fresh(&[]).await;
    let tokens = setup.tokens("Person", 2).await;
    let post = Rest::new(server.address).with(&tokens[0]).post("a post").await;
    let create = |text: u64| json!({"type": "comment.create", "post_id": post, "body": format!("{text}")});
    let mut socket = Socket::signed_in(server.address, Codec::Json, &tokens[0]).await;
    judge(&mut socket, (0..10).map(|text| good("one of ten", create(text)))).await;
    let eleventh = socket.ask(create(11)).await;
    assert_eq!(code(&eleventh), Some("rate_limited"), "{eleventh}");
    assert!(eleventh["error"]["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0 && wait <= 60_000), "{eleventh}");
    // The other socket of the same person is no way around it; another person is held up by nothing.
    let mut second = Socket::signed_in(server.address, Codec::MessagePack, &tokens[0]).await;
    judge(&mut second, vec![bad("the same person", create(12), &["rate_limited"])]).await;
    let mut other = Socket::signed_in(server.address, Codec::Json, &tokens[1]).await;
    judge(&mut other, vec![good("another person", create(13))]).await;
}

#[tokio::test]
async fn the_21st_socket_of_a_person_displaces_the_one_silent_for_longest() {
    let (setup, server) = Server::fresh(&[]).await;
    let tokens = setup.tokens("Person", 2).await;
    let mut sockets = Vec::new();
    for index in 0..20 {
        sockets.push(Socket::signed_in(server.address, Codec::ALL[index % 2], &tokens[0]).await);
    }
    let mut other = Socket::signed_in(server.address, Codec::Json, &tokens[1]).await;
    // The first one is the oldest, but not the most silent any more.
    for index in [0, 2, 3] {
        sockets[index].assert_alive("twenty sockets").await;
    }
    let mut newest = Socket::signed_in(server.address, Codec::Json, &tokens[0]).await;
    let mut displaced = sockets.remove(1);
    assert_eq!(displaced.closed().await, Some(4409));
    for socket in sockets.iter_mut().chain([&mut newest, &mut other]) {
        socket.assert_alive("the 21st").await;
    }
}

#[tokio::test]
async fn an_address_has_so_many_sockets() {
    let (_setup, server) = Server::fresh(&[("BELFRY_MAX_SOCKETS_PER_ADDRESS", "5")]).await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(upgrade(server.address, "/ws", &[]).await.unwrap().0);
    }
    assert_eq!(upgrade(server.address, "/ws", &[]).await.err(), Some(429));
    let mut last = Socket::over(sockets.pop().unwrap(), Codec::Json);
    last.close().await;
    drop(last);
    within(crate::support::PATIENCE, "the place to be free again", async {
        while upgrade(server.address, "/ws", &[]).await.is_err() {}
    })
    .await;
}

#[tokio::test]
async fn typing_takes_from_what_signals_may() {
    let (setup, server) = Server::fresh(&[("BELFRY_SIGNALS_PER_SOCKET", "1")]).await;
    let token = setup.token("Person").await;
    let post = Rest::new(server.address).with(&token).post("a post").await;
    let channel = format!("post:{post}");
    let mut listener = Socket::open(server.address, Codec::MessagePack).await;
    listener.ask(json!({"type": "connect"})).await;
    listener.subscribe(&channel).await;
    let mut sender = Socket::signed_in(server.address, Codec::Json, &token).await;
    sender.subscribe(&channel).await;
    let signal = json!({"type": "signal", "id": 1, "channel": channel, "data": {}});
    let typing = json!({"type": "typing", "id": 2, "channel": channel});
    sender.send_all([typing, signal]).await.unwrap();
    for _ in 0..2 {
        let answer = sender.until("an answer", |message| message["id"].is_u64()).await;
        assert_eq!(answer["type"], "reply", "{answer}");
    }
    listener.until("typing", |message| message["type"] == "typing").await;
    sender.reply(json!({"type": "comment.create", "post_id": post, "body": "the end"})).await;
    listener.event(&channel).await;
    assert!(listener.aside.iter().all(|message| message["type"] != "signal"), "{:?}", listener.aside);
}

#[tokio::test]
async fn signals_above_five_a_second_are_dropped_and_not_refused() {
    let (setup, server) = Server::fresh(&[]).await;
    let token = setup.token("Person").await;
    let post = Rest::new(server.address).with(&token).post("a post").await;
    let channel = format!("post:{post}");
    let mut listener = Socket::open(server.address, Codec::MessagePack).await;
    listener.ask(json!({"type": "connect"})).await;
    listener.subscribe(&channel).await;
    let mut sender = Socket::signed_in(server.address, Codec::Json, &token).await;
    sender.subscribe(&channel).await;
    let signal = |id: u64| json!({"type": "signal", "id": id, "channel": channel, "data": {"n": id}});
    let begun = Instant::now();
    sender.send_all((1..51).map(signal)).await.unwrap();
    for _ in 0..50 {
        let answer = sender.next().await;
        assert_eq!(answer["type"], "reply", "{answer}");
    }
    // A comment behind them marks the end of what the listener can still get.
    sender.reply(json!({"type": "comment.create", "post_id": post, "body": "the end"})).await;
    listener.event(&channel).await;
    let heard = listener.aside.iter().filter(|message| message["type"] == "signal").count();
    let grown = (begun.elapsed().as_secs() as usize + 1) * 5;
    assert!((1..=5 + grown).contains(&heard), "{heard} of 50 signals came through");
}
