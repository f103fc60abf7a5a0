//! Rates of one instance, and of several that count together or cannot.

use super::*;
use crate::config::Switch;
use crate::model::{Clock, Timestamp};
use crate::protocol::codes::ErrorCode;
use async_trait::async_trait;
use clap::{Args, FromArgMatches};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

struct Hand(Mutex<Instant>);

impl Hand {
    fn advance(&self, by: Duration) {
        *self.0.lock() += by;
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn instant(&self) -> Instant {
        *self.0.lock()
    }
}

/// What counts for all, and can be away.
struct Between {
    tally: LocalTally,
    away: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl Tally for Between {
    async fn count(&self, key: Key, allowance: Allowance) -> Counted {
        if self.away.load(Ordering::Relaxed) {
            return Counted::Unknown;
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.tally.count(key, allowance).await
    }
}

#[expect(clippy::disallowed_methods, reason = "somewhere a clock must begin")]
fn hand() -> Arc<Hand> {
    Arc::new(Hand(Mutex::new(Instant::now())))
}

fn settings(change: impl FnOnce(&mut Limits)) -> Limits {
    let matches = Limits::augment_args(clap::Command::new("test")).get_matches_from(["test"]);
    let mut limits = Limits::from_arg_matches(&matches).unwrap();
    change(&mut limits);
    limits
}

fn limits(change: impl FnOnce(&mut Limits)) -> (RateLimits, Arc<Hand>) {
    let clock = hand();
    (RateLimits::new(&settings(change), clock.clone(), Fleet::alone()), clock)
}

/// So many instances, and what counts for all of them.
fn fleet<const N: usize>() -> ([RateLimits; N], Arc<Between>, Arc<Hand>) {
    let clock = hand();
    let tally = LocalTally::new(clock.clone());
    let between = Arc::new(Between { tally, away: AtomicBool::new(false), asked: AtomicUsize::new(0) });
    let instances = std::array::from_fn(|_| {
        let fleet = Fleet { tally: Some(between.clone()), instances: N as u32, secret: b"all of us".to_vec() };
        RateLimits::new(&settings(|_| {}), clock.clone(), fleet)
    });
    (instances, between, clock)
}

fn address(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

/// An attempt to sign in to an account that nobody else tries.
async fn sign_in(limits: &RateLimits, last: u8) -> Result<(), DomainError> {
    limits.sign_in(address(last), &format!("a{last}@x.example")).await
}

/// How many attempts to comment go through before one is refused.
async fn comments(limits: &RateLimits, user: i64) -> usize {
    let mut through = 0;
    while limits.comment(UserId(user), address(user as u8)).await.is_ok() {
        through += 1;
    }
    through
}

#[tokio::test]
async fn ten_sign_ins_and_five_sign_ups_an_address_go_through_at_once_and_no_more() {
    let (limits, _) = limits(|_| {});
    for _ in 0..10 {
        sign_in(&limits, 1).await.unwrap();
    }
    for _ in 0..5 {
        limits.sign_up(address(1)).await.unwrap();
    }
    let refused = sign_in(&limits, 1).await.unwrap_err();
    assert_eq!((refused.code, refused.retry_after), (ErrorCode::RateLimited, Some(MINUTE)));
    assert!(limits.sign_up(address(1)).await.is_err());
    assert!(sign_in(&limits, 2).await.is_ok());
}

#[tokio::test]
async fn fifty_sign_ins_to_an_account_go_through_from_wherever_they_come_and_no_more() {
    let (limits, _) = limits(|_| {});
    for last in 0..50 {
        limits.sign_in(address(last), if last % 2 == 0 { "ada@x.example" } else { " Ada@X.example" }).await.unwrap();
    }
    let refused = limits.sign_in(address(51), "ada@x.example").await.unwrap_err();
    assert_eq!((refused.code, refused.retry_after), (ErrorCode::RateLimited, Some(Duration::from_secs(12))));
    assert!(limits.sign_in(address(51), "bob@x.example").await.is_ok());
    for last in 60..120 {
        limits.sign_in(address(last), "no address").await.unwrap();
    }
}

#[tokio::test]
async fn what_was_refused_is_let_through_after_the_wait_it_was_told() {
    let (limits, clock) = limits(|_| {});
    let refused = loop {
        if let Err(refused) = sign_in(&limits, 1).await {
            break refused;
        }
    };
    clock.advance(refused.retry_after.unwrap() - Duration::from_millis(1));
    assert!(sign_in(&limits, 1).await.is_err());
    clock.advance(Duration::from_millis(1));
    assert!(sign_in(&limits, 1).await.is_ok());
    assert!(sign_in(&limits, 1).await.is_err());
}

#[tokio::test]
async fn comments_count_by_person_and_by_address() {
    let (limits, _) = limits(|_| {});
    for _ in 0..10 {
        limits.comment(UserId(1), address(1)).await.unwrap();
    }
    assert!(limits.comment(UserId(1), address(2)).await.is_err());
    for n in 0..50 {
        limits.comment(UserId(2 + n / 10), address(1)).await.unwrap();
    }
    assert!(limits.comment(UserId(9), address(1)).await.is_err());
    assert!(limits.comment(UserId(9), address(2)).await.is_ok());
}

#[tokio::test]
async fn off_lifts_every_rate() {
    let (limits, _) = limits(|limits| limits.rate_limits = Switch(false));
    for _ in 0..100 {
        sign_in(&limits, 1).await.unwrap();
        limits.sign_up(address(1)).await.unwrap();
        limits.comment(UserId(1), address(1)).await.unwrap();
    }
}

#[tokio::test]
async fn purging_forgets_only_who_is_back_at_full_rate() {
    let (limits, clock) = limits(|_| {});
    while sign_in(&limits, 1).await.is_ok() {}
    limits.purge();
    assert!(sign_in(&limits, 1).await.is_err());
    clock.advance(2 * TEN_MINUTES);
    limits.purge();
    assert_eq!((limits.refused.len(), limits.here.known(), limits.share.known()), (0, 0, 0));
}

#[tokio::test]
async fn instances_that_count_together_let_through_as_much_as_one() {
    let ([a, b], between, clock) = fleet();
    for n in 0..10 {
        let at = if n % 3 == 0 { &a } else { &b };
        at.comment(UserId(1), address(n)).await.unwrap();
    }
    for at in [&a, &b] {
        let refused = at.comment(UserId(1), address(99)).await.unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::RateLimited, Some(Duration::from_secs(6))));
    }
    clock.advance(Duration::from_secs(6));
    assert!(b.comment(UserId(1), address(99)).await.is_ok());
    assert!(a.comment(UserId(1), address(99)).await.is_err());
    // What is refused for a while is refused without asking.
    assert_eq!(comments(&a, 2).await, 10);
    let asked = between.asked.load(Ordering::Relaxed);
    assert!(a.comment(UserId(2), address(2)).await.is_err());
    assert_eq!(between.asked.load(Ordering::Relaxed), asked);
}

#[tokio::test]
async fn while_nobody_can_be_asked_each_instance_lets_its_share_through_and_no_more() {
    let ([a, b], between, clock) = fleet();
    between.away.store(true, Ordering::Relaxed);
    assert_eq!((comments(&a, 1).await, comments(&b, 1).await), (5, 5));
    let refused = a.comment(UserId(1), address(1)).await.unwrap_err();
    assert_eq!(refused.retry_after, Some(Duration::from_secs(12)));
    clock.advance(Duration::from_secs(12));
    assert_eq!(comments(&a, 1).await, 1);
}

#[tokio::test]
async fn coming_and_going_of_what_counts_for_all_opens_no_fresh_budget() {
    let ([a, b], between, _) = fleet();
    for _ in 0..4 {
        a.comment(UserId(1), address(1)).await.unwrap();
    }
    between.away.store(true, Ordering::Relaxed);
    assert_eq!(comments(&a, 1).await, 1);
    between.away.store(false, Ordering::Relaxed);
    // Ten were let through here, one of them unasked, and of the share nothing is left however often it goes.
    for _ in 0..5 {
        a.comment(UserId(1), address(1)).await.unwrap();
        between.away.store(true, Ordering::Relaxed);
        assert_eq!(comments(&a, 1).await, 0);
        between.away.store(false, Ordering::Relaxed);
    }
    assert_eq!((comments(&a, 1).await, comments(&b, 1).await), (0, 0));
}

#[test]
fn keys_tell_rates_and_people_apart_and_are_the_same_on_all_instances() {
    let ([a, b], ..) = fleet();
    let key = |limits: &RateLimits, rate: &str, who: &str| limits.key(rate, &who);
    assert_eq!(key(&a, "x", "1"), key(&b, "x", "1"));
    assert_ne!(key(&a, "x", "1"), key(&a, "x", "2"));
    assert_ne!(key(&a, "x", "1"), key(&a, "y", "1"));
    let (stranger, _) = limits(|_| {});
    assert_ne!(key(&a, "x", "1"), key(&stranger, "x", "1"));
}
