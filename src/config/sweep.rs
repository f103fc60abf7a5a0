//! How often the database is compared with what is known of it: [`crate::hub`].

use super::duration;
use clap::Args;
use std::time::Duration;

/// What an operator may choose. A pause of 4/3 of the longest must leave time for the query, within the two seconds in
/// which a sign-out reaches every instance without a bus.
const INTERVAL: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_millis(1_200);

/// The sweep.
#[derive(Debug, Clone, Args)]
pub struct SweepConfig {
    /// Time between two sweeps, give or take a third; what the bus did not bring arrives within it (50ms to 1200ms)
    #[arg(id = "sweep_interval", long = "sweep-interval", env = "BELFRY_SWEEP_INTERVAL", default_value = "750ms",
        value_parser = duration)]
    pub interval: Duration,
    /// Over how long sockets are told that the database is another one, or went back, and that they must fetch anew
    #[arg(id = "resync_window", long = "resync-window", env = "BELFRY_RESYNC_WINDOW", default_value = "5s",
        value_parser = duration)]
    pub resync_window: Duration,
}

impl SweepConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        let fits = INTERVAL.contains(&self.interval);
        super::check::must(fits, "BELFRY_SWEEP_INTERVAL must be between 50ms and 1200ms")
    }
}
