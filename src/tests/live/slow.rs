//! Sockets that read slowly or not at all, through pipes that hold next to nothing.

use super::support::{CODECS, Client, Instance, Room, eventually, within};
use belfry::protocol::Codec;
use belfry::ws::Entrance;
use serde_json::{Value, json};

/// Comes by the shortcut through a pipe that holds this many bytes, and reads until it follows the room.
async fn through_pipe(instance: &Instance, room: Room, bytes: usize, codec: Codec) -> Client {
    let mut client = Client::through_pipe(instance, Entrance::Live(room.post), bytes, codec).await;
    assert_eq!(client.next().await["type"], "welcome");
    assert_eq!(client.next().await["type"], "subscribed");
    client
}

/// Viewers who read, one in every shard: once they have an event, those who came before them were offered it.
async fn fast(instance: &Instance, room: Room) -> Vec<Client> {
    let shards = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut viewers = Vec::new();
    for _ in 0..shards {
        viewers.push(Client::viewer(instance, &room.name()).await);
    }
    viewers
}

#[tokio::test]
async fn frames_are_whole_and_in_order_through_a_pipe_of_any_width() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let mut clients = Vec::new();
    for width in [1, 2, 7, 64, 1_000, 70_000] {
        for codec in CODECS {
            clients.push(through_pipe(&instance, room, width, codec).await);
        }
    }
    for seq in 1..=40_usize {
        room.publish(&instance.state.store, json!("x".repeat(seq * 37 % 400))).await;
    }
    for client in &mut clients {
        for (event, seq) in client.events(1..=40).await.iter().zip(1..) {
            assert_eq!(event["data"].as_str().unwrap().len(), seq * 37 % 400);
        }
        assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
    }
}

#[tokio::test]
async fn a_reader_that_stops_delays_nobody_and_goes_on_where_it_stopped() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let mut stopped = through_pipe(&instance, room, 64, Codec::Json).await;
    let mut reading = fast(&instance, room).await;
    for seq in 1..=400 {
        room.publish(&instance.state.store, json!("x".repeat(500))).await;
        for viewer in &mut reading {
            viewer.events(seq..=seq).await;
        }
    }
    stopped.events(1..=400).await;
}

#[tokio::test]
async fn what_a_stopped_reader_is_owed_is_kept_once_for_all_and_within_the_bounds_of_the_tail() {
    let (_house, instance) = Instance::with(&["--tail-events", "16"]).await;
    let room = instance.room().await;
    let mut stopped = Vec::new();
    for _ in 0..20 {
        stopped.push(through_pipe(&instance, room, 64, Codec::Json).await);
    }
    let mut reading = fast(&instance, room).await;
    for seq in 1..=100 {
        room.publish(&instance.state.store, json!("x".repeat(1_000))).await;
        for viewer in &mut reading {
            viewer.events(seq..=seq).await;
        }
    }
    let held = instance.hub.tail_bytes();
    assert!(held < 16 * 3_000, "{held}");
    for client in &mut stopped {
        // The frame that was begun is whole; then it is told that the rest cannot be told.
        client.events(1..=1).await;
        let resync = client.next().await;
        let expected = json!({"type": "resync", "channel": room.name(), "epoch": instance.epoch(), "seq": 100});
        assert_eq!(resync, expected);
    }
    room.fill(&instance.state.store, 101..=103).await;
    for client in &mut stopped {
        client.events(101..=103).await;
    }
}

#[tokio::test]
async fn a_reader_that_stops_for_too_long_is_cut_and_nobody_else_is() {
    let (_house, instance) = Instance::with(&["--slow-timeout", "300ms"]).await;
    let room = instance.room().await;
    let mut stopped = through_pipe(&instance, room, 64, Codec::Json).await;
    let mut idle = through_pipe(&instance, room, 64, Codec::Json).await;
    let mut reading = fast(&instance, room).await;
    room.publish(&instance.state.store, json!("x".repeat(500))).await;
    for viewer in reading.iter_mut().chain([&mut idle]) {
        viewer.events(1..=1).await;
    }
    eventually("the stopped one to be cut", || instance.hub.sockets() == reading.len() + 1).await;
    assert_eq!(stopped.closed().await, 1006);
    room.fill(&instance.state.store, 2..=2).await;
    for viewer in reading.iter_mut().chain([&mut idle]) {
        viewer.events(2..=2).await;
    }
}

