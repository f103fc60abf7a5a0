//! A shard owns sockets and writes to them. An append reaches it as one word per channel; it walks the members that are
//! behind and writes their lag straight from the shared bytes, without waking a task per socket. Rooms take turns, so a
//! huge one does not hold up a small one; only a socket that would block goes on the waiting list.

use super::Core;
use super::conn::{Conn, Locked, Visit};
use super::hot::Hot;
use super::inbox::{Inbox, Pending, Told};
use super::log::ChannelLog;
use super::paced::{Leave, PACE};
use super::round::Round;
use super::turns::Turns;
use super::waiting::Waiting;
use super::walk::{Purpose, Walk, Walks, index, key};
use super::wheel::Wheel;
use super::writer::NOWHERE;
use crate::metrics::{self, Skipped};
use crate::protocol::codec::{Codec, frame};
use crate::protocol::server::ServerMessage;
use bytes::Bytes;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, OpCode};

/// Sockets written to before others get the thread: about 250 µs at the price of a write.
const SLICE: usize = 128;
/// Sockets that are fetched from memory at the same time: about as much as a processor waits for at once.
const FETCHED: usize = 8;
/// How often every socket is looked at.
const LOOK_MS: u64 = 1_000;
/// Longest that one message is carried out: it waits for its group, for a connection and for the database.
pub(super) const CARRIED_OUT: Duration = Duration::from_secs(30);
/// Time for a client to answer a Close.
pub(super) const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// One shard's state; owned by its task.
pub struct Shard {
    pub(super) core: Arc<Core>,
    index: usize,
    inbox: Arc<Inbox>,
    /// Who follows a log, by its address: it lives as long as anybody does.
    pub(super) members: HashMap<usize, Vec<Arc<Conn>>>,
    walks: Walks,
    hot: Hot,
    waiting: Waiting<Arc<Conn>>,
    /// When the waiting ones were last tried, in milliseconds of the hub.
    tried_ms: u64,
    pub(super) wheel: Wheel,
    looked_ms: u64,
    heartbeats: [Bytes; 2],
    pub(super) turns: Turns,
    /// There once the instance is going away.
    pub(super) leave: Option<Leave>,
}

impl Shard {
    /// A shard without sockets.
    pub fn new(core: Arc<Core>, index: usize, inbox: Arc<Inbox>) -> Self {
        let now_ms = core.now_ms();
        let ping = frame(OpCode::Control(Control::Ping), b"");
        let heartbeat = |codec: Codec| {
            let message = codec.frame(&ServerMessage::Heartbeat);
            Bytes::from([&ping[..], &message[..]].concat())
        };
        Self {
            wheel: Wheel::new(core.config.heartbeat, now_ms),
            hot: Hot::new(&core.config.hot),
            core,
            index,
            inbox,
            members: HashMap::new(),
            walks: Walks::default(),
            waiting: Waiting::default(),
            tried_ms: 0,
            looked_ms: now_ms,
            heartbeats: [heartbeat(Codec::Json), heartbeat(Codec::MsgPack)],
            turns: Turns::default(),
            leave: None,
        }
    }

