//! Instances that hear of each other through Redis, and what they do without it.

use super::support::{Client, House, Instance, eventually, within};
use belfry::model::Channel;
use belfry::store::write::SessionRef;
use redis_proxy::Proxy;
use redis_server::RedisServer;
use serde_json::json;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

#[path = "../redis_proxy.rs"]
pub mod redis_proxy;
#[path = "../redis_server.rs"]
pub mod redis_server;

fn status(instance: &Instance) -> &'static str {
    instance.state.readiness.health().status
}

async fn well(instance: &Instance) {
    eventually("the bus to carry", || status(instance) == "ok").await;
}

/// Two instances, the second of which reaches Redis through a proxy.
pub(super) async fn behind_a_proxy(house: &House, redis: &RedisServer) -> (Proxy, Instance, Instance) {
    let proxy = Proxy::to(redis.port).await;
    let (a, b) = (house.over(&redis.url()).await, house.over(&proxy.url()).await);
    well(&a).await;
    well(&b).await;
    (proxy, a, b)
}

/// It says that it goes on without the bus, and is of use all the same.
async fn degraded(instance: &Instance) {
    eventually("the loss to be noticed", || status(instance) == "degraded").await;
    assert_eq!(instance.state.readiness.not_ready(), None);
}

pub(super) async fn two(house: &House, redis: &RedisServer) -> (Instance, Instance) {
    let (a, b) = (house.over(&redis.url()).await, house.over(&redis.url()).await);
    well(&a).await;
    well(&b).await;
    (a, b)
}

/// Keeps all sweeps from ending until it is released.
async fn stop_sweeps(house: &House) {
    house.store.control.hold(Channel::Revocations);
    house.store.control.held().await;
}

#[tokio::test]
async fn what_one_instance_commits_another_tells_at_once_and_reads_nothing() {
    let Some(redis) = RedisServer::start().await else { return };
    let house = House::with(&[]).await;
    let (a, b) = two(&house, &redis).await;
    let room = a.room().await;
    let mut viewers = [Client::viewer(&a, &room.name()).await, Client::viewer(&b, &room.name()).await];
    stop_sweeps(&house).await;
    house.store.events.forget();
    for round in 0..5 {
        // Both write.
        for seq in round * 20 + 1..=round * 20 + 20 {
            let store = if seq % 2 == 0 { &a.state.store } else { &b.state.store };
            room.fill(store, seq..=seq).await;
        }
        for viewer in &mut viewers {
            viewer.events(round * 20 + 1..=round * 20 + 20).await;
        }
    }
    assert_eq!(house.store.events.calls_for(room.channel()), 0);
    house.store.control.release();
}

#[tokio::test]
async fn a_signal_crosses_and_a_sign_out_ends_sockets_elsewhere() {
    let Some(redis) = RedisServer::start().await else { return };
    let house = House::with(&[]).await;
    let (a, b) = two(&house, &redis).await;
    let room = a.room().await;
    let token = a.person("Bob").await;
    let (mut sender, mut viewer) = (Client::signed_in(&a, &token).await, Client::viewer(&b, &room.name()).await);
    sender.subscribe(&room.name()).await;
    sender.send(json!({"type": "signal", "channel": room.name(), "data": {"x": 1}})).await;
    let signal = viewer.until("the signal", |message| message["type"] == "signal").await;
    assert_eq!((&signal["data"], &signal["from"]["name"]), (&json!({"x": 1}), &json!("Bob")));

    stop_sweeps(&house).await;
    let mut elsewhere = Client::signed_in(&b, &token).await;
    let session = SessionRef::Id(a.state.accounts.authenticate(&token).await.unwrap().session_id);
    a.state.accounts.logout(session, false).await.unwrap();
    assert_eq!(elsewhere.closed().await, 4403);
    house.store.control.release();
}

