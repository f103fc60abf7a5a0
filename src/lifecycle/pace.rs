//! The pace at which connections are let in. A storm of them waits in the backlog of the kernel and is served in turn, so
//! that those who are here already are served in between; nobody is refused for it.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Longest turn: a connection that says nothing keeps nobody out for longer.
pub const LONGEST: Duration = Duration::from_millis(100);

/// So many turns at a time.
pub struct Pace(Arc<Semaphore>);

/// The turn of one connection: from when it is let in until it was answered, or [`LONGEST`]. The
/// default is one that keeps nobody waiting.
#[derive(Clone, Default)]
pub struct Turn(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Pace {
    /// This many.
    pub fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once.min(Semaphore::MAX_PERMITS))))
    }

    /// Waits for a turn.
    pub async fn turn(&self) -> Turn {
        // It is never closed: there is always a turn to come.
        Turn(Arc::new(Mutex::new(self.0.clone().acquire_owned().await.ok())))
    }
}

impl Turn {
    /// The next one may come.
    pub fn end(&self) {
        self.0.lock().take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn so_many_have_their_turn_and_the_next_when_one_has_ended() {
        let pace = Pace::new(2);
        let (first, second) = (pace.turn().await, pace.turn().await);
        assert!(pace.turn().now_or_never().is_none());
        first.clone().end();
        let third = pace.turn().await;
        // A turn ends once.
        first.end();
        assert!(pace.turn().now_or_never().is_none());
        drop((second, third));
        assert!(pace.turn().now_or_never().is_some());
    }
}
