//! Rates that hold over all instances, and over each alone while Redis is away.

use super::redis::redis_server::RedisServer;
use super::support::{House, Instance, Room, eventually, within};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// What a client is told: the status, and how long to wait.
type Told = (u16, Option<u64>);

/// Two instances that count together, with rates in force.
async fn two(redis: &RedisServer, settings: &[&str]) -> (House, Instance, Instance) {
    let always = ["--rate-limits", "on", "--instances", "2", "--trusted-proxies", "127.0.0.1"];
    let house = House::with(&[&always, settings].concat()).await;
    let (a, b) = (house.over(&redis.url()).await, house.over(&redis.url()).await);
    counted(&a).await;
    counted(&b).await;
    (house, a, b)
}

/// Waits until an instance can ask Redis.
async fn counted(instance: &Instance) {
    eventually("the bus to carry", || instance.state.readiness.health().status == "ok").await;
}

async fn alone(instance: &Instance) {
    eventually("the loss to be noticed", || instance.state.readiness.health().status == "degraded").await;
}

async fn post(instance: &Instance, path: &str, from: &str, token: Option<&str>, body: Value) -> Told {
    let url = format!("http://{}/api/v1{path}", instance.address);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.post(url).header("x-forwarded-for", from).json(&body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = within("an answer", request.send()).await.unwrap();
    let wait = answer.headers().get("retry-after").map(|wait| wait.to_str().unwrap().parse().unwrap());
    (answer.status().as_u16(), wait)
}

/// Somebody who comments, from wherever.
struct Writer {
    room: Room,
    token: String,
}

impl Writer {
    async fn new(instance: &Instance, name: &str) -> Self {
        Self { room: instance.room().await, token: instance.person(name).await }
    }

    async fn comment(&self, instance: &Instance) -> Told {
        let path = format!("/posts/{}/comments", self.room.post);
        post(instance, &path, "192.0.2.1", Some(&self.token), json!({"body": "hello"})).await
    }

    /// How many comments go through before one does not, and how long it is to wait.
    async fn through(&self, instance: &Instance) -> (usize, u64) {
        for through in 0.. {
            match self.comment(instance).await {
                (201, _) => {}
                (429, Some(wait)) => return (through, wait),
                other => panic!("{other:?}"),
            }
        }
        unreachable!("there is an end to it")
    }
}

async fn sign_in(instance: &Instance, from: &str, email: &str) -> Told {
    post(instance, "/auth/login", from, None, json!({"email": email, "password": "a wrong one"})).await
}

#[tokio::test]
async fn ten_comments_a_minute_are_ten_wherever_they_are_written() {
    let Some(redis) = RedisServer::start().await else { return };
    let (_house, a, b) = two(&redis, &[]).await;
    let writer = Writer::new(&a, "Ada").await;
    for n in 0..10 {
        assert_eq!(writer.comment(if n % 2 == 0 { &a } else { &b }).await, (201, None));
    }
    for instance in [&a, &b] {
        let (status, wait) = writer.comment(instance).await;
        assert_eq!(status, 429);
        assert!((1..=6).contains(&wait.unwrap()), "{wait:?}");
    }
    assert_eq!(Writer::new(&a, "Bob").await.comment(&b).await, (201, None));
}

#[tokio::test]
async fn an_address_signs_in_ten_times_and_signs_up_five_times_wherever_it_does() {
    let Some(redis) = RedisServer::start().await else { return };
    let (_house, a, b) = two(&redis, &[]).await;
    for n in 0..10 {
        let email = format!("nobody{n}@x.example");
        assert_eq!(sign_in(if n % 3 == 0 { &a } else { &b }, "192.0.2.1", &email).await.0, 401);
    }
    let sign_up = async |instance: &Instance, n: u32| {
        let new = json!({"name": "Ada", "email": format!("a{n}@x.example"), "password": "correct horse"});
        post(instance, "/auth/register", "192.0.2.1", None, new).await
    };
    for n in 0..5 {
        assert_eq!(sign_up(if n % 2 == 0 { &a } else { &b }, n).await.0, 201);
    }
    for instance in [&a, &b] {
        let (status, wait) = sign_in(instance, "192.0.2.1", "somebody@x.example").await;
        assert!(status == 429 && (30..=60).contains(&wait.unwrap()), "{status} {wait:?}");
        let (status, wait) = sign_up(instance, 9).await;
        assert!(status == 429 && (60..=120).contains(&wait.unwrap()), "{status} {wait:?}");
    }
    assert_eq!(sign_in(&a, "192.0.2.2", "somebody@x.example").await.0, 401);
}

#[tokio::test]
async fn an_account_is_tried_so_often_from_whatever_addresses_and_instances() {
    let Some(redis) = RedisServer::start().await else { return };
    let (_house, a, b) = two(&redis, &["--sign-ins-per-account", "6"]).await;
    for n in 0..6 {
        assert_eq!(sign_in(if n % 2 == 0 { &a } else { &b }, &format!("192.0.2.{n}"), "ada@x.example").await.0, 401);
    }
    assert_eq!(sign_in(&a, "192.0.2.7", " Ada@X.example").await.0, 429);
    assert_eq!(sign_in(&b, "192.0.2.8", "ada@x.example").await.0, 429);
    assert_eq!(sign_in(&b, "192.0.2.8", "bob@x.example").await.0, 401);
}

/// What is so while Redis is away, and once it is back: `stop` takes it away, `start` gives it back.
async fn outlives(a: &Instance, b: &Instance, stop: impl FnOnce(), start: impl AsyncFnOnce()) {
    let writers = [
        Writer::new(a, "Ada").await,
        Writer::new(a, "Bob").await,
        Writer::new(a, "Eve").await,
        Writer::new(a, "Ida").await,
    ];
    let [before, during, noticed, after] = &writers;
    for _ in 0..4 {
        assert_eq!(before.comment(a).await, (201, None));
    }
    stop();
    // Five are the share of one of two; four of them are gone already.
    let begun = Instant::now();
    assert_eq!(before.through(a).await.0, 1);
    let (through, wait) = during.through(a).await;
    assert!(through == 5 && (1..=12).contains(&wait), "{through} {wait}");
    assert_eq!(during.through(b).await.0, 5);
    // Fourteen questions that each waited for an answer would take longer than all of this together.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    alone(b).await;
    alone(a).await;
    assert_eq!((noticed.through(a).await.0, noticed.through(b).await.0), (5, 5));
    start().await;
    counted(a).await;
    counted(b).await;
    for n in 0..10 {
        assert_eq!(after.comment(if n % 2 == 0 { b } else { a }).await, (201, None));
    }
    assert_eq!((after.comment(a).await.0, after.comment(b).await.0), (429, 429));
}

#[tokio::test]
async fn without_redis_each_instance_lets_its_share_through_and_with_it_all_count_together_again() {
    let Some(redis) = RedisServer::start().await else { return };
    let (_house, a, b) = two(&redis, &["--comments-per-address", "1000"]).await;
    let redis = tokio::sync::Mutex::new(redis);
    let stop = || redis.try_lock().unwrap().kill();
    outlives(&a, &b, stop, async || redis.lock().await.start_again().await).await;
}

#[tokio::test]
async fn a_frozen_redis_opens_no_rate_and_delays_nobody_for_long() {
    let Some(redis) = RedisServer::start().await else { return };
    let (_house, a, b) = two(&redis, &["--comments-per-address", "1000"]).await;
    outlives(&a, &b, || redis.freeze(), async || redis.thaw()).await;
}
