//! How a process that was told to end takes leave: [`crate::lifecycle`].

use super::duration;
use clap::Args;
use std::time::Duration;

/// The three stretches of a drain, one after the other.
#[derive(Debug, Clone, Args)]
pub struct DrainConfig {
    /// After SIGTERM: how long new connections are still taken, while `/health/ready` says 503 (0s: not at all)
    #[arg(id = "drain_delay", long = "drain-delay", env = "BELFRY_DRAIN_DELAY", default_value = "5s", value_parser = duration)]
    pub delay: Duration,
    /// After that: over how long sockets are closed, each at a time of its own (0s: as fast as they can be told)
    #[arg(id = "drain_window", long = "drain-window", env = "BELFRY_DRAIN_WINDOW", default_value = "5s", value_parser = duration)]
    pub window: Duration,
    /// After that: how long requests and sockets that have not ended are waited for
    #[arg(id = "drain", long = "drain", env = "BELFRY_DRAIN", default_value = "5s", value_parser = duration)]
    pub rest: Duration,
}
