//! What waits for all slow sockets together, to the byte.

use super::support::{Client, Instance, eventually};
use belfry::protocol::Codec;
use belfry::ws::Entrance;
use serde_json::{Value, json};

/// Bytes that a pipe holds, and so many answers that the first socket does not read, and the second.
const PIPE: usize = 64;
const UNREAD: [usize; 2] = [40, 20];

fn ping(id: usize) -> Value {
    json!({"type": "ping", "id": id})
}

/// Bytes of the frame that answers a ping with an id of three digits.
async fn answer(instance: &Instance) -> usize {
    let mut client = Client::anonymous(instance, Codec::Json).await;
    client.seen.clear();
    client.send(ping(100)).await;
    assert_eq!(client.next().await["id"], 100);
    2 + client.seen.len()
}

/// What waits once so many answers are not read: all but those that the pipe took whole.
fn waiting(answers: usize, answer: usize) -> usize {
    (answers - PIPE / answer) * answer
}

/// Two sockets that do not read; the first lets more answers wait than the second.
async fn silent_two(instance: &Instance) -> [Client; 2] {
    let room = instance.room().await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = Client::through_pipe(instance, Entrance::Live(room.post), PIPE, Codec::Json).await;
        assert_eq!(client.next().await["type"], "welcome");
        assert_eq!(client.next().await["type"], "subscribed");
        clients.push(client);
    }
    for (client, unread) in clients.iter_mut().zip(UNREAD) {
        for id in 0..unread {
            client.send(ping(100 + id)).await;
        }
    }
    clients.try_into().ok().unwrap()
}

async fn has_all(client: &mut Client, unread: usize) {
    for id in 0..unread {
        assert_eq!(client.next().await["id"], 100 + id);
    }
}

#[tokio::test]
async fn what_waits_for_all_may_reach_its_bound_and_one_byte_less_closes_the_one_for_which_most_waits() {
    let (_house, instance) = Instance::open().await;
    let answer = answer(&instance).await;
    let [most, least] = UNREAD.map(|unread| waiting(unread, answer));
    for (bound, kept) in [(most + least, true), (most + least - 1, false)] {
        let bounds = ["--max-outbox", &most.to_string(), "--max-lag-bytes", &bound.to_string()];
        let (_house, instance) = Instance::with(&bounds).await;
        let [mut first, mut second] = silent_two(&instance).await;
        if kept {
            eventually("both to wait", || instance.hub.lag_bytes() == most + least).await;
            has_all(&mut first, UNREAD[0]).await;
        } else {
            eventually("the first to give up what waits", || {
                instance.hub.lag_bytes() < most && instance.hub.lag_bytes() >= least
            })
            .await;
            assert_eq!(first.closed().await, 4508);
            // What was begun has come to its end, and nothing after it.
            assert_eq!(first.aside.len(), PIPE / answer + 1);
        }
        has_all(&mut second, UNREAD[1]).await;
        assert_eq!(second.ask(json!({"type": "ping"})).await["type"], "pong");
        drop(first);
        eventually("nothing to wait any more", || instance.hub.lag_bytes() == 0).await;
    }
}

#[tokio::test]
async fn where_begun_frames_alone_are_too_much_sockets_are_cut_until_they_are_not() {
    let (_house, instance) = Instance::with(&["--max-outbox", "6000", "--max-lag-bytes", "6000"]).await;
    let room = instance.room().await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Client::through_pipe(&instance, Entrance::Live(room.post), PIPE, Codec::Json).await;
        assert_eq!(client.next().await["type"], "welcome");
        assert_eq!(client.next().await["type"], "subscribed");
        clients.push(client);
    }
    // Two of these frames are within the bound, three are not.
    room.publish(&instance.state.store, json!("x".repeat(2_500))).await;
    eventually("two to be gone", || instance.hub.sockets() == 2).await;
    let held = instance.hub.lag_bytes();
    assert!((5_000..=6_000).contains(&held), "{held}");
    let mut served = 0;
    for client in &mut clients {
        served += usize::from(matches!(client.came().await, super::support::Came::Message(_)));
    }
    assert_eq!(served, 2);
}
