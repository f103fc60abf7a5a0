//! The real-time core over the real store, in the test's own process, where the store can be made to fail and to wait.

mod epoch;
mod gate;
mod order;
mod posts;
mod recovery;
mod support;
mod tombstones;
