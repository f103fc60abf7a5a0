//! One socket: its stream, its cursors, and the little that waits for it. Everything that is written to it goes through
//! here, under one lock, so that frames never interleave.

use super::io::Io;
use super::lag::Lag;
use super::log::Owed;
use super::news::News;
use super::tail::Batch;
use super::writer::{Phase, Writer};
use crate::metrics::{self, Resync, Slow};
use crate::protocol::codec::{Codec, close_frame};
use crate::protocol::codes::CloseCode;
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

/// Most bytes one visit writes to a socket before others get their turn.
const VISIT_BYTES: usize = 256 * 1024;

/// A socket.
pub struct Conn {
    /// Unique in the process.
    pub id: u64,
    /// How its messages are written.
    pub codec: Codec,
    /// Its stream.
    pub io: Io,
    /// When something last came from it (milliseconds of the hub).
    pub heard_ms: AtomicU64,
    /// When the message that has not ended yet began; 0 if none has (milliseconds of the hub).
    pub begun_ms: AtomicU64,
    /// Its place in the shard's wheel.
    pub slot: AtomicU32,
    /// What came from it is being carried out.
    busy: AtomicBool,
    lag: Arc<Lag>,
    writer: Mutex<Writer>,
}

/// A socket's state, locked; what it holds is accounted for when it is let go of.
pub struct Locked<'a> {
    writer: MutexGuard<'a, Writer>,
    lag: &'a Lag,
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
    pub fn new(id: u64, codec: Codec, io: Io, now_ms: u64, connect_by_ms: u64, lag: Arc<Lag>) -> Self {
        Self {
            id,
            codec,
            io,
            heard_ms: AtomicU64::new(now_ms),
            begun_ms: AtomicU64::new(0),
            slot: AtomicU32::new(0),
            busy: AtomicBool::new(false),
            lag,
            writer: Mutex::new(Writer::new(now_ms, connect_by_ms)),
        }
    }

    /// The state, locked. Never held across an await.
    pub fn lock(&self) -> Locked<'_> {
        Locked { writer: self.writer.lock(), lag: &self.lag }
    }

    /// Looks at each part of what a visit will look at. Done to several sockets one after the other, the processor fetches
    /// what it does not have of them at the same time.
    pub(super) fn touch(&self) {
        std::hint::black_box((self.io.is_tcp(), self.id, self.slot.load(Ordering::Relaxed)));
    }

    /// Whether messages still go both ways.
    pub fn is_open(&self) -> bool {
        self.lock().phase == Phase::Open
    }

    /// Notes that something came.
    pub fn hear(&self, now_ms: u64) {
        self.heard_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Notes whether a message of it is being carried out, or waits for that.
    pub fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
    }

    /// Whether an answer may still be owed to it.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// Puts a frame behind what waits and writes what can be written. Says whether the shard must take the socket onto
    /// its waiting list.
    #[must_use]
    pub fn push(&self, frame: Bytes, now_ms: u64) -> bool {
        let mut writer = self.lock();
        if writer.phase == Phase::Open {
            self.enqueue(&mut writer, frame, now_ms);
        }
        self.settle(&mut writer, now_ms)
    }

    /// Puts a frame behind what waits; a socket that lets too much wait is closed.
    pub(super) fn enqueue(&self, writer: &mut Writer, frame: Bytes, now_ms: u64) {
        writer.queue(frame);
        if writer.outbox.bytes() > self.lag.max_outbox {
            metrics::slow_closed(Slow::Outbox);
            self.begin_close(writer, CloseCode::Silent, now_ms);
        }
    }

    /// Begins to close: what waits is written, then the Close, then nothing. Says what [`Conn::push`] says.
    #[must_use]
    pub fn close(&self, code: CloseCode, now_ms: u64) -> bool {
        let mut writer = self.lock();
        self.begin_close(&mut writer, code, now_ms);
        self.settle(&mut writer, now_ms)
    }

    /// As [`Conn::close`], with a frame of one's own (the echo of the client's Close, which had this code).
    #[must_use]
    pub fn close_with(&self, code: u16, frame: Bytes, now_ms: u64) -> bool {
        let mut writer = self.lock();
        writer.begin_close(code, frame, now_ms);
        self.settle(&mut writer, now_ms)
    }

    pub(super) fn begin_close(&self, writer: &mut Writer, code: CloseCode, now_ms: u64) {
        writer.begin_close(code.code(), close_frame(code), now_ms);
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
            if writer.rest.is_empty() {
                writer.begin_next();
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
                    Err(blocked) => return self.stop(writer, visit, blocked, now_ms),
                }
            }
            if writer.phase != Phase::Open {
                visit.again = self.poll(cx, |cx| self.io.poll_finish(cx)).is_pending();
                visit.leaving |= !writer.subs.is_empty();
                return visit;
            }
            match writer.next_owed(self.codec, now_ms) {
                None if writer.owes_presence && writer.begin_presence(self.codec) => {}
                None => {
                    match self.poll(cx, |cx| self.io.poll_flush(cx)) {
                        Poll::Ready(Ok(())) => {}
                        unsent => return self.stop(writer, visit, unsent.is_pending(), now_ms),
                    }
                    writer.moved_ms = now_ms;
                    visit.leaving |= writer.subs.iter().any(|sub| sub.leaving);
                    return visit;
                }
                Some((_, Owed::Nothing)) => {}
                Some((i, Owed::Lost(head))) => writer.resync(i, self.codec, head, Resync::Behind),
                Some((i, Owed::Batch(batch))) => match self.write(&batch.bytes, cx.as_deref_mut()) {
                    Ok(written) => {
                        writer.moved_ms = now_ms;
                        turn += written;
                        visit.bytes += written as u64;
                        visit.events += writer.advance(i, &batch, written);
                    }
                    Err(blocked) => return self.stop(writer, visit, blocked, now_ms),
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
                let again = written < batch.bytes.len() || self.io.holds();
                Some(Visit { again, bytes: written as u64, events, leaving: false })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(_) => Some(self.stop(writer, Visit::default(), false, now_ms)),
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
                writer.begin(frames, written);
                let again = !writer.rest.is_empty() || self.io.holds();
                Visit { again, bytes: written as u64, ..Visit::default() }
            }
            Err(true) => Visit::default(),
            Err(false) => self.stop(writer, Visit::default(), false, now_ms),
        }
    }

    /// Tells a subscription what it is owed by the news of a roster, if nothing waits; else it is told once the
    /// stream takes more.
    pub(super) fn offer_presence(&self, writer: &mut Writer, sub: usize, news: &News, now_ms: u64) -> Visit {
        let known = writer.subs[sub].presence;
        if known == 0 {
            return Visit::default();
        }
        let Some((revision, frame)) = news.owed(known, self.codec) else { return Visit::default() };
        let clean = writer.is_clean();
        let visit = self.offer_ephemeral(writer, &frame, now_ms);
        if visit.bytes > 0 || frame.is_empty() {
            if let Some(sub) = writer.subs.get_mut(sub).filter(|sub| !sub.leaving) {
                sub.presence = revision;
            }
            return Visit { events: u64::from(visit.bytes > 0), ..visit };
        }
        if visit.leaving {
            return visit;
        }
        writer.owes_presence = true;
        if clean {
            // It begins to wait now; who waits already is not given more time.
            writer.moved_ms = now_ms;
        }
        Visit { again: clean, ..visit }
    }

    fn poll<T>(&self, cx: Option<&mut Context<'_>>, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        match cx {
            Some(cx) => poll(cx),
            None => poll(&mut Context::from_waker(Waker::noop())),
        }
    }

    fn write(&self, bytes: &[u8], cx: Option<&mut Context<'_>>) -> Result<usize, bool> {
        let written = match cx {
            None => self.io.try_write(bytes),
            Some(cx) => match self.io.poll_write(cx, bytes) {
                Poll::Ready(result) => result,
                Poll::Pending => return Err(true),
            },
        };
        match written {
            Ok(0) => Err(false),
            Ok(written) => Ok(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(true),
            Err(_) => Err(false),
        }
    }

    fn stop(&self, writer: &mut Writer, mut visit: Visit, blocked: bool, now_ms: u64) -> Visit {
        if blocked {
            if !writer.waiting {
                writer.moved_ms = now_ms;
            }
            visit.again = true;
        } else {
            writer.end(now_ms);
            self.io.cut();
            visit.leaving = true;
        }
        visit
    }
}

impl Deref for Locked<'_> {
    type Target = Writer;
    fn deref(&self) -> &Writer {
        &self.writer
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Writer {
        &mut self.writer
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let (before, held) = (self.writer.accounted as usize, self.writer.held());
        if held != before {
            self.writer.accounted = held as u32;
            self.lag.account(before, held);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_socket_is_a_few_words() {
        assert!(size_of::<Conn>() <= 304, "{} bytes, {} of them the writer's", size_of::<Conn>(), size_of::<Writer>());
    }
}
