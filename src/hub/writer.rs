//! What is written to a socket next: the rest of a begun frame, the little that waits, and cursors into logs.

use super::log::{ChannelLog, Owed};
use super::outbox::Outbox;
use super::pace::Pace;
use super::room::far_behind;
use super::tail::Batch;
use super::watch::Watch;
use crate::metrics::{self, Resync};
use crate::model::{Channel, SessionId, UserId};
use crate::protocol::codec::{Codec, close_frame};
use crate::protocol::codes::{CloseCode, ErrorCode};
use crate::protocol::server::{ErrorBody, ServerMessage};
use bytes::Bytes;
use smallvec::SmallVec;
use std::sync::Arc;

/// What is written next, and to whom the socket belongs.
pub struct Writer {
    pub(super) subs: SmallVec<[Sub; 2]>,
    /// What is left of a begun frame.
    pub(super) rest: Bytes,
    /// Bytes of all of that frame, which are kept until it ends.
    begun: u32,
    /// Bytes that this socket is known to hold.
    pub(super) accounted: u32,
    pub(super) outbox: Outbox,
    pub(super) phase: Phase,
    /// On the shard's waiting list, or on the way to it.
    pub(super) waiting: bool,
    /// When bytes last moved, or began to wait (milliseconds of the hub).
    pub(super) moved_ms: u64,
    /// The code of the Close that was sent; 1006 while there is none.
    pub(super) closed_with: u16,
    /// Who signed in.
    pub who: Option<(UserId, SessionId)>,
    /// When the token ends (seconds since 1970); 0 for never.
    pub expires_at: i64,
    /// When `connect` must have come (milliseconds of the hub); 0 once it has.
    pub connect_by_ms: u64,
    /// It is over with the subscription that comes next (the live shortcut, to its post).
    pub ends_with_next: bool,
    /// The subscription that is looked at next: none starves another.
    turn: u8,
    /// Some roster was not told to it.
    pub(super) owes_presence: bool,
    /// Commands and signals it may still send.
    pub pace: Pace,
}

/// A subscription: a cursor into a log.
pub struct Sub {
    pub(super) log: Watch,
    pub(super) cursor: i64,
    /// Place among the shard's members of the channel; `NOWHERE` until the shard has taken it up.
    pub(super) slot: u32,
    /// The log's generation that the cursor is of.
    pub(super) generation: u16,
    /// The revision of the roster that was told; 0 where it is not told and the socket has no seat.
    pub(super) presence: u32,
    /// The mark of what it writes there, 0 for nothing.
    pub(super) typing: u8,
    /// Delivery has ended; the shard takes it off its lists.
    pub(super) leaving: bool,
    /// The socket is over with it.
    pub(super) ends_all: bool,
}

/// A subscription's place before the shard has given it one.
pub const NOWHERE: u32 = u32::MAX;

/// The life of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Messages go both ways.
    Open,
    /// A Close is on its way since (milliseconds of the hub); only that and what stood before it is written.
    Closing(u64),
    /// Nothing is written any more.
    Gone,
}

impl Sub {
    /// A subscription from this cursor on, without a seat.
    pub(super) fn new(log: Watch, cursor: i64, generation: u16) -> Self {
        let (slot, presence, typing) = (NOWHERE, 0, 0);
        Self { log, cursor, slot, generation, presence, typing, leaving: false, ends_all: false }
    }
}

impl Writer {
    /// Nothing waits, nobody has signed in.
    pub(super) fn new(now_ms: u64, connect_by_ms: u64) -> Self {
        Self {
            subs: SmallVec::new(),
            rest: Bytes::new(),
            begun: 0,
            accounted: 0,
            outbox: Outbox::default(),
            phase: Phase::Open,
            waiting: false,
            moved_ms: now_ms,
            closed_with: 1006,
            who: None,
            expires_at: 0,
            connect_by_ms,
            ends_with_next: false,
            turn: 0,
            owes_presence: false,
            pace: Pace::default(),
        }
    }

    /// Begins the next frame that waits.
    pub(super) fn begin_next(&mut self) {
        if let Some(frame) = self.outbox.pop() {
            self.begin(&frame, 0);
        }
    }

    /// Some of a frame was written; the rest, if there is one, comes next. Nothing may be begun.
    pub(super) fn begin(&mut self, frame: &Bytes, written: usize) {
        if written < frame.len() {
            self.begun = frame.len() as u32;
            self.rest = frame.slice(written..);
        }
    }

    /// Bytes that are kept for this socket alone.
    pub(super) fn held(&self) -> usize {
        let begun = if self.rest.is_empty() { 0 } else { self.begun as usize };
        begun + self.outbox.bytes()
    }

    /// Whether nothing waits.
    pub(super) fn is_clean(&self) -> bool {
        self.phase == Phase::Open && !self.waiting && self.rest.is_empty() && self.outbox.is_empty()
    }

    /// Since when bytes wait without moving, in milliseconds of the hub.
    pub(super) fn stalled_since(&self) -> Option<u64> {
        (!self.rest.is_empty() || !self.outbox.is_empty() || self.waiting).then_some(self.moved_ms)
    }

    /// The live subscription to a channel.
    pub(super) fn sub_of(&self, log: &Arc<ChannelLog>) -> Option<usize> {
        self.subs.iter().position(|sub| !sub.leaving && Arc::ptr_eq(&sub.log, log))
    }

    /// The live subscription to a channel, by name.
    pub fn sub_named(&self, channel: Channel) -> Option<usize> {
        self.subs.iter().position(|sub| !sub.leaving && sub.log.channel == channel)
    }

    /// Where in its life the socket is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Live subscriptions.
    pub fn live_subs(&self) -> usize {
        self.subs.iter().filter(|sub| !sub.leaving).count()
    }

