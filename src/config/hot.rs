//! What becomes of rooms in which much happens, and of sockets that do not keep up: [`crate::hub`].

use super::SocketConfig;
use super::check::must;
use clap::Args;

/// Hot rooms and slow sockets.
#[derive(Debug, Clone, Args)]
pub struct HotConfig {
    /// Bytes that wait for slow sockets, of all together; above it those for which most wait are closed (4508)
    #[arg(long, env = "BELFRY_MAX_LAG_BYTES", default_value_t = 67_108_864)]
    pub max_lag_bytes: usize,
}

impl HotConfig {
    pub(super) fn check(&self, sockets: &SocketConfig) -> Result<(), String> {
        let one = sockets.max_outbox <= self.max_lag_bytes;
        must(one, "BELFRY_MAX_LAG_BYTES must be at least BELFRY_MAX_OUTBOX")
    }
}
