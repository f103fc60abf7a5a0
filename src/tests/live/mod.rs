//! The real-time core over the real store, in the test's own process, where the store can be made to fail and to wait.

mod access;
mod bans;
mod bell;
mod epoch;
mod gate;
mod heartbeat;
mod hosts;
mod lag;
mod leave;
mod memory;
mod neighbours;
mod order;
mod partial;
mod posts;
mod presence;
mod rates;
mod reactions;
mod recovery;
mod redis;
mod revocation;
mod rosters;
mod slow;
pub(crate) mod support;
mod tabs;
mod tombstones;
mod transport;
mod typing;
