//! By bus, by sweep or by repair: every event arrives, in order, once.

use super::support::{Client, House, Instance, Room};
use async_trait::async_trait;
use belfry::bus::{Bus, BusError, Incoming, LocalBus, Message, Node};
use belfry::model::{Channel, Event};
use belfry::protocol::Codec;
use belfry::store::read::{ReadLog, Stretch};
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A bus by which nothing comes but what the test puts in.
struct Puppet {
    receiver: Mutex<Option<mpsc::Receiver<Incoming>>>,
}

impl Puppet {
    fn new() -> (Arc<Self>, mpsc::Sender<Incoming>) {
        let (sender, receiver) = mpsc::channel(1_024);
        (Arc::new(Self { receiver: Mutex::new(Some(receiver)) }), sender)
    }
}

#[async_trait]
impl Bus for Puppet {
    fn node(&self) -> Node {
        Node(1)
    }

    fn publish(&self, _: Message) {}

    async fn subscribe(&self, _: &[Channel]) -> Result<(), BusError> {
        Ok(())
    }

    async fn unsubscribe(&self, _: &[Channel]) {}

    fn incoming(&self) -> Option<mpsc::Receiver<Incoming>> {
        self.receiver.lock().take()
    }
}

/// An event as it comes from another instance on the same database.
fn told(event: Event) -> Incoming {
    Incoming::Message { from: Node(2), message: Message::Event(event), epoch: None }
}

/// What the log holds after a seq.
async fn stored(house: &House, room: Room, after: i64) -> Vec<Event> {
    let stretch = Stretch { channel: room.channel(), after, limit: 1_000, last: false };
    house.store.events(&[stretch]).await.unwrap().remove(&room.channel()).unwrap_or_default()
}

/// Keeps all sweeps from ending until it is released.
async fn stop_sweeps(house: &House) {
    house.store.control.hold(Channel::Revocations);
    house.store.control.held().await;
}

#[tokio::test]
async fn what_one_instance_commits_another_tells_at_once_by_the_bus() {
    let house = House::with(&[]).await;
    let bus = LocalBus::new();
    let (a, b) = (house.instance(bus.join()).await, house.instance(bus.join()).await);
    let room = a.room().await;
    let mut viewer = Client::viewer(&b, &room.name()).await;
    stop_sweeps(&house).await;
    house.store.events.forget();
    room.fill(&a.state.store, 1..=50).await;
    viewer.events(1..=50).await;
    assert_eq!(house.store.events.calls_for(room.channel()), 0);
    house.store.control.release();
}

#[tokio::test]
async fn without_a_bus_the_sweep_brings_what_another_instance_commits() {
    let (house, a) = Instance::open().await;
    let b = house.alone().await;
    let room = a.room().await;
    let mut viewers = [Client::viewer(&a, &room.name()).await, Client::viewer(&b, &room.name()).await];
    for round in 0..3 {
        // Both write: each hears the other by looking, and itself.
        for seq in round * 20 + 1..=round * 20 + 20 {
            let store = if seq % 2 == 0 { &a.state.store } else { &b.state.store };
            room.fill(store, seq..=seq).await;
        }
        for viewer in &mut viewers {
            viewer.events(round * 20 + 1..=round * 20 + 20).await;
        }
    }
}

#[tokio::test]
async fn what_no_instance_was_told_of_arrives_by_the_sweep() {
    let (house, instance) = Instance::open().await;
    let room = instance.room().await;
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    let unheard = house.unheard();
    // More than one step of a repair reads.
    room.fill(&unheard, 1..=1_500).await;
    let comment = room.comment(&unheard, "hello").await;
    let before = viewer.events(1..=1_501).await;
    assert_eq!(before[1_500]["data"]["comment"]["id"], json!(comment.id));
    room.fill(&instance.state.store, 1_502..=1_502).await;
    viewer.events(1_502..=1_502).await;
}

