//! What a shard says to many sockets, a few at a time: that they must fetch anew, and that this instance is going away.

use super::conn::Conn;
use super::log::ChannelLog;
use super::shard::Shard;
use super::turns::Turn;
use super::walk::key;
use super::writer::Phase;
use crate::metrics;
use crate::protocol::codes::CloseCode;
use crate::protocol::server::ServerMessage;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::Context;
use std::time::Duration;
use tokio::time::Interval;

/// How often turns are looked at, while there are any.
pub(super) const PACE: Duration = Duration::from_millis(10);
/// Fewest and most sockets told `going_away` at a time.
const BATCH: (usize, usize) = (32, 512);
/// Of the window, the part within which every socket has been told `going_away`.
const TOLD_WITHIN: u32 = 4;
/// How long a socket's close waits for an answer it still owes, or for the client to take what was written before.
const PATIENCE_MS: u64 = 2_000;

/// Sockets that are on their way out.
pub(super) struct Leave {
    /// When the last one has its turn, in milliseconds of the hub.
    until_ms: u64,
    /// Those that do not know yet.
    untold: VecDeque<Weak<Conn>>,
    /// How many of them are told at a time.
    batch: usize,
}

impl Shard {
    /// Gives each member of a log its turn to be told where to go on, within the window.
    pub(super) fn resync(&mut self, log: &Arc<ChannelLog>) {
        let window_ms = self.core.config.sweep.resync_window.as_millis() as u64;
        let now_ms = self.core.now_ms();
        for conn in self.members.get(&key(log)).into_iter().flatten() {
            let at_ms = now_ms + self.core.entropy.below(window_ms.max(1));
            self.turns.give(at_ms, Turn::Resync(Arc::downgrade(conn), log.clone()));
        }
    }

    /// Tells a socket to go on from where the log stands by now. Until then it was told nothing of it.
    fn tell_resync(&mut self, conn: &Arc<Conn>, log: &Arc<ChannelLog>) {
        let mut writer = conn.lock();
        let Some(sub) = writer.sub_of(log) else { return };
        if writer.resync_stale(sub, conn.codec) {
            self.settle(conn, writer);
        }
    }

    /// Begins to send every socket away, and whoever comes from now on.
    pub(super) fn begin_leave(&mut self, window: Duration) {
        let untold: VecDeque<_> = self.wheel.all().map(Arc::downgrade).collect();
        let batch = batch(untold.len(), window);
        let until_ms = self.core.now_ms() + window.as_millis() as u64;
        self.leave = Some(Leave { until_ms, untold, batch });
    }

    /// A socket is there that came too late.
    pub(super) fn leave_too(&mut self, conn: &Arc<Conn>) {
        if let Some(leave) = &mut self.leave {
            leave.untold.push_back(Arc::downgrade(conn));
        }
    }

    /// Does what is due; whether anything was looked at.
    pub(super) fn take_turns(&mut self, cx: &mut Context<'_>, pace: &mut Interval) -> bool {
        let untold = self.leave.as_ref().is_some_and(|leave| !leave.untold.is_empty());
        if (self.turns.is_empty() && !untold) || pace.poll_tick(cx).is_pending() {
            return false;
        }
        let now_ms = self.core.now_ms();
        if let Some(leave) = &mut self.leave {
            let until_ms = leave.until_ms;
            let some = leave.batch.min(leave.untold.len());
            let told: Vec<_> = leave.untold.drain(..some).filter_map(|conn| conn.upgrade()).collect();
            for conn in told {
                self.send_away(&conn, now_ms, until_ms);
            }
        }
        let mut unready = Vec::new();
        while let Some(turn) = self.turns.take(now_ms) {
            match turn {
                Turn::Resync(conn, log) => {
                    if let Some(conn) = conn.upgrade() {
                        self.tell_resync(&conn, &log);
                    }
                }
                Turn::Close(conn, latest_ms) => {
                    if let Some(conn) = conn.upgrade()
                        && !self.close(&conn, now_ms >= latest_ms)
                    {
                        unready.push((conn, latest_ms));
                    }
                }
            }
        }
        for (conn, latest_ms) in unready {
            self.turns.give(now_ms + 1, Turn::Close(Arc::downgrade(&conn), latest_ms));
        }
        true
    }

    /// Tells a socket when to come back, which is when it will be closed.
    fn send_away(&mut self, conn: &Arc<Conn>, now_ms: u64, until_ms: u64) {
        let mut writer = conn.lock();
        if writer.phase != Phase::Open {
            return;
        }
        let reconnect_after_ms = self.core.entropy.below(until_ms.saturating_sub(now_ms).max(1));
        let turn_ms = now_ms + reconnect_after_ms;
        writer.queue(conn.codec.frame(&ServerMessage::GoingAway { reconnect_after_ms }));
        self.settle(conn, writer);
        self.turns.give(turn_ms, Turn::Close(Arc::downgrade(conn), turn_ms + PATIENCE_MS));
        metrics::sent_away();
    }

    /// Closes a socket for the restart, unless a command of it is being carried out or something waits to be written;
    /// `at_last` then too. Whether it is done with.
    fn close(&mut self, conn: &Arc<Conn>, at_last: bool) -> bool {
        let mut writer = conn.lock();
        if writer.phase != Phase::Open {
            return true;
        }
        if !at_last && (conn.is_busy() || !writer.is_clean()) {
            return false;
        }
        conn.begin_close(&mut writer, CloseCode::Restart, self.core.now_ms());
        self.settle(conn, writer);
        true
    }
}

/// How many sockets are told at a time, so that all have been long before the window is over.
fn batch(sockets: usize, window: Duration) -> usize {
    let steps = (window / TOLD_WITHIN).as_millis() / PACE.as_millis();
    sockets.div_ceil(steps.max(1) as usize).clamp(BATCH.0, BATCH.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_told_within_a_quarter_of_the_window_and_never_all_at_once() {
        let window = Duration::from_secs(5);
        for sockets in [0_usize, 1, 33, 10_000, 50_000] {
            let steps = sockets.div_ceil(batch(sockets, window)) as u32;
            assert!(PACE * steps <= window / 4, "{sockets} sockets in {steps} steps");
        }
        assert!(10_000_usize.div_ceil(batch(10_000, window)) > 50);
        assert_eq!(batch(10_000, Duration::ZERO), 512);
    }
}
