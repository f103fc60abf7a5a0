//! What is counted of sockets that do not keep up, step by step.

use super::{FLUSH_WINDOWS, RESYNCS, SKIPPED, SLOW, hot};
use metrics::{counter, gauge};

/// Why a signal was not written to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skipped {
    /// The socket is behind; counted for each.
    Behind,
    /// Too many wait for those who write to sockets; counted once for many.
    Full,
}

/// Why a subscription was told to fetch again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resync {
    /// It was further behind than the memory of its channel reaches.
    Behind,
    /// The database is another one, or went back.
    Replaced,
}

/// What a socket was closed for with 4508, or cut where no Close could be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slow {
    /// It lets too many answers wait.
    Outbox,
    /// It has not taken a byte of what it is owed for too long.
    Stalled,
    /// It has not been heard for too long.
    Silent,
    /// It began a message and does not end it.
    Unfinished,
    /// Too much waits for all sockets together, and most for this one.
    Memory,
}

/// Signals were not written.
pub fn signals_skipped(reason: Skipped, signals: u64) {
    let reason = match reason {
        _ if signals == 0 => return,
        Skipped::Behind => "behind",
        Skipped::Full => "full",
    };
    counter!(SKIPPED, "reason" => reason).increment(signals);
}

/// A subscription was told to fetch again.
pub fn resynced(reason: Resync) {
    let reason = match reason {
        Resync::Behind => "behind",
        Resync::Replaced => "replaced",
    };
    counter!(RESYNCS, "reason" => reason).increment(1);
}

/// A socket was closed for being slow.
pub fn slow_closed(cause: Slow) {
    let cause = match cause {
        Slow::Outbox => "outbox",
        Slow::Stalled => "stalled",
        Slow::Silent => "silent",
        Slow::Unfinished => "unfinished",
        Slow::Memory => "memory",
    };
    counter!(SLOW, "cause" => cause).increment(1);
}

/// Rooms have become hot, or have cooled down (negative).
pub fn flush_windows(change: i64) {
    gauge!(FLUSH_WINDOWS).increment(change as f64);
}

/// More bytes wait for sockets, or fewer (negative).
pub fn lag_bytes(change: i64) {
    hot(|hot| hot.lag_bytes.increment(change as f64));
}
