//! What becomes of rooms in which much happens, and of sockets that do not keep up: [`crate::hub`].

use super::check::must;
use super::{SocketConfig, duration};
use clap::Args;
use std::time::Duration;

/// Longer would be seen.
const WIDEST: Duration = Duration::from_millis(20);

/// Not more often than in other rooms, nor so seldom that clients drop a name which is still being repeated.
const TOLD_EVERY: std::ops::RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(3);

/// Hot rooms and slow sockets.
#[derive(Debug, Clone, Args)]
pub struct HotConfig {
    /// Bytes that wait for slow sockets, of all together; above it those for which most wait are closed (4508)
    #[arg(long, env = "BELFRY_MAX_LAG_BYTES", default_value_t = 67_108_864)]
    pub max_lag_bytes: usize,
    /// How long events in a hot room wait at most for one another, to be one write to each socket (0s: never; up to 20ms)
    #[arg(long, env = "BELFRY_FLUSH_WINDOW", default_value = "10ms", value_parser = duration)]
    pub flush_window: Duration,
    /// Writes a second to one room's sockets, of a core, that are not too many: above it the room is hot
    #[arg(long, env = "BELFRY_FLUSH_WRITES", default_value_t = 20_000)]
    pub flush_writes: u32,
    /// Shortest time in a hot room between two tellings of who is there, or who writes (500ms to 3s)
    #[arg(long, env = "BELFRY_HOT_TOLD_EVERY", default_value = "1s", value_parser = duration)]
    pub hot_told_every: Duration,
    /// Signals a second and hot room; more are dropped
    #[arg(long, env = "BELFRY_SIGNALS_PER_HOT_ROOM", default_value_t = 25)]
    pub signals_per_hot_room: u32,
    /// How long reactions to a comment that many react to wait at most for one another, to be one event (0s: never; up to 1s)
    #[arg(long, env = "BELFRY_REACTION_WINDOW", default_value = "250ms", value_parser = duration)]
    pub reaction_window: Duration,
}

impl HotConfig {
    pub(super) fn check(&self, sockets: &SocketConfig) -> Result<(), String> {
        let one = sockets.max_outbox <= self.max_lag_bytes;
        must(one, "BELFRY_MAX_LAG_BYTES must be at least BELFRY_MAX_OUTBOX")?;
        must(self.flush_window <= WIDEST, "BELFRY_FLUSH_WINDOW must be at most 20ms")?;
        must(self.flush_writes > 0, "BELFRY_FLUSH_WRITES must be at least 1")?;
        must(TOLD_EVERY.contains(&self.hot_told_every), "BELFRY_HOT_TOLD_EVERY must be between 500ms and 3s")?;
        must(self.signals_per_hot_room > 0, "BELFRY_SIGNALS_PER_HOT_ROOM must be at least 1")?;
        must(self.reaction_window <= Duration::from_secs(1), "BELFRY_REACTION_WINDOW must be at most 1s")
    }
}
