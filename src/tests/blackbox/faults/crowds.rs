//! What many clients at once do to the others.

use super::fleet::{Fleet, Instance};
use super::report::lasts;
use crate::support::raw::Raw;
use crate::support::rest::Rest;
use crate::support::wire::{Codec, Incoming, Socket, upgrade_over};
use crate::support::within;
use rand::Rng;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// Readers that stop.
const SLOW: usize = 50;
/// Some 80 KB of event each, so that all together are more than any buffer of the system takes.
const LARGE: usize = 9_000;

/// Readers that stop are let go, and cost the others neither time nor memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_stop_delay_nobody() {
    let mut fleet = Fleet::of(2, &[("BELFRY_SLOW_TIMEOUT", "2s")]).await;
    let traffic = fleet.traffic().await;
    let (slow, other) = (&fleet.instances[0], &fleet.instances[1]);
    let room = traffic.rooms()[0];
    let before = slow.metric("belfry_closes_total{code=\"4508\"}").await;
    let mut stopped = Vec::new();
    for _ in 0..SLOW {
        let mut raw = Raw::open(slow.address).await;
        let channel = format!("post:{room}");
        raw.send(&json!({"type": "connect", "id": 1, "subscriptions": [{"channel": channel}]})).await;
        raw.message_of("welcome").await;
        stopped.push(raw);
    }
    let writer = Rest::new(other.address).with(traffic.token());
    let body = "🔔".repeat(LARGE);
    for large in 0..lasts(100, 400) {
        traffic.comment(&writer, room, &format!("large-{large}"), &body).await;
    }
    for raw in &stopped {
        raw.abandoned(Duration::from_secs(20)).await;
    }
    let closed = slow.metric("belfry_closes_total{code=\"4508\"}").await - before;
    traffic.flow(100).await;
    let mut report = fleet.settle(traffic).await.within(Duration::from_secs(3));
    report.demand(closed >= SLOW as f64, &format!("{closed} of {SLOW} readers that stopped were closed with 4508"));
    report.clean(&fleet.instances).await.verdict("50 readers that stop reading");
}

/// A reader of the crowd, which holds what it is told to be whole and in order by itself.
struct Reader {
    addresses: Vec<SocketAddr>,
    codec: Codec,
    channel: String,
    at: Option<(String, u64)>,
    /// How many times it was let in, and where it stands.
    told: watch::Sender<(u32, u64)>,
}

impl Reader {
    async fn read(mut self) {
        let mut pause = Duration::ZERO;
        loop {
            sleep(pause).await;
            // Full jitter, as the SDK does it.
            pause = rand::rng().random_range(Duration::ZERO..Duration::from_secs(2));
            let address = self.addresses[rand::rng().random_range(0..self.addresses.len())];
            let headers = [("sec-websocket-protocol", self.codec.subprotocol())];
            let upgraded = upgrade_over(TcpSocket::new_v4().unwrap(), address, "/ws", &headers).await;
            let Ok(Ok((stream, _))) = upgraded else { continue };
            let mut socket = Socket::over(stream, self.codec);
            let mut subscription = json!({"channel": self.channel});
            if let Some((epoch, seq)) = &self.at {
                subscription = json!({"channel": self.channel, "epoch": epoch, "since": seq});
            }
            let connect = json!({"type": "connect", "id": 1, "subscriptions": [subscription]});
            if socket.send(&connect).await.is_err() {
                continue;
            }
            while let Incoming::Message(message) = socket.receive().await {
                self.hear(&message);
            }
        }
    }

