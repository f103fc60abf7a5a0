//! Whether this instance is of use: what would become of a message committed now.

use crate::model::clock::SharedClock;
use parking_lot::RwLock;
use serde::Serialize;
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// While the bus is silent, a sweep that ended this long ago still counts.
pub const SWEEP_GRACE: Duration = Duration::from_secs(5);

/// How another part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// It answers.
    Ok,
    /// It does not.
    Down,
}

/// How far this instance's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Serving,
    Draining,
}

/// Told by those who find out, asked by the balancer.
///
/// **Invariant:** ready means that a message committed now would arrive, by the bus or by a sweep.
pub struct Readiness {
    clock: SharedClock,
    seen: RwLock<Seen>,
}

struct Seen {
    phase: Phase,
    database: Part,
    bus: Part,
    swept: Option<Instant>,
}

/// What `/health` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, `degraded` without the bus, `down` without the database.
    #[schema(pattern = "^(ok|degraded|down)$")]
    pub status: &'static str,
    /// The database.
    pub database: Part,
    /// The bus; one in the process is always there.
    pub bus: Part,
}

impl Readiness {
    /// Not ready: nothing was found out yet. The bus counts as there until somebody says otherwise.
    pub fn new(clock: SharedClock) -> Self {
        let seen = Seen { phase: Phase::Starting, database: Part::Down, bus: Part::Ok, swept: None };
        Self { clock, seen: RwLock::new(seen) }
    }

    /// All that must be loaded is: ready as soon as the parts are.
    pub fn started(&self) {
        self.seen.write().phase = Phase::Serving;
    }

    /// New work should go elsewhere, for good.
    pub fn draining(&self) {
        self.seen.write().phase = Phase::Draining;
    }

    /// The database was asked.
    pub fn database(&self, part: Part) {
        self.seen.write().database = part;
    }

    /// The bus was tried, through the path that events take.
    pub fn bus(&self, part: Part) {
        self.seen.write().bus = part;
    }

    /// A sweep compared all heads with the database and came to its end.
    pub fn swept(&self) {
        let now = self.clock.instant();
        let mut seen = self.seen.write();
        seen.swept = Some(now);
        seen.database = Part::Ok;
    }

    /// Nothing, or why this instance should get no new work.
    pub fn not_ready(&self) -> Option<&'static str> {
        let now = self.clock.instant();
        let seen = self.seen.read();
        let swept = seen.swept.is_some_and(|at| now.saturating_duration_since(at) <= SWEEP_GRACE);
        match seen.phase {
            Phase::Starting => Some("starting"),
            Phase::Draining => Some("draining"),
            Phase::Serving if seen.database == Part::Down => Some("no database"),
            // A bus inside the process proves nothing: that a message would arrive is shown by a sweep.
            Phase::Serving if !swept => Some("no sweep"),
            Phase::Serving => None,
        }
    }

    /// How the parts are.
    pub fn health(&self) -> Health {
        let seen = self.seen.read();
        let status = match (seen.database, seen.bus) {
            (Part::Down, _) => "down",
            (Part::Ok, Part::Down) => "degraded",
            (Part::Ok, Part::Ok) => "ok",
        };
        Health { status, database: seen.database, bus: seen.bus }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Clock, Timestamp};
    use parking_lot::Mutex;
    use std::sync::Arc;

    struct ByHand(Mutex<Instant>);

    impl Clock for ByHand {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }
        fn instant(&self) -> Instant {
            *self.0.lock()
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the clock that is then moved by hand")]
    fn ready() -> (Arc<ByHand>, Readiness) {
        let clock = Arc::new(ByHand(Mutex::new(Instant::now())));
        let readiness = Readiness::new(clock.clone());
        (clock, readiness)
    }

    #[test]
    fn an_instance_is_ready_once_started_with_its_database() {
        let (_, readiness) = ready();
        assert_eq!(readiness.not_ready(), Some("starting"));
        assert_eq!(readiness.health().status, "down");
        readiness.started();
        assert_eq!(readiness.not_ready(), Some("no database"));
        readiness.database(Part::Ok);
        assert_eq!(readiness.not_ready(), Some("no sweep"));
        readiness.swept();
        assert_eq!(readiness.not_ready(), None);
        assert_eq!(readiness.health().status, "ok");
        readiness.draining();
        assert_eq!(readiness.not_ready(), Some("draining"));
    }

    #[test]
    fn only_a_recent_sweep_keeps_it_ready() {
        let (clock, readiness) = ready();
        readiness.started();
        readiness.bus(Part::Down);
        readiness.database(Part::Ok);
        assert_eq!(readiness.not_ready(), Some("no sweep"));
        readiness.swept();
        *clock.0.lock() += SWEEP_GRACE;
        assert_eq!(readiness.not_ready(), None);
        assert_eq!(readiness.health().status, "degraded");
        *clock.0.lock() += Duration::from_millis(1);
        assert_eq!(readiness.not_ready(), Some("no sweep"));
    }
}
