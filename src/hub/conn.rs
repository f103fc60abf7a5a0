//! One socket: its stream, its cursors, and the little that waits for it. Everything that is written to it goes through
//! here, under one lock, so that frames never interleave.

use super::io::Io;
use super::log::{ChannelLog, Owed, Watch};
use super::pace::Pace;
use super::tail::Batch;
use crate::model::{Channel, SessionId, UserId};
use crate::protocol::codec::{Codec, close_frame};
use crate::protocol::codes::{CloseCode, ErrorCode};
use crate::protocol::server::{ErrorBody, ServerMessage};
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::Context;

/// Most bytes one visit writes to a socket before others get their turn.
const VISIT_BYTES: usize = 256 * 1024;

/// A socket.
pub struct Conn {
    /// Unique in the process.
    pub id: u64,
    /// How its messages are written.
    pub codec: Codec,
    /// The shard that writes to it.
    pub shard: usize,
    /// Its stream.
    pub io: Io,
    /// When something last came from it (milliseconds of the hub).
    pub heard_ms: AtomicU64,
    /// When the message that has not ended yet began; 0 if none has (milliseconds of the hub).
    pub begun_ms: AtomicU64,
    /// Its place in the shard's wheel.
    pub slot: AtomicU32,
    max_outbox: usize,
    writer: Mutex<Writer>,
}

/// What is written next, and to whom the socket belongs.
pub struct Writer {
    pub(super) subs: SmallVec<[Sub; 2]>,
    rest: Bytes,
    outbox: VecDeque<Bytes>,
    outbox_bytes: usize,
    pub(super) phase: Phase,
    /// On the shard's waiting list, or on the way to it.
    pub(super) waiting: bool,
    /// When bytes last moved or nothing waited (milliseconds of the hub).
    moved_ms: u64,
    /// Who signed in.
    pub who: Option<(UserId, SessionId)>,
    /// When the token ends (seconds since 1970); 0 for never.
    pub expires_at: i64,
    /// When `connect` must have come (milliseconds of the hub); 0 once it has.
    pub connect_by_ms: u64,
    /// Whether it ends with its post (the live shortcut).
    pub ends_with_post: bool,
    /// Commands and signals it may still send.
    pub pace: Pace,
}

/// A subscription: a cursor into a log.
pub struct Sub {
    pub(super) log: Watch,
    pub(super) cursor: i64,
    /// Place among the shard's members of the channel; `NOWHERE` until the shard has taken it up.
    pub(super) slot: u32,
    /// Delivery has ended; the shard takes it off its lists.
    pub(super) leaving: bool,
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

/// What a visit to a socket came to.
#[derive(Debug, Default, Clone, Copy)]
pub struct Visit {
    /// It would block, or others should have their turn first: come again.
    pub again: bool,
    /// Some subscription is to be taken off the shard's lists.
    pub leaving: bool,
    /// Events whose last byte was handed over.
    pub events: u64,
    /// Bytes handed over.
    pub bytes: u64,
}

impl Conn {
    /// A socket that has sent nothing yet.
    pub fn new(
        id: u64,
        codec: Codec,
        shard: usize,
        io: Io,
        now_ms: u64,
        connect_by_ms: u64,
        max_outbox: usize,
    ) -> Self {
        Self {
            id,
            codec,
            shard,
            io,
            heard_ms: AtomicU64::new(now_ms),
            begun_ms: AtomicU64::new(0),
            slot: AtomicU32::new(0),
            max_outbox,
            writer: Mutex::new(Writer {
                subs: SmallVec::new(),
                rest: Bytes::new(),
                outbox: VecDeque::new(),
                outbox_bytes: 0,
                phase: Phase::Open,
                waiting: false,
                moved_ms: now_ms,
                who: None,
                expires_at: 0,
                connect_by_ms,
                ends_with_post: false,
                pace: Pace::default(),
            }),
        }
    }

    /// The state, locked. Never held across an await.
    pub fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock()
    }

    /// Whether messages still go both ways.
    pub fn is_open(&self) -> bool {
        self.lock().phase == Phase::Open
    }