    fn hear(&mut self, message: &Value) {
        match message["type"].as_str().unwrap() {
            "welcome" => {
                let body = &message["subscriptions"][0];
                let (epoch, seq) = (body["epoch"].as_str().unwrap(), body["seq"].as_u64().unwrap());
                match self.at.take() {
                    Some((known, at)) if body["recovered"] == true => {
                        self.at = Some((known, at));
                        body["events"].as_array().unwrap().iter().for_each(|event| self.step(event));
                        assert_eq!(self.at, Some((epoch.to_owned(), seq)), "what is recovered leads to where it says");
                    }
                    _ => self.at = Some((epoch.to_owned(), seq)),
                }
                self.told.send_modify(|(times, at)| (*times, *at) = (*times + 1, seq));
            }
            "event" => self.step(message),
            "resync" => {
                let seq = message["seq"].as_u64().unwrap();
                self.at = Some((message["epoch"].as_str().unwrap().to_owned(), seq));
                self.told.send_modify(|(_, at)| *at = seq);
            }
            _ => {}
        }
    }

    fn step(&mut self, event: &Value) {
        let (_, at) = self.at.as_mut().expect("events follow a subscription");
        *at += 1;
        assert_eq!(event["seq"], *at, "whole and in order, or told otherwise");
        self.told.send_modify(|(_, told)| *told = *at);
    }
}

/// A crowd of readers.
struct Crowd {
    tasks: Vec<JoinHandle<()>>,
    told: Vec<watch::Receiver<(u32, u64)>>,
}

impl Crowd {
    /// All of them in.
    async fn of(count: usize, instances: &[Instance], room: u64) -> Self {
        let addresses: Vec<SocketAddr> = instances.iter().map(|instance| instance.address).collect();
        let mut crowd = Self { tasks: Vec::new(), told: Vec::new() };
        for index in 0..count {
            let told = watch::Sender::new((0, 0));
            crowd.told.push(told.subscribe());
            let (addresses, channel) = (addresses.clone(), format!("post:{room}"));
            let reader = Reader { addresses, codec: Codec::ALL[index % 2], channel, at: None, told };
            crowd.tasks.push(tokio::spawn(reader.read()));
        }
        crowd.all("let in", |(times, _)| *times > 0).await;
        crowd
    }

    /// Waits for all of them.
    async fn all(&mut self, what: &str, mut is_so: impl FnMut(&(u32, u64)) -> bool) {
        for told in &mut self.told {
            let reached = within(Duration::from_secs(60), what, told.wait_for(&mut is_so)).await.is_ok();
            assert!(reached, "a reader failed before it was {what}");
        }
    }
}

/// An instance dies with its share of a crowd, which comes back on the other, all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_in_a_reconnect_storm() {
    let mut fleet = Fleet::of(2, &[]).await;
    let traffic = fleet.traffic().await;
    let room = traffic.rooms()[0];
    let mut crowd = Crowd::of(lasts(200, 2_000), &fleet.instances, room).await;
    let mut worst = Duration::ZERO;
    for round in 0..lasts(1, 3) {
        let before: Vec<u32> = crowd.told.iter().map(|told| told.borrow().0).collect();
        let on = fleet.instances[round % 2].metric("belfry_sockets").await;
        assert!(on > 0.0, "somebody is on the instance that is killed");
        fleet.instances[round % 2].kill().await;
        let begun = Instant::now();
        traffic.flow(50).await;
        // Whoever was on the other has seen what was written meanwhile; whoever was not is back and has, too.
        let head = traffic.head(room);
        crowd.all("back and caught up", |(_, at)| *at >= head).await;
        worst = worst.max(begun.elapsed());
        let back = crowd.told.iter().zip(before).filter(|(told, before)| told.borrow().0 > *before).count();
        println!("{back} of {} came back in {:?}", crowd.told.len(), begun.elapsed());
        fleet.instances[round % 2].start().await;
    }
    let head = traffic.head(room);
    crowd.all("at the head", |(_, at)| *at >= head).await;
    for task in &crowd.tasks {
        assert!(!task.is_finished(), "a reader found something wrong");
        task.abort();
    }
    let mut report = fleet.settle(traffic).await;
    report.worst = report.worst.max(worst);
    // Up to two seconds are jitter; the rest is what a debug build and its readers take on the same two cores.
    let bound = lasts(Duration::from_secs(15), Duration::from_secs(30));
    report.within(bound).clean(&fleet.instances).await.verdict("reconnect storm");
}
