//! Counting over a real Redis: the contract, and what is answered when Redis is not well.

use super::testing::server::{RedisServer, required_in_ci};
use super::testing::{connected, end, ends, epoch, is_up, until};
use crate::bus::Tally;
use crate::bus::tally::Counted;
use crate::bus::tally_conformance::{self as conformance, Ends, key, times};
use crate::model::random::{Entropy, SystemEntropy};
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3_600);

async fn two() -> Option<Ends> {
    let (a, b) = ends(&required_in_ci("BELFRY_TEST_REDIS")?).await;
    Some((a, b))
}

conformance::clauses!(two);

#[expect(clippy::disallowed_methods, reason = "measures how long something took")]
async fn timed(tally: &impl Tally) -> (Counted, Duration) {
    let before = Instant::now();
    (tally.count(key(), times(5, HOUR)).await, before.elapsed())
}

/// Nobody is kept waiting where nobody knows.
async fn is_unknown_at_once(tally: &impl Tally) {
    for _ in 0..20 {
        let (counted, took) = timed(tally).await;
        assert_eq!(counted, Counted::Unknown);
        assert!(took < Duration::from_millis(50), "{took:?}");
    }
}

#[tokio::test]
async fn counts_are_of_one_database_and_end_by_themselves() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, _b) = ends(&redis.url()).await;
    let stranger = end(&redis.url(), &epoch());
    connected(&stranger).await;
    let (key, two) = (key(), times(2, Duration::from_secs(100)));
    for _ in 0..3 {
        a.count(key, two).await;
        stranger.count(key, two).await;
    }
    let names = redis.ask(&["KEYS", "*"]);
    assert_eq!(names.lines().count(), 2, "{names}");
    for name in names.lines() {
        let left: i64 = redis.ask(&["PTTL", name]).trim().parse().unwrap();
        assert!((90_000..=100_000).contains(&left), "{name}: {left}");
    }
    assert!(names.lines().any(|name| name.starts_with(&format!("belfry:{}:rate:", a.shared.epoch.get()))), "{names}");
}

#[tokio::test]
async fn a_redis_whose_clock_was_put_back_owes_no_more_than_a_burst() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, b) = ends(&redis.url()).await;
    let (key, two) = (key(), times(2, Duration::from_secs(100)));
    a.count(key, two).await;
    let name = redis.ask(&["KEYS", "*"]);
    // As if it had been counted a century later.
    let later = (SystemEntropy.below(1_000) + 4_000_000_000_000_000).to_string();
    redis.ask(&["SET", name.trim(), &later]);
    let Counted::Refused(wait) = b.count(key, two).await else { panic!("one too many") };
    assert!(wait <= two.every(), "{wait:?}");
}

#[tokio::test]
async fn of_a_frozen_redis_the_first_answer_is_waited_for_shortly_and_no_other() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, _b) = ends(&redis.url()).await;
    redis.freeze();
    let (counted, took) = timed(&*a).await;
    assert_eq!(counted, Counted::Unknown);
    assert!(took < Duration::from_millis(250), "{took:?}");
    is_unknown_at_once(&*a).await;
    until("the silence to be noticed", || !is_up(&a)).await;
    is_unknown_at_once(&*a).await;
    redis.thaw();
    connected(&a).await;
    assert_eq!(timed(&*a).await.0, Counted::Admitted);
}

#[tokio::test]
async fn a_redis_that_was_frozen_for_a_moment_is_asked_again_without_a_new_connection() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, _b) = ends(&redis.url()).await;
    redis.freeze();
    assert_eq!(timed(&*a).await.0, Counted::Unknown);
    redis.thaw();
    let failed = a.shared.clock.instant();
    until("a word to oneself", || a.shared.heard_at().is_some_and(|heard| heard > failed)).await;
    assert_eq!(timed(&*a).await.0, Counted::Admitted);
    assert!(is_up(&a));
}

#[tokio::test]
async fn of_a_killed_redis_it_is_known_at_once_that_nobody_knows() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let (a, b) = ends(&redis.url()).await;
    redis.kill();
    until("the loss to be noticed", || !is_up(&a) && !is_up(&b)).await;
    is_unknown_at_once(&*a).await;
    redis.start_again().await;
    connected(&a).await;
    connected(&b).await;
    let (key, one) = (key(), times(1, HOUR));
    assert_eq!(a.count(key, one).await, Counted::Admitted);
    assert!(matches!(b.count(key, one).await, Counted::Refused(_)));
}

#[tokio::test]
async fn a_redis_that_cannot_keep_anything_counts_nothing() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, _b) = ends(&redis.url()).await;
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(timed(&*a).await.0, Counted::Unknown);
    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    let failed = a.shared.clock.instant();
    until("a word to oneself", || a.shared.heard_at().is_some_and(|heard| heard > failed)).await;
    assert_eq!(timed(&*a).await.0, Counted::Admitted);
}
