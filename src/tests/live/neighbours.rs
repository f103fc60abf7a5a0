//! Rooms whose people are on several instances.

use super::presence::{enter, guest, names};
use super::support::{CODECS, Client, House, Instance, Room, eventually};
use async_trait::async_trait;
use belfry::bus::{Bus, BusError, Incoming, LocalBus, Message, Node};
use belfry::model::Channel;
use belfry::protocol::Codec;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Rounds short enough to wait for: an instance is taken for dead after 400 to 600 ms.
const SOON: [&str; 4] = ["--presence-refresh", "200ms", "--presence-ttl", "400ms"];
/// The promise is 2 s, and `hub/abroad_tests.rs` holds it where time is simulated; what else the machine does is not held
/// against it.
const SOON_SEEN: Duration = Duration::from_secs(5);

/// An end of a bus that can be frozen: nothing gets out or in, and nobody is told.
struct Frozen {
    inner: Arc<dyn Bus>,
    frozen: Arc<AtomicBool>,
}

#[async_trait]
impl Bus for Frozen {
    fn node(&self) -> Node {
        self.inner.node()
    }

    fn publish(&self, message: Message) {
        if !self.frozen.load(Ordering::Relaxed) {
            self.inner.publish(message);
        }
    }

    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError> {
        self.inner.subscribe(channels).await
    }

    async fn unsubscribe(&self, channels: &[Channel]) {
        self.inner.unsubscribe(channels).await;
    }

    fn incoming(&self) -> Option<mpsc::Receiver<Incoming>> {
        let mut inner = self.inner.incoming()?;
        let (sender, receiver) = mpsc::channel(1_024);
        let frozen = self.frozen.clone();
        tokio::spawn(async move {
            while let Some(arrived) = inner.recv().await {
                if !frozen.load(Ordering::Relaxed) && sender.send(arrived).await.is_err() {
                    return;
                }
            }
        });
        Some(receiver)
    }
}

async fn join(house: &House, bus: &Arc<LocalBus>) -> Instance {
    house.instance(bus.join()).await
}

/// One more instance, and what freezes it.
async fn join_freezable(house: &House, bus: &Arc<LocalBus>) -> (Instance, Arc<AtomicBool>) {
    let frozen = Arc::new(AtomicBool::new(false));
    let instance = house.instance(Arc::new(Frozen { inner: bus.join(), frozen: frozen.clone() })).await;
    (instance, frozen)
}

/// Who a client knows to be there, from what it is told.
pub(super) struct View {
    pub client: Client,
    people: Vec<(i64, String)>,
    pub count: u64,
    pub partial: bool,
    /// Ids of all who were ever said to have left.
    pub left: Vec<i64>,
}

impl View {
    pub async fn enter(mut client: Client, room: Room) -> Self {
        let told = enter(&mut client, room).await;
        let mut view = Self { client, people: Vec::new(), count: 0, partial: false, left: Vec::new() };
        view.take(&told);
        view
    }

    pub async fn guest(instance: &Instance, room: Room, name: &str) -> Self {
        let token = instance.person(name).await;
        Self::enter(Client::signed_in(instance, &token).await, room).await
    }

    fn take(&mut self, told: &Value) {
        let list = |field: &str| told[field].as_array().cloned();
        if list("users").is_some() || list("joined").is_none() && list("left").is_none() {
            self.people.clear();
        }
        let left: Vec<i64> = list("left").iter().flatten().filter_map(Value::as_i64).collect();
        self.people.retain(|(id, _)| !left.contains(id));
        self.left.extend(left);
        for user in list("users").into_iter().chain(list("joined")).flatten() {
            let id = user["id"].as_i64().unwrap();
            self.people.retain(|(known, _)| *known != id);
            self.people.push((id, user["name"].as_str().unwrap().to_owned()));
        }
        self.count = told["count"].as_u64().unwrap();
        self.partial = told["partial"] == true;
    }

    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.people.iter().map(|(_, name)| &**name).collect();
        names.sort_unstable();
        names
    }

    /// Takes what comes until it is so.
    pub async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            let told = self.client.until(what, |message| message["type"] == "presence").await;
            self.take(&told);
        }
    }

    pub async fn until_names(&mut self, wanted: &[&str]) {
        self.until(&wanted.join(", "), |view| view.names() == wanted).await;
    }
}

