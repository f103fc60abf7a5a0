//! Streams that are not plain TCP: what they hold back is sent as soon as they can.

use super::support::{CODECS, Client, Instance, eventually};
use belfry::protocol::Codec;
use belfry::ws::Entrance;
use serde_json::json;

#[tokio::test]
async fn what_a_transport_holds_back_is_sent_without_waiting_for_anything_else() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    for (codec, width) in CODECS.into_iter().zip([64, 1]) {
        let mut client = Client::through_buffer(&instance, Entrance::Live(room.post), width, codec).await;
        assert_eq!(client.next().await["type"], "welcome");
        assert_eq!(client.next().await["type"], "subscribed");
        // Longer than the pipe, shorter than the buffer; then one longer than both.
        for length in [300, 20_000, 10] {
            let seq = room.publish(&instance.state.store, json!("x".repeat(length))).await;
            let events = client.events(seq..=seq).await;
            assert_eq!(events[0]["data"].as_str().unwrap().len(), length);
        }
        assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
    }
}

#[tokio::test]
async fn a_close_that_a_transport_holds_back_arrives() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let mut client = Client::through_buffer(&instance, Entrance::Live(room.post), 8, Codec::Json).await;
    room.end(&instance.state.store).await;
    assert_eq!(client.closed().await, 4404);
    let kinds: Vec<_> = client.aside.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["welcome", "subscribed", "event", "unsubscribed"]);
}

#[tokio::test]
async fn one_whose_transport_takes_nothing_more_is_cut() {
    let (_house, instance) = Instance::with(&["--slow-timeout", "300ms"]).await;
    let room = instance.room().await;
    let client = Client::through_buffer(&instance, Entrance::Live(room.post), 8, Codec::Json).await;
    assert_eq!(instance.hub.sockets(), 1);
    eventually("it to be cut", || instance.hub.sockets() == 0).await;
    drop(client);
}