    /// Works until the hub ends.
    pub async fn run(mut self) {
        let mut ticks = interval(self.wheel.step().min(Duration::from_millis(LOOK_MS)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = self.core.ended.clone();
        let inbox = self.inbox.clone();
        loop {
            if self.walks.is_empty() && !self.waiting.is_due() {
                let mut woken = std::pin::pin!(inbox.wait());
                let mut end = std::pin::pin!(ended.cancelled());
                let over = poll_fn(|cx| {
                    if end.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(true);
                    }
                    let moved = self.visit_waiting(cx);
                    let due = self.tick(cx, &mut ticks) | self.take_turns(cx, &mut pace);
                    let due = self.hot.poll_due(cx, self.core.now_us()) | due;
                    let told = woken.as_mut().poll(cx).is_ready();
                    let due = due || self.waiting.is_due();
                    if moved || due || told { Poll::Ready(false) } else { Poll::Pending }
                })
                .await;
                if over {
                    return;
                }
            } else {
                tokio::task::yield_now().await;
                poll_fn(|cx| {
                    // Not after every slice of a walk: they may be many, and the round goes on.
                    if self.walks.is_empty() || self.tried_ms != self.core.now_ms() {
                        self.visit_waiting(cx);
                    }
                    self.tick(cx, &mut ticks);
                    self.take_turns(cx, &mut pace);
                    Poll::Ready(())
                })
                .await;
            }
            let pending = self.inbox.take();
            self.take_up(pending);
            while let Some(log) = self.hot.take(self.core.now_us()) {
                let members = self.count(&log);
                self.walks.news(log, members);
            }
            if let Some(mut walk) = self.walks.take() {
                self.slice(&mut walk);
                let members = self.count(&walk.log);
                self.walks.give_back(walk, members);
            }
        }
    }

    fn take_up(&mut self, pending: Pending) {
        for told in pending.told {
            match told {
                Told::Register(conn) => {
                    let chance = self.core.entropy.below(u64::MAX);
                    self.wheel.add(conn.clone(), chance);
                    self.leave_too(&conn);
                }
                Told::Join(conn, log) => self.join(conn, log),
                Told::Visit(conn) => self.waiting.push(conn),
                Told::Gone(conn) => {
                    self.wheel.remove(&conn);
                    self.reap(&conn);
                }
                Told::Resync(log) => self.resync(&log),
                Told::Drain(window) => self.begin_leave(window),
                // There is room for each shard's answer; who asked may have gone.
                Told::Weigh(answer) => drop(answer.try_send(self.waiting.all().to_vec())),
            }
        }
        for log in pending.news {
            log.audience.begin_walk(self.index);
            let members = self.count(&log);
            if !self.hot.waits(&log, members, self.core.now_us()) {
                self.walks.news(log, members);
            }
        }
        for log in pending.rosters {
            let members = self.count(&log);
            if let Some(news) = log.room.begin_walk(self.index) {
                self.walks.roster(log, news, members);
            }
        }
        for (log, signal) in pending.signals {
            let members = self.count(&log);
            self.walks.signal(log, signal, members);
        }
    }

    fn count(&self, log: &Arc<ChannelLog>) -> usize {
        self.members.get(&key(log)).map_or(0, Vec::len)
    }

    fn join(&mut self, conn: Arc<Conn>, log: Arc<ChannelLog>) {
        let members = self.members.entry(key(&log)).or_insert_with(|| Vec::with_capacity(1));
        let mut writer = conn.lock();
        let Some(at) = writer.subs.iter().position(|sub| sub.slot == NOWHERE && Arc::ptr_eq(&sub.log, &log)) else {
            if members.is_empty() {
                log.audience.set_members(self.index, false);
                self.members.remove(&key(&log));
            }
            return;
        };
        writer.subs[at].slot = members.len() as u32;
        members.push(conn.clone());
        log.audience.set_members(self.index, true);
        // The database may have become another one before this subscription could be told with the others.
        writer.resync_stale(at, conn.codec);
        // Only now would an append or a roster be told to this shard: what came in between is written here.
        writer.owes_presence |= writer.subs[at].presence != 0;
        let come_again = conn.settle(&mut writer, self.core.now_ms());
        drop(writer);
        if come_again {
            self.waiting.push(conn);
        }
    }

    /// Takes ended subscriptions off the lists, one at a time, because each may move another.
    fn reap(&mut self, conn: &Arc<Conn>) {
        loop {
            let mut writer = conn.lock();
            let Some(at) = writer.subs.iter().position(|sub| sub.leaving) else { return };
            let sub = writer.subs.remove(at);
            drop(writer);
            if sub.slot == NOWHERE {
                continue;
            }
            let Some(members) = self.members.get_mut(&key(&sub.log)) else { continue };
            members.swap_remove(sub.slot as usize);
            if let Some(moved) = members.get(sub.slot as usize).cloned() {
                let last = members.len() as u32;
                let mut writer = moved.lock();
                if let Some(other) =
                    writer.subs.iter_mut().find(|other| other.slot == last && Arc::ptr_eq(&other.log, &sub.log))
                {
                    other.slot = sub.slot;
                }
                // A walk may have passed the place it moved to.
                writer.owes_presence = true;
                if moved.settle(&mut writer, self.core.now_ms()) {
                    drop(writer);
                    self.waiting.push(moved);
                }
            }
            if members.is_empty() {
                sub.log.audience.set_members(self.index, false);
                self.members.remove(&key(&sub.log));
            } else if members.len() * 4 < members.capacity() {
                members.shrink_to(members.len() * 2);
            }
        }
    }

    /// Writes to the next members of a log.
    fn slice(&mut self, walk: &mut Walk) {
        let now_ms = self.core.now_ms();
        let Some(members) = self.members.get(&key(&walk.log)) else {
            walk.left = 0;
            return;
        };
        if walk.at >= members.len() {
            walk.begin_again();
        }
        let end = (walk.at + SLICE.min(walk.left)).min(members.len());
        let (mut total, mut skipped) = (Visit::default(), 0);
        let log = walk.log.clone();
        let mut round = Round::new(&log, now_ms);
        for (place, conn) in members[walk.at..end].iter().enumerate() {
            if place % FETCHED == 0 {
                members[walk.at + place..end].iter().take(FETCHED).for_each(|conn| conn.touch());
            }
            let mut writer = conn.lock();
            let Some(sub) = writer.sub_of(&walk.log) else { continue };
            if writer.waiting {
                writer.owes_presence |= walk.purpose == Purpose::Roster;
                skipped += walk.signals.len();
                continue;
            }
            let visit = match walk.purpose {
                Purpose::Log => round.bring_up(conn, &mut writer, sub),
                Purpose::Signals => {
                    let signals = walk.signals.len();
                    let frames = walk.signal_frames(conn);
                    let visit = conn.offer_ephemeral(&mut writer, frames, now_ms);
                    let told = frames.is_empty() || visit.bytes > 0;
                    skipped += if told { 0 } else { signals };
                    let events = if visit.bytes > 0 { signals as u64 } else { 0 };
                    Visit { events, ..visit }
                }
                Purpose::Roster => match &walk.news {
                    Some(news) => conn.offer_presence(&mut writer, sub, news, now_ms),
                    None => Visit::default(),
                },
            };
            total.events += visit.events;
            total.bytes += visit.bytes;
            if visit.again || visit.leaving {
                writer.waiting = true;
                drop(writer);
                self.waiting.push(conn.clone());
            }
        }
        metrics::delivered(total.events, total.bytes);
        metrics::signals_skipped(Skipped::Behind, skipped as u64);
        walk.left = walk.left.saturating_sub(end - walk.at);
        walk.at = end;
        if walk.left == 0
            && walk.purpose == Purpose::Log
            && let Some(accepted_ms) = walk.log.accepted_ms()
        {
            metrics::delivery_lag(Duration::from_millis(now_ms.saturating_sub(accepted_ms)));
        }
    }

    /// Visits some of those that would have blocked, if one of them can go on; whether any was done with.
    fn visit_waiting(&mut self, cx: &mut Context<'_>) -> bool {
        let now_ms = self.core.now_ms();
        self.tried_ms = now_ms;
        let mut leaving: SmallVec<[Arc<Conn>; 8]> = SmallVec::new();
        let moved = self.waiting.try_some(cx, |conn, cx| {
            let mut writer = conn.lock();
            let visit = conn.visit(&mut writer, now_ms, Some(cx));
            metrics::delivered(visit.events, visit.bytes);
            writer.waiting = visit.again;
            if visit.leaving {
                leaving.push(conn.clone());
            }
            visit.again
        });
        leaving.iter().for_each(|conn| self.reap(conn));
        // Taking one off may have put another on that has not been tried with this waker.
        moved || !leaving.is_empty()
    }

    fn tick(&mut self, cx: &mut Context<'_>, ticks: &mut Interval) -> bool {
        if ticks.poll_tick(cx).is_pending() {
            return false;
        }
        let now_ms = self.core.now_ms();
        let mut again: Vec<Arc<Conn>> = Vec::new();
        for conn in self.wheel.turn(now_ms) {
            let mut writer = conn.lock();
            let heartbeat = &self.heartbeats[index(conn.codec)];
            if !writer.is_clean() {
                writer.queue_heartbeat(heartbeat);
                continue;
            }
            let visit = conn.offer_ephemeral(&mut writer, heartbeat, now_ms);
            if visit.again || visit.leaving {
                writer.waiting = true;
                again.push(conn.clone());
            }
        }
        if now_ms.saturating_sub(self.looked_ms) >= LOOK_MS {
            self.looked_ms = now_ms;
            self.hot.look(self.core.now_us());
            let now = self.core.clock.now();
            again.extend(self.wheel.all().filter(|conn| self.core.look(conn, now_ms, now)).cloned());
            // One that was cut waits for nothing, and nothing wakes it.
            self.waiting.stir();
        }
        again.into_iter().for_each(|conn| self.waiting.push(conn));
        true
    }

    /// Writes now what can be written to a socket, and takes it onto the waiting list where that is not all.
    pub(super) fn settle(&mut self, conn: &Arc<Conn>, mut writer: Locked<'_>) {
        if conn.settle(&mut writer, self.core.now_ms()) {
            drop(writer);
            self.waiting.push(conn.clone());
        }
    }
}