    pub(super) fn queue(&mut self, frame: Bytes) {
        self.outbox.push(frame);
    }

    /// Puts a heartbeat behind what waits, unless one is there already.
    pub(super) fn queue_heartbeat(&mut self, heartbeat: &Bytes) {
        if self.phase == Phase::Open {
            self.outbox.push_heartbeat(heartbeat);
        }
    }

    /// Moves a subscription to where a log stands now and says so.
    pub(super) fn resync(&mut self, sub: usize, codec: Codec, head: i64, reason: Resync) {
        metrics::resynced(reason);
        let sub = &mut self.subs[sub];
        sub.cursor = head;
        sub.generation = sub.log.generation();
        let message = ServerMessage::Resync { channel: sub.log.channel, epoch: &sub.log.epoch(), seq: head };
        self.queue(codec.frame(&message));
    }

    /// Whether a subscription's cursor is of a database that the log is no longer of.
    pub(super) fn is_stale(&self, sub: usize) -> bool {
        self.subs[sub].generation != self.subs[sub].log.generation()
    }

    /// Tells a stale subscription where to go on; whether it did. A log that stands nowhere yet is told of once it does.
    pub(super) fn resync_stale(&mut self, sub: usize, codec: Codec) -> bool {
        let head = self.subs[sub].log.head().filter(|_| self.is_stale(sub));
        if let Some(head) = head {
            self.resync(sub, codec, head, Resync::Replaced);
        }
        head.is_some()
    }

    pub(super) fn begin_close(&mut self, code: u16, frame: Bytes, now_ms: u64) {
        if self.phase == Phase::Open {
            self.closed_with = code;
            self.phase = Phase::Closing(now_ms);
            self.queue(frame);
            self.leave_all(now_ms);
        }
    }

    /// Nothing is written any more and nothing kept.
    pub(super) fn end(&mut self, now_ms: u64) {
        self.phase = Phase::Gone;
        self.rest = Bytes::new();
        self.outbox = Outbox::default();
        self.leave_all(now_ms);
    }

    fn leave_all(&mut self, now_ms: u64) {
        (0..self.subs.len()).for_each(|sub| self.leave(sub, now_ms));
    }

    /// Ends a subscription, gives up its seat, and ends what is written by it.
    pub(super) fn leave(&mut self, sub: usize, now_ms: u64) {
        self.unseat(sub, now_ms);
        let who = self.who.map(|(user, _)| user);
        let sub = &mut self.subs[sub];
        sub.leaving = true;
        if let Some(who) = who.filter(|_| sub.typing != 0) {
            sub.log.room.end_typing(who, std::mem::take(&mut sub.typing));
        }
    }

    /// Gives up the seat of a subscription, if it has one.
    pub(super) fn unseat(&mut self, sub: usize, now_ms: u64) {
        let who = self.who.map(|(user, _)| user);
        let sub = &mut self.subs[sub];
        if std::mem::take(&mut sub.presence) != 0 {
            sub.log.room.leave(&sub.log, who, now_ms);
        }
    }

    /// Nobody was told the rosters that subscriptions hold revisions of: all of them are owed.
    pub(super) fn forget_rosters(&mut self) {
        for sub in self.subs.iter_mut().filter(|sub| sub.presence != 0) {
            sub.presence = far_behind(sub.presence);
            self.owes_presence = true;
        }
    }

    /// Begins a roster that was not told; whether there was one. Nothing else may wait.
    pub(super) fn begin_presence(&mut self, codec: Codec) -> bool {
        for sub in self.subs.iter_mut().filter(|sub| sub.presence != 0) {
            if let Some((revision, frame)) = sub.log.room.owed(sub.presence, codec) {
                sub.presence = revision;
                if !frame.is_empty() {
                    (self.begun, self.rest) = (frame.len() as u32, frame);
                    return true;
                }
            }
        }
        self.owes_presence = false;
        false
    }

    /// The first subscription that is owed something; ends those whose post is gone and told.
    pub(super) fn next_owed(&mut self, codec: Codec, now_ms: u64) -> Option<(usize, Owed)> {
        for step in 0..self.subs.len() {
            let i = (usize::from(self.turn) + step) % self.subs.len();
            let sub = &self.subs[i];
            if sub.leaving {
                continue;
            }
            match sub.log.owed(sub.cursor, sub.generation, codec) {
                Owed::Nothing if sub.log.is_missing() => {
                    let channel = sub.log.channel;
                    self.leave(i, now_ms);
                    let error = ErrorBody {
                        code: ErrorCode::NotFound,
                        detail: "the post was deleted".into(),
                        retry_after_ms: None,
                    };
                    self.queue(codec.frame(&ServerMessage::Unsubscribed { channel, error }));
                    if self.subs[i].ends_all {
                        let gone = CloseCode::NotFound;
                        self.begin_close(gone.code(), close_frame(gone), now_ms);
                    }
                    return Some((i, Owed::Nothing));
                }
                Owed::Nothing => {}
                owed => {
                    self.turn = i as u8 + 1;
                    return Some((i, owed));
                }
            }
        }
        None
    }

    /// Moves a cursor by what was written of a batch and keeps the rest of a begun frame; whole or begun events.
    pub(super) fn advance(&mut self, sub: usize, batch: &Batch, written: usize) -> u64 {
        let (frames, rest) =
            if written == batch.bytes.len() { (batch.frames.len(), Bytes::new()) } else { batch.after(written) };
        self.subs[sub].cursor += frames as i64;
        self.begun = batch.frames[..frames].last().map_or(0, Bytes::len) as u32;
        self.rest = rest;
        frames as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_four_words() {
        assert!(size_of::<Sub>() <= 32, "{} bytes", size_of::<Sub>());
    }
}
