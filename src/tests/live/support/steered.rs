//! A clock that a test can stop and move on by hand.

use belfry::model::Timestamp;
use belfry::model::clock::{Clock, DatabaseClock, SetClock};
use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// Goes by itself until it is stopped. The database's time is not its affair.
#[derive(Default)]
pub struct Steered {
    inner: DatabaseClock,
    stopped_at: Mutex<Option<Instant>>,
}

impl Steered {
    /// From now on no time passes but by [`Steered::pass`].
    pub fn stop(&self) {
        *self.stopped_at.lock() = Some(self.inner.instant());
    }

    /// So many milliseconds pass at once.
    pub fn pass(&self, ms: u64) {
        let mut stopped_at = self.stopped_at.lock();
        let at = stopped_at.expect("it was not stopped");
        *stopped_at = Some(at + Duration::from_millis(ms));
    }
}

impl Clock for Steered {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn instant(&self) -> Instant {
        self.stopped_at.lock().unwrap_or_else(|| self.inner.instant())
    }
}

impl SetClock for Steered {
    fn set(&self, now: Timestamp) {
        self.inner.set(now);
    }
}