    /// Notes that something came.
    pub fn hear(&self, now_ms: u64) {
        self.heard_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Puts a frame behind what waits and writes what can be written. Says whether the shard must take the socket onto
    /// its waiting list.
    #[must_use]
    pub fn push(&self, frame: Bytes, now_ms: u64) -> bool {
        let mut writer = self.lock();
        if writer.phase == Phase::Open {
            writer.queue(frame);
            if writer.outbox_bytes > self.max_outbox {
                self.begin_close(&mut writer, CloseCode::Silent, now_ms);
            }
        }
        self.settle(&mut writer, now_ms)
    }

    /// Begins to close: what waits is written, then the Close, then nothing. Says what [`Conn::push`] says.
    #[must_use]
    pub fn close(&self, code: CloseCode, now_ms: u64) -> bool {
        let mut writer = self.lock();
        self.begin_close(&mut writer, code, now_ms);
        self.settle(&mut writer, now_ms)
    }

    /// As [`Conn::close`], with a frame of one's own (the echo of the client's Close).
    #[must_use]
    pub fn close_with(&self, frame: Bytes, now_ms: u64) -> bool {
        let mut writer = self.lock();
        writer.begin_close(frame, now_ms);
        self.settle(&mut writer, now_ms)
    }

    pub(super) fn begin_close(&self, writer: &mut Writer, code: CloseCode, now_ms: u64) {
        writer.begin_close(close_frame(code), now_ms);
    }

    /// Writes now what can be written; whether the shard must come (again) and the socket is not yet on its list.
    pub(super) fn settle(&self, writer: &mut Writer, now_ms: u64) -> bool {
        if writer.waiting {
            return false;
        }
        let visit = self.visit(writer, now_ms, None);
        writer.waiting = visit.again || visit.leaving;
        writer.waiting
    }

    /// Writes what is owed, in order: the rest of a begun frame, what waits in the outbox, then each log's lag. With a
    /// context the stream wakes it when more can be written.
    pub(super) fn visit(&self, writer: &mut Writer, now_ms: u64, mut cx: Option<&mut Context<'_>>) -> Visit {
        let mut visit = Visit::default();
        let mut turn = 0;
        loop {
            if writer.phase == Phase::Gone {
                return Visit { leaving: true, ..visit };
            }
            if turn > VISIT_BYTES {
                if let Some(cx) = cx {
                    cx.waker().wake_by_ref();
                }
                visit.again = true;
                return visit;
            }
            if writer.rest.is_empty()
                && let Some(frame) = writer.outbox.pop_front()
            {
                writer.outbox_bytes -= frame.len();
                writer.rest = frame;
            }
            if !writer.rest.is_empty() {
                match self.write(&writer.rest, cx.as_deref_mut()) {
                    Ok(written) => {
                        writer.moved_ms = now_ms;
                        visit.bytes += written as u64;
                        turn += written;
                        writer.rest = writer.rest.slice(written..);
                        continue;
                    }
                    Err(blocked) => return self.stop(writer, visit, blocked),
                }
            }
            if writer.phase != Phase::Open {
                self.io.finish();
                visit.leaving |= !writer.subs.is_empty();
                return visit;
            }
            match writer.next_owed(self.codec) {
                None => {
                    writer.moved_ms = now_ms;
                    visit.leaving |= writer.subs.iter().any(|sub| sub.leaving);
                    return visit;
                }
                Some((_, Owed::Nothing)) => {}
                Some((i, Owed::Lost(head))) => {
                    writer.subs[i].cursor = head;
                    let channel = writer.subs[i].log.channel;
                    let epoch = writer.subs[i].log.epoch();
                    let resync = ServerMessage::Resync { channel, epoch: &epoch, seq: head };
                    writer.queue(self.codec.frame(&resync));
                }
                Some((i, Owed::Batch(batch))) => match self.write(&batch.bytes, cx.as_deref_mut()) {
                    Ok(written) => {
                        writer.moved_ms = now_ms;
                        turn += written;
                        visit.bytes += written as u64;
                        visit.events += writer.advance(i, &batch, written);
                    }
                    Err(blocked) => return self.stop(writer, visit, blocked),
                },
            }
        }
    }

    /// The fast way: a batch that was made for this cursor goes straight into a socket that has nothing else waiting.
    /// `None` where that is not so and a whole visit is due.
    pub(super) fn offer(&self, writer: &mut Writer, sub: usize, batch: &Batch, now_ms: u64) -> Option<Visit> {
        if !writer.is_clean() {
            return None;
        }
        match self.io.try_write(&batch.bytes) {
            Ok(written) => {
                writer.moved_ms = now_ms;
                let events = writer.advance(sub, batch, written);
                Some(Visit { again: written < batch.bytes.len(), bytes: written as u64, events, leaving: false })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(_) => Some(self.stop(writer, Visit::default(), false)),
        }
    }

    /// Writes what is best effort, if nothing waits; a begun piece is finished later.
    pub(super) fn offer_ephemeral(&self, writer: &mut Writer, frames: &Bytes, now_ms: u64) -> Visit {
        if frames.is_empty() || !writer.is_clean() {
            return Visit::default();
        }
        match self.write(frames, None) {
            Ok(written) => {
                writer.moved_ms = now_ms;
                writer.rest = frames.slice(written..);
                Visit { again: !writer.rest.is_empty(), bytes: written as u64, ..Visit::default() }
            }
            Err(true) => Visit::default(),
            Err(false) => self.stop(writer, Visit::default(), false),
        }
    }

    fn write(&self, bytes: &[u8], cx: Option<&mut Context<'_>>) -> Result<usize, bool> {
        let written = match cx {
            None => self.io.try_write(bytes),
            Some(cx) => match self.io.poll_write(cx, bytes) {
                std::task::Poll::Ready(result) => result,
                std::task::Poll::Pending => return Err(true),
            },
        };
        match written {
            Ok(0) => Err(false),
            Ok(written) => Ok(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(true),
            Err(_) => Err(false),
        }
    }

    fn stop(&self, writer: &mut Writer, mut visit: Visit, blocked: bool) -> Visit {
        if blocked {
            visit.again = true;
        } else {
            writer.end();
            self.io.cut();
            visit.leaving = true;
        }
        visit
    }

    /// Ends a socket at once, whatever it is owed.
    pub fn cut(&self) {
        self.lock().end();
        self.io.cut();
    }
}

impl Writer {
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
        self.outbox_bytes += frame.len();
        self.outbox.push_back(frame);
    }

    fn begin_close(&mut self, frame: Bytes, now_ms: u64) {
        if self.phase == Phase::Open {
            self.phase = Phase::Closing(now_ms);
            self.queue(frame);
            self.leave_all();
        }
    }

    /// Nothing is written any more and nothing kept.
    pub(super) fn end(&mut self) {
        self.phase = Phase::Gone;
        self.rest = Bytes::new();
        self.outbox = VecDeque::new();
        self.outbox_bytes = 0;
        self.leave_all();
    }

    fn leave_all(&mut self) {
        self.subs.iter_mut().for_each(|sub| sub.leaving = true);
    }

    /// The first subscription that is owed something; ends those whose post is gone and told.
    fn next_owed(&mut self, codec: Codec) -> Option<(usize, Owed)> {
        for i in 0..self.subs.len() {
            let sub = &self.subs[i];
            if sub.leaving {
                continue;
            }
            match sub.log.owed(sub.cursor, codec) {
                Owed::Nothing if sub.log.is_missing() => {
                    let channel = sub.log.channel;
                    self.subs[i].leaving = true;
                    let error = ErrorBody {
                        code: ErrorCode::NotFound,
                        detail: "the post was deleted".into(),
                        retry_after_ms: None,
                    };
                    self.queue(codec.frame(&ServerMessage::Unsubscribed { channel, error }));
                    if self.ends_with_post {
                        self.begin_close(close_frame(CloseCode::NotFound), self.moved_ms);
                    }
                    return Some((i, Owed::Nothing));
                }
                Owed::Nothing => {}
                owed => return Some((i, owed)),
            }
        }
        None
    }

    /// Moves a cursor by what was written of a batch and keeps the rest of a begun frame; whole or begun events.
    fn advance(&mut self, sub: usize, batch: &Batch, written: usize) -> u64 {
        let (frames, rest) =
            if written == batch.bytes.len() { (batch.frames.len(), Bytes::new()) } else { batch.after(written) };
        self.subs[sub].cursor += frames as i64;
        self.rest = rest;
        frames as u64
    }
}