#[tokio::test]
async fn a_hole_is_filled_as_soon_as_the_store_can_be_read_again() {
    let house = House::with(&[]).await;
    let (bus, puppet) = Puppet::new();
    let instance = house.instance(bus).await;
    let room = instance.room().await;
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    room.fill(&house.unheard(), 1..=3).await;
    let events = stored(&house, room, 0).await;
    house.store.events.fail(true);
    // Only the last one comes by the bus; what is missing cannot be read.
    puppet.send(told(events[2].clone())).await.unwrap();
    house.store.events.refused(2).await;
    house.store.events.fail(false);
    viewer.events(1..=3).await;
    room.fill(&instance.state.store, 4..=4).await;
    viewer.events(4..=4).await;
}

#[tokio::test]
async fn a_hole_is_filled_before_the_next_sweep() {
    let house = House::with(&[]).await;
    let (bus, puppet) = Puppet::new();
    let instance = house.instance(bus).await;
    let room = instance.room().await;
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    stop_sweeps(&house).await;
    for round in 0..3 {
        let first = round * 3 + 1;
        room.fill(&house.unheard(), first..=first + 2).await;
        let events = stored(&house, room, first - 1).await;
        puppet.send(told(events[2].clone())).await.unwrap();
        viewer.events(first..=first + 2).await;
    }
    house.store.control.release();
}

#[tokio::test]
async fn whatever_comes_twice_or_in_another_order_is_told_once_and_in_order() {
    let house = House::with(&[]).await;
    let (bus, puppet) = Puppet::new();
    let instance = house.instance(bus).await;
    let room = instance.room().await;
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    let mut head = 0;
    for _ in 0..5 {
        room.fill(&house.unheard(), head + 1..=head + 40).await;
        let mut events = stored(&house, room, head).await;
        let again = events.clone();
        events.reverse();
        for event in events.into_iter().chain(again) {
            puppet.send(told(event)).await.unwrap();
        }
        viewer.events(head + 1..=head + 40).await;
        head += 40;
    }
    puppet.send(Incoming::Gap).await.unwrap();
    room.fill(&instance.state.store, head + 1..=head + 1).await;
    viewer.events(head + 1..=head + 1).await;
}

#[tokio::test]
async fn what_is_told_of_another_database_never_enters() {
    let house = House::with(&[]).await;
    let (bus, puppet) = Puppet::new();
    let instance = house.instance(bus).await;
    let room = instance.room().await;
    let mut viewer = Client::viewer(&instance, &room.name()).await;
    stop_sweeps(&house).await;
    room.fill(&house.unheard(), 1..=1).await;
    let event = stored(&house, room, 0).await.remove(0);
    let foreign = Message::Event(Event { kind: "custom.foreign".into(), ..event.clone() });
    puppet.send(Incoming::Message { from: Node(2), message: foreign, epoch: Some("another".into()) }).await.unwrap();
    let own = Some(instance.state.epoch.get());
    puppet.send(Incoming::Message { from: Node(2), message: Message::Event(event), epoch: own }).await.unwrap();
    viewer.event("custom.tick", 1).await;
    house.store.control.release();
}

#[tokio::test]
async fn a_signal_reaches_everyone_on_every_instance_but_its_sender() {
    let house = House::with(&[]).await;
    let bus = LocalBus::new();
    let (a, b) = (house.instance(bus.join()).await, house.instance(bus.join()).await);
    let room = a.room().await;
    let token = a.person("Bob").await;
    let mut sender = Client::signed_in(&a, &token).await;
    sender.subscribe(&room.name()).await;
    let mut here = Client::viewer_in(&a, &room.name(), Codec::MsgPack).await;
    let mut there = Client::viewer(&b, &room.name()).await;
    let reply = sender.ask(json!({"type": "signal", "channel": room.name(), "data": {"x": 1}})).await;
    assert_eq!(reply["type"], "reply");
    for client in [&mut here, &mut there] {
        let signal = client.next().await;
        assert_eq!((&signal["type"], &signal["channel"]), (&json!("signal"), &json!(room.name())));
        assert_eq!((&signal["from"]["name"], &signal["data"]), (&json!("Bob"), &json!({"x": 1})));
    }
    // The sender's next message is the event that came after its signal.
    room.fill(&a.state.store, 1..=1).await;
    sender.events(1..=1).await;
}
