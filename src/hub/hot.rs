//! Hot rooms: those in which so much happens, before so many, that it pays to let events wait a moment for one another, so
//! that several are one write to each socket. Each shard judges for itself, by what it would write.

use super::log::ChannelLog;
use super::walk::key;
use crate::config::HotConfig;
use crate::metrics;
use crate::model::window::{Pays, Windows};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// Rounds that one of a window's width takes the place of: from one and a half on average, down to one.
const PAYS: Pays = Pays { from: 1.5, until: 1.0 };
/// Narrower is nothing that a timer can keep.
const NARROWEST_US: u64 = 1_000;

/// The hot rooms of one shard.
pub struct Hot {
    widest_us: u64,
    writes_per_second: u64,
    rooms: Windows<usize, Room>,
    timer: Pin<Box<Sleep>>,
    /// What the timer is set to.
    set_us: u64,
    /// Up to when the timer has run, whatever the clock says.
    ran_us: u64,
}

struct Room {
    log: Arc<ChannelLog>,
    open: bool,
}

impl Hot {
    /// No room is hot.
    pub fn new(config: &HotConfig) -> Self {
        Self {
            widest_us: config.flush_window.as_micros() as u64,
            writes_per_second: u64::from(config.flush_writes),
            rooms: Windows::new(PAYS),
            timer: Box::pin(sleep(Duration::ZERO)),
            set_us: 0,
            ran_us: 0,
        }
    }

    /// There is something new in a log with so many members; whether it waits, to come out of [`Hot::take`].
    pub fn waits(&mut self, log: &Arc<ChannelLog>, members: usize, now_us: u64) -> bool {
        let width_us = self.width_us(members);
        if width_us < NARROWEST_US {
            return false;
        }
        let new = || Room { log: log.clone(), open: false };
        let (window, room, waits) = self.rooms.come(key(log), now_us.max(self.ran_us), width_us, new);
        room.set_open(window.is_open());
        waits
    }

    /// So wide that a round through the members in each is as many writes as are not too many.
    fn width_us(&self, members: usize) -> u64 {
        (members as u64 * 1_000_000 / self.writes_per_second).min(self.widest_us)
    }

    /// The next log that has waited long enough.
    pub fn take(&mut self, now_us: u64) -> Option<Arc<ChannelLog>> {
        self.rooms.take(now_us.max(self.ran_us)).map(|room| room.log.clone())
    }

    /// Whether one has; else it is woken when one does.
    pub fn poll_due(&mut self, cx: &mut Context<'_>, now_us: u64) -> bool {
        let Some(due_us) = self.rooms.next_due() else { return false };
        let now_us = now_us.max(self.ran_us);
        if due_us <= now_us {
            return true;
        }
        if self.set_us != due_us {
            self.set_us = due_us;
            self.timer.as_mut().reset(Instant::now() + Duration::from_micros(due_us - now_us));
        }
        let due = self.timer.as_mut().poll(cx).is_ready();
        if due {
            self.ran_us = due_us;
        }
        due
    }

    /// Time has passed: rooms that have cooled down are let go.
    pub fn look(&mut self, now_us: u64) {
        self.rooms.look(now_us, |window, room| room.set_open(window.is_open()));
    }
}

impl Room {
    fn set_open(&mut self, open: bool) {
        if std::mem::replace(&mut self.open, open) != open {
            self.log.set_hot(open);
            metrics::flush_windows(if open { 1 } else { -1 });
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.set_open(false);
    }
}
