//! Rosters while instances cannot hear each other, and afterwards.

use super::neighbours::View;
use super::redis::redis_server::RedisServer;
use super::redis::{behind_a_proxy, two};
use super::support::{Client, House, Instance, Room};
use serde_json::json;
use tokio::sync::Mutex;

/// Ada on one instance and Bob on the other, who see each other.
async fn pair(a: &Instance, b: &Instance, room: Room) -> (View, View) {
    let mut ada = View::guest(a, room, "Ada").await;
    let mut bob = View::guest(b, room, "Bob").await;
    for view in [&mut ada, &mut bob] {
        view.until_names(&["Ada", "Bob"]).await;
        assert!(!view.partial && view.left.is_empty());
    }
    (ada, bob)
}

#[tokio::test]
async fn people_and_who_writes_are_seen_through_redis() {
    let Some(redis) = RedisServer::start().await else { return };
    let house = House::with(&[]).await;
    let (a, b) = two(&house, &redis).await;
    let room = a.room().await;
    let (mut ada, mut bob) = pair(&a, &b, room).await;
    ada.client.send(json!({"type": "typing", "channel": room.name()})).await;
    let told = bob.client.until("Ada to write", |message| message["type"] == "typing").await;
    assert_eq!(told["users"][0]["name"], "Ada");
    bob.client.close().await;
    ada.until_names(&["Ada"]).await;
    assert_eq!(ada.left.len(), 1);
}

/// Without the bus each instance tells of its own, and nobody has left; with it again all are there.
async fn outlives(a: &Instance, b: &Instance, stop: impl FnOnce(), start: impl AsyncFnOnce()) {
    let room = a.room().await;
    let (mut ada, mut bob) = pair(a, b, room).await;
    stop();
    ada.until("Ada to see herself alone", |view| view.partial).await;
    bob.until("Bob to see himself alone", |view| view.partial).await;
    assert_eq!((ada.names(), bob.names()), (vec!["Ada"], vec!["Bob"]));
    // Rooms are what they are on one instance meanwhile, for those who come as well.
    let mut carl = View::guest(b, room, "Carl").await;
    assert_eq!((carl.names(), carl.partial), (vec!["Bob", "Carl"], true));
    bob.until_names(&["Bob", "Carl"]).await;
    assert!(bob.partial);
    let other = b.room().await;
    let mut dora = View::guest(b, other, "Dora").await;
    assert!(dora.partial);
    start().await;
    for view in [&mut ada, &mut bob, &mut carl] {
        view.until("the roster to be whole", |view| !view.partial).await;
        assert_eq!(view.names(), ["Ada", "Bob", "Carl"]);
        assert!(view.left.is_empty(), "somebody was said to have left");
    }
    dora.until("the other room to be whole", |view| !view.partial).await;
    assert_eq!(dora.names(), ["Dora"]);
    // And it goes on as before.
    drop(carl);
    for view in [&mut ada, &mut bob] {
        view.until_names(&["Ada", "Bob"]).await;
    }
}

#[tokio::test]
async fn without_redis_a_roster_is_the_instances_own_and_with_it_again_all_of_it() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let house = House::with(&[]).await;
    let (a, b) = two(&house, &redis).await;
    let redis = Mutex::new(&mut redis);
    let stop = || redis.try_lock().unwrap().kill();
    outlives(&a, &b, stop, async || redis.lock().await.start_again().await).await;
}

#[tokio::test]
async fn a_redis_that_freezes_makes_rosters_partial_and_nobody_leave() {
    let Some(redis) = RedisServer::start().await else { return };
    let house = House::with(&[]).await;
    let (a, b) = two(&house, &redis).await;
    outlives(&a, &b, || redis.freeze(), async || redis.thaw()).await;
}

#[tokio::test]
async fn whoever_is_cut_off_alone_says_so_and_leaves_for_the_others_as_if_dead() {
    let Some(redis) = RedisServer::start().await else { return };
    // Much longer than the four seconds that it takes to notice that the bus is down.
    let house = House::with(&["--presence-refresh", "2500ms", "--presence-ttl", "10s"]).await;
    let (proxy, a, b) = behind_a_proxy(&house, &redis).await;
    let room = a.room().await;
    let (mut ada, mut bob) = pair(&a, &b, room).await;
    proxy.cut();
    bob.until("Bob to see himself alone", |view| view.partial).await;
    ada.until_names(&["Ada"]).await;
    assert_eq!((ada.partial, ada.left.len(), bob.left.len()), (false, 1, 0));
    proxy.mend();
    for view in [&mut ada, &mut bob] {
        view.until_names(&["Ada", "Bob"]).await;
    }
    assert!(!bob.partial && bob.left.is_empty());
}

#[tokio::test]
async fn what_is_lost_in_a_short_cut_is_asked_for_and_no_roster_is_partial_for_it() {
    let Some(redis) = RedisServer::start().await else { return };
    let house = House::with(&[]).await;
    let (proxy, a, b) = behind_a_proxy(&house, &redis).await;
    let room = a.room().await;
    let (mut ada, mut bob) = pair(&a, &b, room).await;
    proxy.cut();
    let mut carl = View::guest(&a, room, "Carl").await;
    ada.until_names(&["Ada", "Bob", "Carl"]).await;
    carl.until("Carl to be told all", |view| view.count == 3).await;
    proxy.mend();
    bob.until_names(&["Ada", "Bob", "Carl"]).await;
    assert!(bob.left.is_empty());
}

#[tokio::test]
async fn an_instance_that_starts_without_redis_says_so_and_sees_the_others_when_it_comes() {
    let Some(mut redis) = RedisServer::start().await else { return };
    redis.kill();
    let house = House::with(&[]).await;
    let (a, b) = (house.over(&redis.url()).await, house.over(&redis.url()).await);
    let room = a.room().await;
    let (mut ada, mut bob) = (View::guest(&a, room, "Ada").await, View::guest(&b, room, "Bob").await);
    assert!(ada.partial && bob.partial);
    redis.start_again().await;
    for view in [&mut ada, &mut bob] {
        view.until_names(&["Ada", "Bob"]).await;
        view.until("the roster to be whole", |view| !view.partial).await;
    }
    assert!(Client::viewer(&a, &room.name()).await.subscribe(&room.name()).await["presence"].is_null());
}
