//! A socket that comes back gets exactly what it missed, or is told to refetch.

use super::support::{CODECS, Client, House, Instance, eventually};
use belfry::protocol::Codec;
use belfry::ws::Entrance;
use serde_json::{Value, json};

fn seqs(events: &Value) -> Vec<i64> {
    events.as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn what_was_missed_is_in_the_answer_and_what_comes_next_follows_it() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    room.fill(&instance.state.store, 1..=9).await;
    for codec in CODECS {
        let mut client = Client::anonymous(&instance, codec).await;
        let subscribed = client.resume(&room.name(), &instance.epoch(), 4).await;
        assert_eq!(seqs(&subscribed["events"]), [5, 6, 7, 8, 9], "{subscribed}");
        assert_eq!((&subscribed["seq"], &subscribed["head"]), (&json!(9), &json!(9)));
        assert_eq!((&subscribed["recovered"], &subscribed["epoch"]), (&json!(true), &json!(instance.epoch())));
        let event = &subscribed["events"][0];
        assert_eq!((&event["type"], &event["channel"], &event["data"]), (&json!("event"), &json!(room.name()), &json!(5)));
        let mut none_missed = Client::anonymous(&instance, codec).await;
        let subscribed = none_missed.resume(&room.name(), &instance.epoch(), 9).await;
        assert_eq!((&subscribed["recovered"], &subscribed["events"]), (&json!(true), &json!([])));
    }
    let mut live = Client::anonymous(&instance, Codec::Json).await;
    live.resume(&room.name(), &instance.epoch(), 4).await;
    room.fill(&instance.state.store, 10..=12).await;
    live.events(10..=12).await;
}

#[tokio::test]
async fn what_does_not_fit_into_the_answer_follows_as_events() {
    let (_house, instance) = Instance::open().await;
    let room = instance.room().await;
    let text = "x".repeat(10_000);
    for seq in 1..=20 {
        assert_eq!(room.publish(&instance.state.store, json!(text)).await, seq);
    }
    for codec in CODECS {
        let mut client = Client::anonymous(&instance, codec).await;
        let subscribed = client.resume(&room.name(), &instance.epoch(), 1).await;
        assert_eq!(seqs(&subscribed["events"]), [2, 3, 4, 5, 6, 7], "{}", subscribed["seq"]);
        assert_eq!((&subscribed["seq"], &subscribed["head"]), (&json!(7), &json!(20)));
        assert_eq!(subscribed["recovered"], true);
        client.events(8..=20).await;
    }
}

#[tokio::test]
async fn all_channels_of_a_welcome_share_its_room_and_each_goes_on_where_it_was_cut() {
    let (_house, instance) = Instance::open().await;
    let rooms = [instance.room().await, instance.room().await];
    for room in rooms {
        for _ in 0..5 {
            room.publish(&instance.state.store, json!("x".repeat(10_000))).await;
        }
    }
    let mut client = Client::at(&instance, "/ws", Codec::Json).await;
    let asked = rooms.map(|room| json!({"channel": room.name(), "epoch": instance.epoch(), "since": 0}));
    let welcome = client.ask(json!({"type": "connect", "subscriptions": asked})).await;
    let (first, second) = (&welcome["subscriptions"][0], &welcome["subscriptions"][1]);
    assert_eq!((seqs(&first["events"]), &first["seq"]), (vec![1, 2, 3, 4, 5], &json!(5)));
    assert_eq!((seqs(&second["events"]), &second["seq"], &second["head"]), (vec![1], &json!(1), &json!(5)));
    assert_eq!(second["recovered"], true);
    for event in client.events(2..=5).await {
        assert_eq!(event["channel"], rooms[1].name());
    }
}

#[tokio::test]
async fn what_cannot_be_recovered_is_said_so() {
    let (_house, instance) = Instance::with(&["--tail-events", "8"]).await;
    let room = instance.room().await;
    let _keeps_it_hot = Client::viewer(&instance, &room.name()).await;
    room.fill(&instance.state.store, 1..=20).await;
    let epoch = instance.epoch();
    for (epoch, since, recovered) in
        [(&*epoch, 12, true), (&*epoch, 11, false), (&*epoch, 21, false), (&*epoch, 1 << 60, false), ("other", 19, false)]
    {
        let mut client = Client::anonymous(&instance, Codec::Json).await;
        let subscribed = client.resume(&room.name(), epoch, since).await;
        assert_eq!(subscribed["recovered"], recovered, "since {since}: {subscribed}");
        assert_eq!((&subscribed["seq"], &subscribed["head"]), (&json!(20), &json!(20)), "since {since}");
        assert_eq!(seqs(&subscribed["events"]).len(), if recovered { 8 } else { 0 }, "since {since}");
        assert_eq!(subscribed["epoch"], instance.epoch());
    }
    let mut client = Client::anonymous(&instance, Codec::Json).await;
    client.resume(&room.name(), &epoch, 21).await;
    room.fill(&instance.state.store, 21..=22).await;
    client.events(21..=22).await;
}

