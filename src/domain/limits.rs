//! How often who may do what. Counted in this process; durations are measured by the clock that was passed in.

use super::DomainError;
use crate::config::Limits;
use crate::model::UserId;
use crate::model::clock::SharedClock;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// Time since this was made, as the rate limiter counts it.
#[derive(Clone)]
struct Steady {
    clock: SharedClock,
    begun: Instant,
}

impl GovernorClock for Steady {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.clock.instant().saturating_duration_since(self.begun)
    }
}

/// So many at once, and as many again over the period: no more than twice that in any period.
struct Rate<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, Steady, NoOpMiddleware<Duration>>,
    steady: Steady,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    /// `None` for a rate of nothing, or one too high to be counted: neither is a bound.
    fn new(times: u32, per: Duration, steady: &Steady) -> Option<Self> {
        let burst = NonZeroU32::new(times)?;
        let quota = Quota::with_period(per / times)?.allow_burst(burst);
        let limiter = RateLimiter::dashmap_with_clock(quota, steady.clone());
        Some(Self { limiter, steady: steady.clone() })
    }

    fn count(&self, key: &K) -> Result<(), DomainError> {
        self.limiter.check_key(key).map_err(|early| DomainError::rate_limited(early.wait_time_from(self.steady.now())))
    }

    fn purge(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// Rates by person and address. Addresses are those that limits count by: IPv6 cut to its /64.
pub struct RateLimits {
    comments_by_user: Option<Rate<UserId>>,
    comments_by_address: Option<Rate<IpAddr>>,
    pages: Option<Rate<IpAddr>>,
    sign_ins: Option<Rate<IpAddr>>,
    sign_ups: Option<Rate<IpAddr>>,
}

impl RateLimits {
    /// With the rates of the settings, or none where they are lifted.
    pub fn new(limits: &Limits, clock: SharedClock) -> Self {
        if !limits.rate_limits.0 {
            return Self {
                comments_by_user: None,
                comments_by_address: None,
                pages: None,
                sign_ins: None,
                sign_ups: None,
            };
        }
        let steady = Steady { begun: clock.instant(), clock };
        Self {
            comments_by_user: Rate::new(limits.comments_per_user, MINUTE, &steady),
            comments_by_address: Rate::new(limits.comments_per_address, MINUTE, &steady),
            pages: Rate::new(limits.pages_per_address, TEN_MINUTES, &steady),
            sign_ins: Rate::new(limits.sign_ins_per_address, TEN_MINUTES, &steady),
            sign_ups: Rate::new(limits.sign_ups_per_address, TEN_MINUTES, &steady),
        }
    }

    /// Counts a comment; `rate_limited` above the rate of the person or of the address.
    pub fn comment(&self, user: UserId, address: IpAddr) -> Result<(), DomainError> {
        count(self.comments_by_user.as_ref(), &user)?;
        count(self.comments_by_address.as_ref(), &address)
    }

    /// Counts the page of a site that is to be made; `rate_limited` above the rate.
    pub fn page(&self, address: IpAddr) -> Result<(), DomainError> {
        count(self.pages.as_ref(), &address)
    }

    /// Counts an attempt to sign in, whether it succeeds or not; `rate_limited` above the rate.
    pub fn sign_in(&self, address: IpAddr) -> Result<(), DomainError> {
        count(self.sign_ins.as_ref(), &address)
    }

    /// Counts an attempt to sign up; `rate_limited` above the rate.
    pub fn sign_up(&self, address: IpAddr) -> Result<(), DomainError> {
        count(self.sign_ups.as_ref(), &address)
    }

    /// Forgets who has not been near a bound for long. Call it every minute or so: this is what bounds memory.
    pub fn purge(&self) {
        if let Some(rate) = &self.comments_by_user {
            rate.purge();
        }
        for rate in [&self.comments_by_address, &self.pages, &self.sign_ins, &self.sign_ups].into_iter().flatten() {
            rate.purge();
        }
    }
}

fn count<K: Hash + Eq + Clone>(rate: Option<&Rate<K>>, key: &K) -> Result<(), DomainError> {
    rate.map_or(Ok(()), |rate| rate.count(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Switch;
    use crate::model::{Clock, Timestamp};
    use crate::protocol::codes::ErrorCode;
    use clap::{Args, FromArgMatches};
    use parking_lot::Mutex;
    use std::sync::Arc;

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

    #[expect(clippy::disallowed_methods, reason = "somewhere a clock must begin")]
    fn limits(change: impl FnOnce(&mut Limits)) -> (RateLimits, Arc<Hand>) {
        let matches = Limits::augment_args(clap::Command::new("test")).get_matches_from(["test"]);
        let mut limits = Limits::from_arg_matches(&matches).unwrap();
        change(&mut limits);
        let clock = Arc::new(Hand(Mutex::new(Instant::now())));
        (RateLimits::new(&limits, clock.clone()), clock)
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn ten_sign_ins_and_five_sign_ups_an_address_go_through_at_once_and_no_more() {
        let (limits, _) = limits(|_| {});
        assert!((0..10).all(|_| limits.sign_in(address(1)).is_ok()));
        assert!((0..5).all(|_| limits.sign_up(address(1)).is_ok()));
        let refused = limits.sign_in(address(1)).unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::RateLimited, Some(MINUTE)));
        assert!(limits.sign_up(address(1)).is_err());
        assert!(limits.sign_in(address(2)).is_ok());
    }

    #[test]
    fn what_was_refused_is_let_through_after_the_wait_it_was_told() {
        let (limits, clock) = limits(|_| {});
        let refused = (0..11).map(|_| limits.sign_in(address(1))).find_map(Result::err).unwrap();
        let wait = refused.retry_after.unwrap();
        clock.advance(wait - Duration::from_millis(1));
        assert!(limits.sign_in(address(1)).is_err());
        clock.advance(Duration::from_millis(1));
        assert!(limits.sign_in(address(1)).is_ok());
        assert!(limits.sign_in(address(1)).is_err());
    }

    #[test]
    fn comments_count_by_person_and_by_address() {
        let (limits, _) = limits(|_| {});
        assert!((0..10).all(|_| limits.comment(UserId(1), address(1)).is_ok()));
        assert!(limits.comment(UserId(1), address(2)).is_err());
        let others = (0..50).filter(|n| limits.comment(UserId(2 + n / 10), address(1)).is_ok()).count();
        assert_eq!(others, 50);
        assert!(limits.comment(UserId(9), address(1)).is_err());
        assert!(limits.comment(UserId(9), address(2)).is_ok());
    }

    #[test]
    fn off_lifts_every_rate() {
        let (limits, _) = limits(|limits| limits.rate_limits = Switch(false));
        assert!((0..100).all(|_| limits.sign_in(address(1)).is_ok() && limits.sign_up(address(1)).is_ok()));
        assert!((0..100).all(|_| limits.comment(UserId(1), address(1)).is_ok()));
    }

    #[test]
    fn purging_forgets_only_who_is_back_at_full_rate() {
        let (limits, clock) = limits(|_| {});
        while limits.sign_in(address(1)).is_ok() {}
        limits.purge();
        assert!(limits.sign_in(address(1)).is_err());
        clock.advance(2 * TEN_MINUTES);
        limits.purge();
        assert_eq!(limits.sign_ins.as_ref().map(|rate| rate.limiter.len()), Some(0));
    }
}