#[tokio::test]
async fn who_is_on_one_instance_is_seen_on_the_others_come_and_go() {
    let (house, bus) = (House::with(&[]).await, LocalBus::new());
    let instances = [join(&house, &bus).await, join(&house, &bus).await, join(&house, &bus).await];
    let room = instances[0].room().await;
    let mut ada = View::guest(&instances[0], room, "Ada").await;
    let mut bob = View::guest(&instances[1], room, "Bob").await;
    let mut carl = View::guest(&instances[2], room, "Carl").await;
    let nobody = Client::anonymous(&instances[2], Codec::MsgPack).await;
    let mut nobody = View::enter(nobody, room).await;
    for view in [&mut ada, &mut bob, &mut carl, &mut nobody] {
        view.until_names(&["Ada", "Bob", "Carl"]).await;
        view.until("the nameless one", |view| view.count == 4).await;
        assert!(!view.partial);
    }
    let before = Instant::now();
    carl.client.close().await;
    nobody.client.close().await;
    for view in [&mut ada, &mut bob] {
        view.until("both to be gone", |view| view.count == 2).await;
        assert_eq!((view.names(), view.left.len()), (vec!["Ada", "Bob"], 1));
    }
    assert!(before.elapsed() < SOON_SEEN, "{:?}", before.elapsed());
}

#[tokio::test]
async fn a_person_on_two_instances_is_one_until_the_last_socket_goes() {
    let (house, bus) = (House::with(&[]).await, LocalBus::new());
    let (a, b) = (join(&house, &bus).await, join(&house, &bus).await);
    let room = a.room().await;
    let mut ada = View::guest(&a, room, "Ada").await;
    let token = a.person("Bob").await;
    let here = View::enter(Client::signed_in(&a, &token).await, room).await;
    let mut there = View::enter(Client::signed_in(&b, &token).await, room).await;
    there.until_names(&["Ada", "Bob"]).await;
    let _carl = View::guest(&b, room, "Carl").await;
    ada.until_names(&["Ada", "Bob", "Carl"]).await;
    assert_eq!(ada.count, 3);
    drop(here);
    eventually("one socket to be gone", || a.hub.sockets() == 1).await;
    let dora = View::guest(&a, room, "Dora").await;
    ada.until_names(&["Ada", "Bob", "Carl", "Dora"]).await;
    drop(dora);
    ada.until_names(&["Ada", "Bob", "Carl"]).await;
    assert_eq!(ada.left.len(), 1);
    drop(there);
    ada.until_names(&["Ada", "Carl"]).await;
}

#[tokio::test]
async fn whoever_is_the_first_here_soon_learns_who_is_elsewhere_and_is_never_told_less_than_is_so() {
    let (house, bus) = (House::with(&[]).await, LocalBus::new());
    let (a, b) = (join(&house, &bus).await, join(&house, &bus).await);
    let room = a.room().await;
    let mut guests = Vec::new();
    for name in ["Ada", "Bob", "Carl"] {
        guests.push(guest(&a, room, name).await);
    }
    for codec in CODECS {
        let before = Instant::now();
        let mut view = View::enter(Client::anonymous(&b, codec).await, room).await;
        view.until_names(&["Ada", "Bob", "Carl"]).await;
        assert!(before.elapsed() < SOON_SEEN, "{:?}", before.elapsed());
        assert!(view.left.is_empty() && !view.partial);
    }
}

#[tokio::test]
async fn an_instance_alone_is_neither_late_nor_partial() {
    let (house, bus) = (House::with(&[]).await, LocalBus::new());
    let a = join(&house, &bus).await;
    a.clock.stop();
    let room = a.room().await;
    let (mut ada, seen) = guest(&a, room, "Ada").await;
    assert_eq!((names(&seen["users"]), &seen["partial"]), (vec!["Ada"], &Value::Null));
    let (_bob, seen) = guest(&a, room, "Bob").await;
    assert_eq!((names(&seen["users"]), &seen["partial"]), (vec!["Ada", "Bob"], &Value::Null));
    a.clock.pass(500);
    let told = ada.next().await;
    assert_eq!((names(&told["joined"]), &told["partial"]), (vec!["Bob"], &Value::Null));
}

#[tokio::test]
async fn the_people_of_an_instance_that_falls_silent_leave_and_return_with_it_by_themselves() {
    let (house, bus) = (House::with(&SOON).await, LocalBus::new());
    let (a, b) = (join(&house, &bus).await, join_freezable(&house, &bus).await);
    let room = a.room().await;
    let mut ada = View::guest(&a, room, "Ada").await;
    let mut bob = View::guest(&b.0, room, "Bob").await;
    ada.until_names(&["Ada", "Bob"]).await;
    bob.until_names(&["Ada", "Bob"]).await;
    b.1.store(true, Ordering::Relaxed);
    ada.until_names(&["Ada"]).await;
    b.1.store(false, Ordering::Relaxed);
    ada.until_names(&["Ada", "Bob"]).await;
    // The bus of the test says of neither that it is down: for the one that was cut off the other fell silent, too.
    bob.until_names(&["Ada", "Bob"]).await;
}

