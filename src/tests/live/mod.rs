//! The real-time core over the real store, in the test's own process, where the store can be made to fail and to wait.

mod bans;
mod epoch;
mod gate;
mod heartbeat;
mod memory;
mod order;
mod posts;
mod reactions;
mod recovery;
mod revocation;
mod slow;
mod support;
mod tombstones;
mod transport;