/// Goes on without Redis and with it again: `stop` takes it away, `start` gives it back.
async fn outlives(house: &House, a: &Instance, b: &Instance, stop: impl FnOnce(), start: impl AsyncFnOnce()) {
    let room = a.room().await;
    let mut viewer = Client::viewer(b, &room.name()).await;
    room.fill(&a.state.store, 1..=20).await;
    viewer.events(1..=20).await;
    stop();
    // At once, and still when everybody has noticed.
    room.fill(&a.state.store, 21..=40).await;
    viewer.events(21..=40).await;
    let mut new = within("a subscription without Redis", Client::viewer(b, &room.name())).await;
    degraded(b).await;
    room.fill(&a.state.store, 41..=60).await;
    viewer.events(41..=60).await;
    new.events(41..=60).await;
    let other = a.room().await;
    let mut stranger = within("a room not yet in memory", Client::viewer(b, &other.name())).await;
    let before = Instant::now();
    start().await;
    for instance in [a, b] {
        // What was proved before proves nothing of now.
        let proved = || instance.state.readiness.since_probe().flatten();
        eventually("the bus to carry again", || proved().is_some_and(|age| age < before.elapsed())).await;
        assert_eq!(status(instance), "ok");
    }
    house.store.control.hold(Channel::Revocations);
    house.store.control.held().await;
    house.store.events.forget();
    room.fill(&a.state.store, 61..=80).await;
    viewer.events(61..=80).await;
    new.events(61..=80).await;
    other.fill(&a.state.store, 1..=5).await;
    stranger.events(1..=5).await;
    assert_eq!(house.store.events.calls_for(other.channel()), 0);
    house.store.control.release();
}

#[tokio::test]
async fn a_redis_that_is_killed_and_comes_back_empty_costs_nothing_but_time() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let house = House::with(&[]).await;
    let (a, b) = two(&house, &redis).await;
    let redis = Mutex::new(&mut redis);
    let stop = || redis.try_lock().unwrap().kill();
    outlives(&house, &a, &b, stop, async || redis.lock().await.start_again().await).await;
}

#[tokio::test]
async fn a_redis_that_freezes_costs_nothing_but_time() {
    let Some(redis) = RedisServer::start().await else { return };
    let house = House::with(&[]).await;
    let (a, b) = two(&house, &redis).await;
    outlives(&house, &a, &b, || redis.freeze(), async || redis.thaw()).await;
}

#[tokio::test]
async fn an_instance_cut_off_from_redis_alone_misses_nothing() {
    let Some(redis) = RedisServer::start().await else { return };
    let house = House::with(&[]).await;
    let (proxy, a, b) = behind_a_proxy(&house, &redis).await;
    outlives(&house, &a, &b, || proxy.cut(), async || proxy.mend()).await;
}

#[tokio::test]
async fn a_connection_that_looks_well_and_delivers_nothing_is_found_out() {
    let Some(redis) = RedisServer::start().await else { return };
    let house = House::with(&[]).await;
    let (proxy, a, b) = behind_a_proxy(&house, &redis).await;
    outlives(&house, &a, &b, || proxy.deafen(), async || proxy.mend()).await;
}

#[tokio::test]
async fn an_instance_starts_without_redis_and_takes_to_it_when_it_comes() {
    let Some(mut redis) = RedisServer::start().await else { return };
    redis.kill();
    let house = House::with(&[]).await;
    let starting = async { (house.over(&redis.url()).await, house.over(&redis.url()).await) };
    let (a, b) = timeout(Duration::from_secs(5), starting).await.expect("Redis kept it from starting");
    let room = a.room().await;
    let mut viewer = Client::viewer(&b, &room.name()).await;
    room.fill(&a.state.store, 1..=5).await;
    viewer.events(1..=5).await;
    assert_eq!((status(&b), b.state.readiness.not_ready()), ("degraded", None));
    redis.start_again().await;
    well(&a).await;
    well(&b).await;
    stop_sweeps(&house).await;
    room.fill(&a.state.store, 6..=9).await;
    viewer.events(6..=9).await;
    house.store.control.release();
}

#[tokio::test]
async fn channels_are_subscribed_to_while_somebody_here_watches_and_a_little_longer() {
    let Some(redis) = RedisServer::start().await else { return };
    let house = House::with(&["--channel-linger", "200ms"]).await;
    let (a, b) = two(&house, &redis).await;
    // The internal channel, which every instance follows.
    assert_eq!(redis.channels(), 1);
    let mut rooms = Vec::new();
    for _ in 0..20 {
        rooms.push(a.room().await);
    }
    for _ in 0..3 {
        let mut viewer = Client::anonymous(&b, belfry::protocol::Codec::Json).await;
        for room in &rooms {
            assert_eq!(viewer.subscribe(&room.name()).await["type"], "subscribed");
        }
        assert_eq!(redis.channels(), 21);
        viewer.ask(json!({"type": "unsubscribe", "channel": rooms[0].name()})).await;
    }
    eventually("all to be left", || redis.channels() == 1).await;
    let mut viewer = Client::viewer(&b, &rooms[0].name()).await;
    stop_sweeps(&house).await;
    rooms[0].fill(&a.state.store, 1..=3).await;
    viewer.events(1..=3).await;
    house.store.control.release();
}
