//! What is remembered, and the promises about it.
//!
//! Every change is a value, a [`Write`](write::Write); what waits is committed as one transaction across channels
//! ([`group`]). Each write is atomic: its rows, its channels' heads and counters, its events and its idempotency key are
//! there together or not at all. Reads see committed rows only.
//!
//! SQL stands below this module and nowhere else; which database it is, is chosen at run time.

pub mod backend;
pub mod bells;
pub mod error;
mod gather;
pub mod group;
mod lanes;
pub mod postgres;
pub mod sqlite;
pub mod ledger;
pub mod compose;
mod hosting;
mod moderation;
pub mod rows;
pub mod epoch;
pub mod excerpt;
pub mod handles;
pub mod inbox;
pub mod notices;
mod place;
mod posting;
pub mod reacting;
pub mod read;
pub mod words;
pub mod write;

#[cfg(test)]
pub(crate) mod conformance;

pub use backend::{Backend, CommitSink, Committed};
pub use error::{Rejection, StoreError};
pub use group::Store;