#[tokio::test]
async fn a_reader_that_asks_and_does_not_read_the_answers_is_closed() {
    let (_house, instance) = Instance::with(&["--max-outbox", "2000"]).await;
    let room = instance.room().await;
    let mut greedy = through_pipe(&instance, room, 4_096, Codec::Json).await;
    // Twice as much as the pipe and the outbox hold.
    greedy.send_all((1..=600).map(|id| json!({"type": "ping", "id": id}))).await;
    eventually("it to be gone", || instance.hub.sockets() == 0).await;
    assert!([4508, 1006].contains(&greedy.closed().await));
    let pongs = greedy.aside.len();
    assert!(pongs < 600, "{pongs}");
    let ids: Vec<_> = greedy.aside.iter().map(|pong| pong["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=pongs as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_begun_frame_is_finished_as_it_began_although_its_comment_is_deleted_and_then_the_deletion_comes() {
    let (_house, instance) = Instance::open().await;
    let (room, store) = (instance.room().await, &instance.state.store);
    for codec in CODECS {
        let mut stopped = through_pipe(&instance, room, 64, codec).await;
        let mut reading = fast(&instance, room).await;
        let begun = room.comment(store, &format!("begun {}", "x".repeat(300))).await;
        let unsent = room.comment(store, &format!("unsent {}", "y".repeat(300))).await;
        for viewer in &mut reading {
            viewer.events(begun.seq..=unsent.seq).await;
        }
        room.delete(store, begun.id).await;
        room.delete(store, unsent.id).await;
        let first = stopped.event("comment.created", begun.seq).await;
        assert_eq!(first["data"]["comment"]["body"], begun.body);
        let second = stopped.event("comment.created", unsent.seq).await;
        assert_eq!(
            (&second["data"]["comment"]["deleted"], &second["data"]["comment"]["body"]),
            (&json!(true), &json!(""))
        );
        for (comment, seq) in [(&begun, unsent.seq + 1), (&unsent, unsent.seq + 2)] {
            let deleted = stopped.event("comment.deleted", seq).await;
            assert_eq!(deleted["data"]["comment"]["id"], json!(comment.id));
        }
        assert!(!stopped.has_seen("yyy"));
    }
}

#[tokio::test]
async fn every_one_of_two_thousand_gets_each_event_once_although_they_come_while_others_are_told() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let mut members = Vec::new();
    for i in 0..2_000 {
        // Some pipes hold what is to come, some do not.
        let width = if i % 3 == 0 { 1_024 } else { 16_384 };
        members.push(Client::through_pipe(&instance, Entrance::Live(room.post), width, CODECS[i % 2]).await);
    }
    for member in &mut members {
        assert_eq!(member.next().await["type"], "welcome");
        assert_eq!(member.next().await["type"], "subscribed");
    }
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let store = instance.state.store.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    room.publish(&store, Value::Null).await;
                }
            })
        })
        .collect();
    for member in &mut members {
        member.events(1..=40).await;
    }
    for writer in writers {
        within("a writer", writer).await.unwrap();
    }
    room.publish(&instance.state.store, Value::Null).await;
    for member in &mut members {
        member.events(41..=41).await;
    }
}

#[tokio::test]
async fn nobody_gets_a_signal_twice_while_others_leave() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let token = instance.person("Bob").await;
    let mut sender = Client::signed_in(&instance, &token).await;
    sender.subscribe(&room.name()).await;
    let mut members = Vec::new();
    for _ in 0..900 {
        members.push(through_pipe(&instance, room, 16_384, Codec::Json).await);
    }
    for round in 0..6 {
        let signals = (0..5).map(|i| json!({"type": "signal", "channel": room.name(), "data": round * 5 + i}));
        sender.send_all(signals).await;
        // In the midst of it a part leaves.
        tokio::task::yield_now().await;
        members.drain(..100);
        tokio::task::yield_now().await;
    }
    assert_eq!(sender.ask(json!({"type": "ping"})).await["type"], "pong");
    room.fill(&instance.state.store, 1..=1).await;
    for member in &mut members {
        let mut last = -1;
        loop {
            let message = member.next().await;
            if message["type"] == "event" {
                break;
            }
            let number = message["data"].as_i64().unwrap();
            assert!(number > last, "{number} after {last}");
            last = number;
        }
    }
}

#[tokio::test]
async fn nobody_misses_an_event_because_others_leave_while_it_is_told() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let mut members = Vec::new();
    for _ in 0..900 {
        members.push(through_pipe(&instance, room, 16_384, Codec::Json).await);
    }
    for seq in 1..=6 {
        room.fill(&instance.state.store, seq..=seq).await;
        // In the midst of it a part leaves, so that others take their places in the list; nothing comes after it.
        for _ in 0..6 {
            tokio::task::yield_now().await;
            members.drain(..20);
        }
        for member in &mut members {
            member.events(seq..=seq).await;
        }
    }
}

#[tokio::test]
async fn however_many_wait_others_are_served_and_all_of_them_get_what_they_are_owed() {
    let (_house, instance) = Instance::open().await;
    let (crowded, quiet) = (instance.room().await, instance.room().await);
    let mut waiting = Vec::new();
    for index in 0..400 {
        waiting.push(through_pipe(&instance, crowded, 256, CODECS[index % 2]).await);
    }
    let mut reading = fast(&instance, quiet).await;
    for seq in 1..=3 {
        crowded.publish(&instance.state.store, json!("x".repeat(2_000))).await;
        quiet.publish(&instance.state.store, json!(seq)).await;
        for viewer in &mut reading {
            viewer.events(seq..=seq).await;
        }
    }
    for client in &mut waiting {
        client.events(1..=3).await;
        assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
    }
}
