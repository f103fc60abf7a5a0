//! What is counted of who is where.

use super::{NODES, PARTIAL_ROSTERS, hot};
use metrics::gauge;

/// Rooms have somebody to be seen in them now, or nobody any more (negative).
pub fn rosters(change: i64) {
    hot(|hot| hot.rosters.increment(change as f64));
}

/// In so many more of them others may be who are not seen, or in so many fewer (negative).
pub fn partial_rosters(change: i64) {
    gauge!(PARTIAL_ROSTERS).increment(change as f64);
}

/// So many other instances are known.
pub fn nodes(known: usize) {
    gauge!(NODES).set(known as f64);
}
