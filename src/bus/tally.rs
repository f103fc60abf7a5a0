//! Counting how often, for all instances together where something between them counts, and in this process where nothing
//! does. Both count alike (GCRA): a moment per key, up to which what was let through has been paid for.

use crate::model::clock::SharedClock;
use async_trait::async_trait;
use dashmap::DashMap;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whose attempts are counted: a keyed hash, so that whoever reads it learns of nobody.
pub type Key = [u8; 16];

/// So many at once, and one more each time this passes: over any period no more than twice what fits into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance(Quota);

impl Allowance {
    /// So many over a period, and as many at once. `None` for none, or for more than can be counted: neither is a bound.
    pub fn new(times: u32, per: Duration) -> Option<Self> {
        let burst = NonZeroU32::new(times)?;
        let every = per.checked_div(times).filter(|every| *every >= Duration::from_micros(1))?;
        Some(Self(Quota::with_period(every)?.allow_burst(burst)))
    }

    /// What one of so many instances lets through by itself, so that all of them together let through no more in the
    /// long run; one at once is left to each.
    pub fn shared_by(self, instances: u32) -> Self {
        let instances = instances.max(1);
        let burst = NonZeroU32::new(self.burst() / instances).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(self.every().saturating_mul(instances)).unwrap_or(self.0);
        Self(quota.allow_burst(burst))
    }

    /// How many at once.
    pub fn burst(self) -> u32 {
        self.0.burst_size().get()
    }

    /// How long until one more.
    pub fn every(self) -> Duration {
        self.0.replenish_interval()
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It was within the allowance, and was counted.
    Admitted,
    /// It was not, and was not counted; after this long one is admitted, if no other comes first.
    Refused(Duration),
    /// Nobody could be asked, or not in time. It may have been counted all the same.
    Unknown,
}

/// Counts for all instances together.
///
/// **Guarantees.** Whichever instances ask, of the attempts of one key no more are admitted than its allowance says. An
/// answer takes a quarter of a second at most, and nearly none while it is known that nobody can be asked. What was
/// counted is forgotten once it makes no difference any more.
#[async_trait]
pub trait Tally: Send + Sync + 'static {
    /// Counts one attempt of a key, which must always come with the same allowance.
    async fn count(&self, key: Key, allowance: Allowance) -> Counted;
}

type Limiter = RateLimiter<Key, DashMapStateStore<Key>, Steady, NoOpMiddleware<Duration>>;

/// Counts within this process.
pub struct LocalTally {
    steady: Steady,
    /// By burst and time until one more: keys that come with one allowance are counted by one limiter.
    limiters: DashMap<(u32, Duration), Arc<Limiter>>,
}

/// Time since this was made, as the limiters count it.
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

impl LocalTally {
    /// Nothing was counted yet.
    pub fn new(clock: SharedClock) -> Self {
        let begun = clock.instant();
        Self { steady: Steady { clock, begun }, limiters: DashMap::new() }
    }

    /// Counts an attempt, or says how long until one is admitted.
    pub fn take(&self, key: Key, allowance: Allowance) -> Result<(), Duration> {
        let limiter = {
            let new = || Arc::new(Limiter::dashmap_with_clock(allowance.0, self.steady.clone()));
            self.limiters.entry((allowance.burst(), allowance.every())).or_insert_with(new).clone()
        };
        limiter.check_key(&key).map_err(|early| early.wait_time_from(self.steady.now()))
    }

    /// Counts what somebody else has admitted, whether or not it would have been admitted here.
    pub fn charge(&self, key: Key, allowance: Allowance) {
        let _ = self.take(key, allowance);
    }

    /// Forgets what makes no difference any more. Call it every minute or so: this is what bounds memory.
    pub fn purge(&self) {
        for limiter in &self.limiters {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    /// Keys that something is known of.
    #[cfg(test)]
    pub fn known(&self) -> usize {
        self.limiters.iter().map(|limiter| limiter.len()).sum()
    }
}

#[async_trait]
impl Tally for LocalTally {
    async fn count(&self, key: Key, allowance: Allowance) -> Counted {
        self.take(key, allowance).map_or_else(Counted::Refused, |()| Counted::Admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tally_conformance as conformance;
    use super::*;
    use crate::model::clock::DatabaseClock;

    async fn two() -> Option<conformance::Ends> {
        let tally = Arc::new(LocalTally::new(Arc::new(DatabaseClock::new())));
        Some((tally.clone(), tally))
    }

    conformance::clauses!(two);

    #[test]
    fn nothing_and_more_than_can_be_counted_are_no_bound() {
        let second = Duration::from_secs(1);
        assert_eq!((Allowance::new(0, second), Allowance::new(1_000_001, second)), (None, None));
        let most = Allowance::new(1_000_000, second).unwrap();
        assert_eq!((most.burst(), most.every()), (1_000_000, Duration::from_micros(1)));
    }

    #[test]
    fn shares_of_all_instances_are_no_more_than_the_whole() {
        let minute = Duration::from_secs(60);
        for (times, instances, burst) in [(10, 1, 10), (10, 2, 5), (5, 2, 2), (10, 3, 3), (10, 11, 1), (1, 0, 1)] {
            let share = Allowance::new(times, minute).unwrap().shared_by(instances);
            let (every, instances) = (minute / times, instances.max(1));
            assert_eq!((share.burst(), share.every()), (burst, every * instances), "{times} by {instances}");
        }
    }

    #[test]
    fn however_much_is_charged_no_more_than_a_burst_is_owed() {
        let tally = LocalTally::new(Arc::new(DatabaseClock::new()));
        let two = Allowance::new(2, Duration::from_secs(600)).unwrap();
        (0..5).for_each(|_| tally.charge([1; 16], two));
        assert!(tally.take([1; 16], two).unwrap_err() <= two.every());
    }
}
