//! What an instance hears of and does about it, and its own housekeeping.

use crate::domain::readiness::{Part, Readiness};
use crate::domain::revocations::Revocations;
use crate::domain::takebacks::Takebacks;
use crate::http::AppState;
use crate::hub::{Hub, Observer};
use crate::metrics;
use crate::model::Event;
use crate::model::clock::SharedClock;
use crate::model::event::{SessionRevoked, UserBanned};
use crate::store::Backend;
use crate::store::read::Revoked;
use crate::store::write::{Prune, Versioned};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::task::TaskTracker;

/// How often what has ended is forgotten.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How long events are kept, and how many of a channel; whichever keeps less.
const EVENTS_KEPT: (Duration, i64) = (Duration::from_secs(30 * 24 * 3_600), 10_000);
/// How often ages are told to the metrics.
const AGES_TOLD: Duration = Duration::from_secs(1);
/// Pause before what could not be read is read again.
const RETRY: Duration = Duration::from_millis(500);
/// Rows of a kind deleted in one transaction.
const PRUNED_AT_ONCE: i64 = 1_000;

/// Hears what the hub tells of the instance.
pub struct Ears {
    revocations: Arc<Revocations>,
    readiness: Arc<Readiness>,
    backend: Arc<dyn Backend>,
    clock: SharedClock,
    tasks: TaskTracker,
    hub: OnceLock<Weak<Hub>>,
}

impl Ears {
    /// Hears nothing yet.
    pub fn new(
        revocations: Arc<Revocations>,
        readiness: Arc<Readiness>,
        backend: Arc<dyn Backend>,
        clock: SharedClock,
        tasks: TaskTracker,
    ) -> Self {
        Self { revocations, readiness, backend, clock, tasks, hub: OnceLock::new() }
    }

    /// The hub whose sockets are ended with their sessions and their people.
    pub fn hear(&self, hub: &Arc<Hub>) {
        let _ = self.hub.set(Arc::downgrade(hub));
    }
}

impl Observer for Ears {
    fn observe(&self, event: &Event) {
        self.revocations.apply(event);
        let Some(hub) = self.hub.get().and_then(Weak::upgrade) else { return };
        match &*event.kind {
            "session.revoked" => {
                if let Ok(revoked) = serde_json::from_str::<SessionRevoked>(event.data.get()) {
                    hub.end_session(revoked.user_id, revoked.session_id);
                }
            }
            "user.banned" => {
                // One that is over by the time it is heard of ends nothing.
                if let Ok(banned) = serde_json::from_str::<UserBanned>(event.data.get())
                    && self.revocations.admits(banned.user_id, self.clock.now()).is_err()
                {
                    hub.end_person(banned.user_id);
                }
            }
            _ => {}
        }
    }

    fn replaced(&self) {
        self.revocations.replaced();
        let (revocations, backend) = (self.revocations.clone(), self.backend.clone());
        let Some(hub) = self.hub.get().and_then(Weak::upgrade) else { return };
        self.tasks.spawn(async move {
            let ended = hub.ended();
            loop {
                match backend.revocations().await {
                    // Nothing may lie between what was read and where the log goes on.
                    Ok(Versioned { value, seq }) => {
                        let reaches = hub.revocations_head().is_some_and(|head| head <= seq);
                        if reaches && revocations.load(&value, seq) {
                            return end(&hub, value);
                        }
                    }
                    Err(error) => tracing::error!(%error, "revocations of the new database cannot be read yet"),
                }
                if ended.run_until_cancelled(sleep(RETRY)).await.is_none() {
                    return;
                }
            }
        });
    }

    fn swept(&self, reached: bool) {
        if reached {
            self.readiness.swept();
        } else {
            self.readiness.database(Part::Down);
        }
    }
}

/// Ends the sockets of those whose tokens open nothing any more.
fn end(hub: &Hub, revoked: Revoked) {
    for session in revoked.sessions {
        hub.end_session(session.user_id, session.session_id);
    }
    for banned in revoked.people {
        hub.end_person(banned.user_id);
    }
}

/// Forgets what has ended, again and again until the tasks end.
pub fn keep_house(state: &AppState, revocations: Arc<Revocations>, hub: &Arc<Hub>, tasks: &TaskTracker) {
    let (state, ended) = (state.clone(), hub.ended());
    tasks.spawn(async move {
        let mut ticks = interval(HOUSEKEEPING);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while ended.run_until_cancelled(ticks.tick()).await.is_some() {
            state.limits.purge();
            revocations.purge(state.clock.now());
            prune(&state).await;
        }
    });
}

/// Says again and again how long ago messages are known to have arrived, until the tasks end.
pub fn tell_ages(readiness: Arc<Readiness>, hub: &Arc<Hub>, tasks: &TaskTracker) {
    let ended = hub.ended();
    tasks.spawn(async move {
        let mut ticks = interval(AGES_TOLD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while ended.run_until_cancelled(ticks.tick()).await.is_some() {
            metrics::ages(readiness.since_probe(), readiness.since_sweep());
        }
    });
}

/// Takes back what people were told of deleted posts, until the tasks end.
pub fn take_back(takebacks: Arc<Takebacks>, hub: &Hub, tasks: &TaskTracker) {
    let ended = hub.ended();
    tasks.spawn(async move { takebacks.run(ended).await });
}

async fn prune(state: &AppState) {
    loop {
        let (kept, per_channel) = EVENTS_KEPT;
        let prune = Prune {
            events_before: state.clock.now().minus(kept),
            events_per_channel: per_channel,
            at_most: PRUNED_AT_ONCE,
        };
        match state.store.write(prune).await {
            Ok(pruned) if pruned.more => {}
            Ok(_) => return,
            Err(error) => return tracing::warn!(%error, "nothing was pruned"),
        }
    }
}
