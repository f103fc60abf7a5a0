//! The contract of counting, executable: every back end runs every clause.

use super::tally::{Allowance, Counted, Key, Tally};
use crate::model::random::{Entropy, SystemEntropy};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::interval;

/// Two ends that count together.
pub type Ends = (Arc<dyn Tally>, Arc<dyn Tally>);

/// A key that no other test has.
pub fn key() -> Key {
    let mut key = Key::default();
    SystemEntropy.fill(&mut key);
    key
}

pub fn times(times: u32, per: Duration) -> Allowance {
    Allowance::new(times, per).unwrap()
}

const HOUR: Duration = Duration::from_secs(3_600);

#[expect(clippy::disallowed_methods, reason = "measures how long something took")]
fn begun() -> Instant {
    Instant::now()
}

pub async fn so_many_are_admitted_wherever_they_come_and_not_one_more((a, b): Ends) {
    let (key, five) = (key(), times(5, HOUR));
    for end in [&a, &b, &a, &b, &b] {
        assert_eq!(end.count(key, five).await, Counted::Admitted);
    }
    for end in [&a, &b] {
        let Counted::Refused(wait) = end.count(key, five).await else { panic!("one too many") };
        assert!(wait <= five.every() && wait > five.every() - Duration::from_secs(60), "{wait:?}");
    }
}

pub async fn many_at_once_are_no_more_than_one_after_the_other((a, b): Ends) {
    let (key, twenty) = (key(), times(20, HOUR));
    let all = (0..100).map(|at| if at % 2 == 0 { &a } else { &b }).map(|end| end.count(key, twenty));
    let admitted = join_all(all).await.into_iter().filter(|counted| *counted == Counted::Admitted).count();
    assert_eq!(admitted, 20);
}

pub async fn what_was_refused_is_admitted_after_the_wait_it_was_told_and_only_once((a, b): Ends) {
    let (key, two) = (key(), times(2, Duration::from_secs(1)));
    let before = begun();
    let wait = loop {
        if let Counted::Refused(wait) = a.count(key, two).await {
            break wait;
        }
    };
    assert!(wait <= two.every(), "{wait:?}");
    let mut looks = interval(Duration::from_millis(5));
    while b.count(key, two).await != Counted::Admitted {
        looks.tick().await;
    }
    assert!(before.elapsed() >= wait, "{:?} instead of {wait:?}", before.elapsed());
    assert!(matches!(a.count(key, two).await, Counted::Refused(_)));
}

pub async fn a_refusal_is_not_counted((a, b): Ends) {
    let (key, one) = (key(), times(1, HOUR));
    assert_eq!(a.count(key, one).await, Counted::Admitted);
    for _ in 0..50 {
        let Counted::Refused(wait) = b.count(key, one).await else { panic!("one too many") };
        assert!(wait <= one.every(), "{wait:?}");
    }
}

pub async fn keys_do_not_count_for_each_other((a, b): Ends) {
    let one = times(1, HOUR);
    for key in [key(), key(), key()] {
        assert_eq!(a.count(key, one).await, Counted::Admitted);
        assert!(matches!(b.count(key, one).await, Counted::Refused(_)));
    }
}

/// The clauses: one test for each, given what makes two ends that count together (`None` where it is not to be had); or
/// one after the other, on the same two.
macro_rules! clauses {
    ($two:expr) => { $crate::bus::tally_conformance::clauses!(@ tests $two); };
    (in turn $two:expr) => { $crate::bus::tally_conformance::clauses!(@ turns $two); };
    (@ $how:ident $two:expr) => {
        $crate::bus::tally_conformance::clauses!(@ $how $two;
            so_many_are_admitted_wherever_they_come_and_not_one_more,
            many_at_once_are_no_more_than_one_after_the_other,
            what_was_refused_is_admitted_after_the_wait_it_was_told_and_only_once,
            a_refusal_is_not_counted,
            keys_do_not_count_for_each_other,
        );
    };
    (@ tests $two:expr; $($clause:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $clause() {
            if let Some(ends) = $two().await {
                $crate::bus::tally_conformance::$clause(ends).await;
            }
        }
    )+};
    (@ turns $two:expr; $($clause:ident),+ $(,)?) => {$(
        $crate::bus::tally_conformance::$clause($two().await).await;
    )+};
}
pub(crate) use clauses;