#[tokio::test]
async fn the_people_of_an_instance_that_ends_have_time_to_come_back_elsewhere() {
    let (house, bus) = (House::with(&[]).await, LocalBus::new());
    let (a, b) = (join(&house, &bus).await, join(&house, &bus).await);
    let room = a.room().await;
    let mut ada = View::guest(&a, room, "Ada").await;
    let token = a.person("Bob").await;
    let bob = View::enter(Client::signed_in(&b, &token).await, room).await;
    let carl = View::guest(&b, room, "Carl").await;
    ada.until_names(&["Ada", "Bob", "Carl"]).await;
    // However long it takes here, no time passes for either.
    a.clock.stop();
    b.clock.stop();
    b.stop().await;
    drop((bob, carl));
    let back = View::enter(Client::signed_in(&a, &token).await, room).await;
    assert_eq!(back.names(), ["Ada", "Bob", "Carl"]);
    a.clock.pass(1_999);
    let dora = View::guest(&a, room, "Dora").await;
    assert_eq!(dora.names(), ["Ada", "Bob", "Carl", "Dora"]);
    a.clock.pass(5_000);
    ada.until_names(&["Ada", "Bob", "Dora"]).await;
    assert_eq!(ada.left.len(), 1, "Bob was said to have left");
}

#[tokio::test]
async fn who_writes_is_told_on_every_instance_and_whoever_ends_writes_no_more_there() {
    let (house, bus) = (House::with(&[]).await, LocalBus::new());
    let (a, b) = (join(&house, &bus).await, join(&house, &bus).await);
    let room = a.room().await;
    let typing = json!({"type": "typing", "channel": room.name()});
    for comments in [true, false] {
        let mut bob = Client::viewer(&b, &room.name()).await;
        // She is alone here, and told of nothing.
        let mut ada = Client::signed_in(&a, &a.person("Ada").await).await;
        ada.subscribe(&room.name()).await;
        ada.ask(typing.clone()).await;
        let told = bob.until("Ada to write", |message| message["type"] == "typing").await;
        assert_eq!((names(&told["users"]), &told["channel"]), (vec!["Ada"], &json!(room.name())));
        if comments {
            ada.ask(json!({"type": "comment.create", "post_id": room.post, "body": "done"})).await;
        } else {
            ada.close().await;
        }
        let told = bob.until("Ada to have ended", |message| message["type"] == "typing").await;
        assert_eq!(names(&told["users"]), Vec::<&str>::new());
        if comments {
            assert_eq!(ada.ask(json!({"type": "ping"})).await["type"], "pong");
            assert!(!ada.has_seen("\"typing\""), "she was told of herself");
        }
    }
}

#[tokio::test]
async fn two_thousand_on_another_instance_are_counted_once_and_told_in_few_messages() {
    let (house, bus) = (House::with(&[]).await, LocalBus::new());
    let (a, b) = (join(&house, &bus).await, join(&house, &bus).await);
    let room = a.room().await;
    let tokens = a.state.accounts.people("Guest", Some(2_000), Duration::from_secs(600)).await.unwrap();
    let listener = bus.join();
    listener.subscribe(&[room.channel()]).await.unwrap();
    let mut heard = listener.incoming().unwrap();
    let mut crowd = Vec::new();
    for token in &tokens {
        let mut client = Client::signed_in(&a, token).await;
        enter(&mut client, room).await;
        crowd.push(client);
    }
    let mut ada = View::enter(Client::signed_in(&b, &tokens[0]).await, room).await;
    ada.until("all of them", |view| view.count == 2_000).await;
    assert!(ada.names().is_empty());
    let before = Instant::now();
    drop(crowd);
    ada.until("all to be gone", |view| view.count == 1).await;
    assert_eq!(ada.names().len(), 1);
    assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
    let (mut messages, mut largest) = (0, 0);
    while let Ok(Incoming::Message { message, .. }) = heard.try_recv() {
        messages += 1;
        if let Message::Seats { seats, .. } = message {
            largest = largest.max(seats.joined.len().max(seats.left.len()));
        }
    }
    assert!(messages < 500 && largest <= belfry::bus::PART, "{messages} messages, {largest} in one");
}
