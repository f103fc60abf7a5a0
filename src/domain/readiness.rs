//! Whether this instance is of use: what would become of a message committed now.

use crate::bus::{Bus, Delivery};
use crate::model::clock::SharedClock;
use parking_lot::RwLock;
use serde::Serialize;
use std::sync::Arc;
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
/// **Invariant:** ready means that a message committed now would arrive, by the bus or by a sweep. The bus counts by what
/// came through it, not by what it says of itself; without it nobody is taken off a balancer.
pub struct Readiness {
    clock: SharedClock,
    bus: Arc<dyn Bus>,
    seen: RwLock<Seen>,
}

struct Seen {
    phase: Phase,
    database: Part,
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
    /// Not ready: nothing was found out yet.
    pub fn new(clock: SharedClock, bus: Arc<dyn Bus>) -> Self {
        let seen = Seen { phase: Phase::Starting, database: Part::Down, swept: None };
        Self { clock, bus, seen: RwLock::new(seen) }
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

    /// A sweep compared all heads with the database and came to its end.
    pub fn swept(&self) {
        let now = self.clock.instant();
        let mut seen = self.seen.write();
        seen.swept = Some(now);
        seen.database = Part::Ok;
    }

    /// Nothing, or why this instance should get no new work.
    pub fn not_ready(&self) -> Option<&'static str> {
        let swept = self.since_sweep().is_some_and(|age| age <= SWEEP_GRACE);
        // A bus inside the process proves nothing of the store: that a message would arrive is shown by a sweep.
        let proved = self.bus.delivery() != Delivery::InProcess && self.bus.delivery().is_up();
        let seen = self.seen.read();
        match seen.phase {
            Phase::Starting => Some("starting"),
            Phase::Draining => Some("draining"),
            Phase::Serving if seen.database == Part::Down => Some("no database"),
            Phase::Serving if !swept && !proved => Some("no sweep"),
            Phase::Serving => None,
        }
    }

    /// How the parts are.
    pub fn health(&self) -> Health {
        let database = self.seen.read().database;
        let bus = if self.bus.delivery().is_up() { Part::Ok } else { Part::Down };
        let status = match (database, bus) {
            (Part::Down, _) => "down",
            (Part::Ok, Part::Down) => "degraded",
            (Part::Ok, Part::Ok) => "ok",
        };
        Health { status, database, bus }
    }

    /// How long ago the last sweep came to its end.
    pub fn since_sweep(&self) -> Option<Duration> {
        let swept = self.seen.read().swept;
        swept.map(|at| self.clock.instant().saturating_duration_since(at))
    }

    /// How long ago a message to oneself last came through the bus, where there is one to come through.
    pub fn since_probe(&self) -> Option<Option<Duration>> {
        match self.bus.delivery() {
            Delivery::InProcess => None,
            Delivery::Proved(age) => Some(age),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{BusError, Incoming, LocalBus, Message, Node, PROOF_LASTS};
    use crate::model::{Channel, Clock, Timestamp};
    use async_trait::async_trait;
    use parking_lot::Mutex;
    use tokio::sync::mpsc::Receiver;

    struct ByHand(Mutex<Instant>);

    impl Clock for ByHand {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }
        fn instant(&self) -> Instant {
            *self.0.lock()
        }
    }

    /// A bus that says of its delivery what it is told to.
    struct Told(Mutex<Option<Duration>>);

    #[async_trait]
    impl Bus for Told {
        fn node(&self) -> Node {
            Node(1)
        }
        fn publish(&self, _: Message) {}
        async fn subscribe(&self, _: &[Channel]) -> Result<(), BusError> {
            Ok(())
        }
        async fn unsubscribe(&self, _: &[Channel]) {}
        fn incoming(&self) -> Option<Receiver<Incoming>> {
            None
        }
        fn delivery(&self) -> Delivery {
            Delivery::Proved(*self.0.lock())
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the clock that is then moved by hand")]
    fn on(bus: Arc<dyn Bus>) -> (Arc<ByHand>, Readiness) {
        let clock = Arc::new(ByHand(Mutex::new(Instant::now())));
        let readiness = Readiness::new(clock.clone(), bus);
        (clock, readiness)
    }

    #[test]
    fn an_instance_is_ready_once_started_with_its_database() {
        let (_, readiness) = on(LocalBus::new().join());
        assert_eq!(readiness.not_ready(), Some("starting"));
        assert_eq!(readiness.health().status, "down");
        readiness.started();
        assert_eq!(readiness.not_ready(), Some("no database"));
        readiness.database(Part::Ok);
        assert_eq!(readiness.not_ready(), Some("no sweep"));
        readiness.swept();
        assert_eq!(readiness.not_ready(), None);
        assert_eq!((readiness.health().status, readiness.since_probe()), ("ok", None));
        readiness.draining();
        assert_eq!(readiness.not_ready(), Some("draining"));
    }

    #[test]
    fn without_the_bus_only_a_recent_sweep_keeps_it_ready_and_it_says_so() {
        let (clock, readiness) = on(Arc::new(Told(Mutex::new(None))));
        readiness.started();
        readiness.database(Part::Ok);
        assert_eq!(readiness.not_ready(), Some("no sweep"));
        readiness.swept();
        *clock.0.lock() += SWEEP_GRACE;
        assert_eq!((readiness.not_ready(), readiness.since_sweep()), (None, Some(SWEEP_GRACE)));
        assert_eq!((readiness.health().status, readiness.health().bus), ("degraded", Part::Down));
        *clock.0.lock() += Duration::from_millis(1);
        assert_eq!(readiness.not_ready(), Some("no sweep"));
    }

    #[test]
    fn what_came_through_the_bus_lately_keeps_it_ready_between_sweeps_while_the_database_answers() {
        let bus = Arc::new(Told(Mutex::new(Some(PROOF_LASTS))));
        let (clock, readiness) = on(bus.clone());
        readiness.started();
        readiness.swept();
        *clock.0.lock() += SWEEP_GRACE * 2;
        assert_eq!((readiness.not_ready(), readiness.health().status), (None, "ok"));
        *bus.0.lock() = Some(PROOF_LASTS + Duration::from_millis(1));
        assert_eq!((readiness.not_ready(), readiness.health().status), (Some("no sweep"), "degraded"));
        *bus.0.lock() = Some(Duration::ZERO);
        readiness.database(Part::Down);
        assert_eq!((readiness.not_ready(), readiness.health().status), (Some("no database"), "down"));
    }
}