#[tokio::test]
async fn a_tail_is_read_once_however_many_come_back_at_once() {
    let (house, writer) = Instance::open().await;
    let room = writer.room().await;
    room.fill(&writer.state.store, 1..=30).await;
    // An instance that has never seen the room.
    let instance = house.alone().await;
    house.store.events.hold(room.channel());
    house.store.events.forget();
    let mut returning = Vec::new();
    for _ in 0..200 {
        let mut client = Client::through_pipe(&instance, Entrance::Multiplexed, 4_096, Codec::Json).await;
        client.send(json!({"type": "connect"})).await;
        let (channel, epoch) = (room.name(), instance.epoch());
        client.send(json!({"type": "subscribe", "id": 1, "channel": channel, "epoch": epoch, "since": 10})).await;
        returning.push(client);
    }
    house.store.events.held().await;
    eventually("all to be in", || instance.hub.sockets() == 200).await;
    house.store.events.release();
    for client in &mut returning {
        let subscribed = client.until("the answer", |message| message["id"] == 1).await;
        assert_eq!(seqs(&subscribed["events"]), (11..=30).collect::<Vec<_>>());
    }
    assert_eq!(house.store.events.calls_for(room.channel()), 1);
}

#[tokio::test]
async fn an_instance_that_is_behind_is_asked_for_what_is_ahead_of_it_once_however_many_come() {
    let (house, instance) = Instance::open().await;
    let room = instance.room().await;
    let _keeps_it_hot = Client::viewer(&instance, &room.name()).await;
    // No sweep ends while its first query waits.
    house.store.control.hold(belfry::model::Channel::Revocations);
    house.store.control.held().await;
    room.fill(&house.unheard(), 1..=5).await;
    house.store.events.forget();
    house.store.events.hold(room.channel());
    let mut returning = Vec::new();
    for _ in 0..50 {
        let mut client = Client::anonymous(&instance, Codec::Json).await;
        let (channel, epoch) = (room.name(), instance.epoch());
        client.send(json!({"type": "subscribe", "id": 1, "channel": channel, "epoch": epoch, "since": 3})).await;
        returning.push(client);
    }
    house.store.events.held().await;
    house.store.events.release();
    for client in &mut returning {
        let subscribed = client.until("the answer", |message| message["id"] == 1).await;
        assert_eq!((seqs(&subscribed["events"]), &subscribed["recovered"]), (vec![4, 5], &json!(true)));
    }
    house.store.control.release();
    assert!(house.store.events.calls_for(room.channel()) <= 2, "{}", house.store.events.calls_for(room.channel()));
}

#[tokio::test]
async fn channels_that_are_asked_for_at_once_are_placed_by_one_query() {
    let (house, instance) = Instance::open().await;
    let first = instance.room().await;
    let mut rooms = Vec::new();
    for _ in 0..40 {
        rooms.push(instance.room().await);
    }
    house.store.heads.hold(first.channel());
    let mut early = Client::anonymous(&instance, Codec::Json).await;
    early.send(json!({"type": "subscribe", "id": 1, "channel": first.name()})).await;
    house.store.heads.held().await;
    house.store.heads.forget();
    let mut clients = Vec::new();
    for room in &rooms {
        let mut client = Client::anonymous(&instance, Codec::Json).await;
        client.send(json!({"type": "subscribe", "id": 1, "channel": room.name()})).await;
        clients.push(client);
    }
    eventually("all to be asked for", || instance.hub.channels() == 42).await;
    house.store.heads.release();
    for client in &mut clients {
        let subscribed = client.until("the answer", |message| message["id"] == 1).await;
        assert_eq!((&subscribed["type"], &subscribed["seq"]), (&json!("subscribed"), &json!(0)));
    }
    // A sweep asks for the internal channel too.
    let mut placing = house.store.heads.calls();
    placing.retain(|asked| !asked.contains(&belfry::model::Channel::Revocations));
    assert_eq!(placing.iter().map(Vec::len).collect::<Vec<_>>(), [40]);
}

#[tokio::test]
async fn a_restart_keeps_seq_and_epoch_and_the_next_instance_recovers_from_the_store() {
    let (house, instance) = Instance::open().await;
    let room = instance.room().await;
    room.fill(&instance.state.store, 1..=5).await;
    let epoch = instance.epoch();
    instance.stop().await;
    let house: House = house.reopened().await;
    let instance = house.alone().await;
    assert_eq!(instance.epoch(), epoch);
    let mut client = Client::anonymous(&instance, Codec::MsgPack).await;
    let subscribed = client.resume(&room.name(), &epoch, 2).await;
    assert_eq!((seqs(&subscribed["events"]), &subscribed["recovered"]), (vec![3, 4, 5], &json!(true)));
    room.fill(&instance.state.store, 6..=6).await;
    client.events(6..=6).await;
}

#[tokio::test]
async fn a_store_that_cannot_be_read_leaves_a_channel_unplaced_and_a_tail_unread_for_the_next_who_asks() {
    let (house, writer) = Instance::open().await;
    let room = writer.room().await;
    room.fill(&writer.state.store, 1..=5).await;
    let instance = house.alone().await;
    let mut client = Client::anonymous(&instance, Codec::Json).await;
    house.store.heads.fail(true);
    assert_eq!(client.subscribe(&room.name()).await["error"]["code"], "unavailable");
    house.store.heads.fail(false);
    house.store.events.fail(true);
    let subscribed = client.resume(&room.name(), &instance.epoch(), 2).await;
    assert_eq!((&subscribed["recovered"], &subscribed["seq"]), (&json!(false), &json!(5)));
    house.store.events.fail(false);
    let mut next = Client::anonymous(&instance, Codec::Json).await;
    assert_eq!(seqs(&next.resume(&room.name(), &instance.epoch(), 2).await["events"]), [3, 4, 5]);
}
