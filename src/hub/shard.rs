//! A shard owns sockets and writes to them. An append reaches it as one word per channel; it walks the members that are
//! behind and writes their lag straight from the shared bytes, without waking a task per socket. Rooms take turns, so a
//! huge one does not hold up a small one; only a socket that would block goes on the waiting list.

use super::Core;
use super::conn::{Conn, Visit};
use super::inbox::{Inbox, Pending, Signal, Told};
use super::log::{ChannelLog, Owed};
use super::tail::Batch;
use super::wheel::Wheel;
use super::writer::{NOWHERE, Phase, Writer};
use crate::metrics;
use crate::protocol::codec::{Codec, frame};
use crate::protocol::codes::CloseCode;
use crate::protocol::server::ServerMessage;
use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, OpCode};

/// Sockets written to before others get the thread: about 250 µs at the price of a write.
const SLICE: usize = 128;
/// How often every socket is looked at.
const LOOK_MS: u64 = 1_000;
/// Time for a client to answer a Close.
pub(super) const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// One shard's state; owned by its task.
pub struct Shard {
    core: Arc<Core>,
    index: usize,
    inbox: Arc<Inbox>,
    /// Who follows a log, by its address: it lives as long as anybody does.
    members: HashMap<usize, Vec<Arc<Conn>>>,
    walks: VecDeque<Walk>,
    waiting: Vec<Arc<Conn>>,
    wheel: Wheel,
    looked_ms: u64,
    heartbeats: [Bytes; 2],
    draining: bool,
}

/// One round through the members of a log.
struct Walk {
    log: Arc<ChannelLog>,
    at: usize,
    signals: Vec<Arc<Signal>>,
    joined: [Option<Bytes>; 2],
}

fn key(log: &Arc<ChannelLog>) -> usize {
    Arc::as_ptr(log) as usize
}

fn index(codec: Codec) -> usize {
    match codec {
        Codec::Json => 0,
        Codec::MsgPack => 1,
    }
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
            core,
            index,
            inbox,
            members: HashMap::new(),
            walks: VecDeque::new(),
            waiting: Vec::new(),
            looked_ms: now_ms,
            heartbeats: [heartbeat(Codec::Json), heartbeat(Codec::MsgPack)],
            draining: false,
        }
    }

    /// Works until the hub ends.
    pub async fn run(mut self) {
        let mut ticks = interval(self.wheel.step().min(Duration::from_millis(LOOK_MS)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = self.core.ended.clone();
        let inbox = self.inbox.clone();
        loop {
            if self.walks.is_empty() {
                let mut woken = std::pin::pin!(inbox.wait());
                let mut end = std::pin::pin!(ended.cancelled());
                let over = poll_fn(|cx| {
                    if end.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(true);
                    }
                    let moved = self.visit_waiting(cx);
                    let due = self.tick(cx, &mut ticks);
                    let told = woken.as_mut().poll(cx).is_ready();
                    if moved || due || told { Poll::Ready(false) } else { Poll::Pending }
                })
                .await;
                if over {
                    return;
                }
            } else {
                tokio::task::yield_now().await;
                poll_fn(|cx| {
                    self.visit_waiting(cx);
                    self.tick(cx, &mut ticks);
                    Poll::Ready(())
                })
                .await;
            }
            let pending = self.inbox.take();
            self.take_up(pending);
            if let Some(mut walk) = self.walks.pop_front()
                && self.slice(&mut walk)
            {
                self.walks.push_back(walk);
            }
        }
    }

    fn take_up(&mut self, pending: Pending) {
        for told in pending.told {
            match told {
                Told::Register(conn) => {
                    let chance = self.core.entropy.below(u64::MAX);
                    self.wheel.add(conn.clone(), chance);
                    if self.draining {
                        self.send_away(&conn);
                    }
                }
                Told::Join(conn, log) => self.join(conn, log),
                Told::Visit(conn) => self.waiting.push(conn),
                Told::Gone(conn) => {
                    self.wheel.remove(&conn);
                    self.reap(&conn);
                }
                Told::Resync(log, head) => self.resync(&log, head),
                Told::Drain => {
                    self.draining = true;
                    let all: Vec<_> = self.wheel.all().cloned().collect();
                    all.iter().for_each(|conn| self.send_away(conn));
                }
            }
        }
        for log in pending.news {
            log.begin_walk(self.index);
            self.walks.push_back(Walk { log, at: 0, signals: Vec::new(), joined: [None, None] });
        }
        let mut signals: HashMap<usize, Walk> = HashMap::new();
        for (log, signal) in pending.signals {
            signals
                .entry(key(&log))
                .or_insert_with(|| Walk { log, at: 0, signals: Vec::new(), joined: [None, None] })
                .signals
                .push(signal);
        }
        self.walks.extend(signals.into_values());
    }

    fn join(&mut self, conn: Arc<Conn>, log: Arc<ChannelLog>) {
        let members = self.members.entry(key(&log)).or_default();
        let mut writer = conn.lock();
        let Some(sub) = writer.subs.iter_mut().find(|sub| sub.slot == NOWHERE && Arc::ptr_eq(&sub.log, &log)) else {
            if members.is_empty() {
                self.members.remove(&key(&log));
            }
            return;
        };
        sub.slot = members.len() as u32;
        members.push(conn.clone());
        log.set_members(self.index, true);
        // Only now would an append tell this shard: what came in between is written here.
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
                if moved.settle(&mut writer, self.core.now_ms()) {
                    drop(writer);
                    self.waiting.push(moved);
                }
            }
            if members.is_empty() {
                sub.log.set_members(self.index, false);
                self.members.remove(&key(&sub.log));
            } else if members.len() * 4 < members.capacity() {
                members.shrink_to(members.len() * 2);
            }
        }
    }

    /// Writes to the next members of a log; whether some are left.
    fn slice(&mut self, walk: &mut Walk) -> bool {
        let now_ms = self.core.now_ms();
        let Some(members) = self.members.get(&key(&walk.log)) else { return false };
        let end = (walk.at + SLICE).min(members.len());
        let ending = walk.log.is_missing();
        // What comes after this is told again and has a walk of its own.
        let head = walk.log.head().unwrap_or(0);
        let mut batches: SmallVec<[(Codec, i64, Option<Batch>); 4]> = SmallVec::new();
        let mut total = Visit::default();
        for conn in members.get(walk.at..end).unwrap_or_default() {
            let mut writer = conn.lock();
            let Some(sub) = writer.sub_of(&walk.log) else { continue };
            if writer.waiting {
                continue;
            }
            let mut visit = Visit::default();
            if ending || writer.subs[sub].cursor < head {
                visit = deliver(conn, &mut writer, sub, &walk.log, &mut batches, now_ms);
                if !visit.again && (ending || writer.subs[sub].cursor < head) {
                    let rest = conn.visit(&mut writer, now_ms, None);
                    visit = Visit { events: visit.events + rest.events, bytes: visit.bytes + rest.bytes, ..rest };
                }
            }
            if !walk.signals.is_empty() && !visit.again {
                let frames = walk.signal_frames(conn);
                let ephemeral = conn.offer_ephemeral(&mut writer, &frames, now_ms);
                visit.again |= ephemeral.again;
                visit.leaving |= ephemeral.leaving;
                visit.bytes += ephemeral.bytes;
                total.events += walk.signals.len() as u64;
            }
            total.events += visit.events;
            total.bytes += visit.bytes;
            if visit.again || visit.leaving {
                writer.waiting = true;
                drop(writer);
                self.waiting.push(conn.clone());
            }
        }
        metrics::delivered(total.events, total.bytes);
        walk.at = end;
        let more = end < members.len();
        if !more
            && walk.signals.is_empty()
            && let Some(accepted_ms) = walk.log.accepted_ms()
        {
            metrics::delivery_lag(Duration::from_millis(now_ms.saturating_sub(accepted_ms)));
        }
        more
    }

    /// Visits sockets that would have blocked; whether any was done with.
    fn visit_waiting(&mut self, cx: &mut Context<'_>) -> bool {
        let now_ms = self.core.now_ms();
        let mut leaving: SmallVec<[Arc<Conn>; 8]> = SmallVec::new();
        let before = self.waiting.len();
        self.waiting.retain(|conn| {
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
        self.waiting.len() != before
    }

    fn tick(&mut self, cx: &mut Context<'_>, ticks: &mut Interval) -> bool {
        if ticks.poll_tick(cx).is_pending() {
            return false;
        }
        let now_ms = self.core.now_ms();
        let mut again: Vec<Arc<Conn>> = Vec::new();
        for conn in self.wheel.turn(now_ms) {
            let mut writer = conn.lock();
            let visit = conn.offer_ephemeral(&mut writer, &self.heartbeats[index(conn.codec)], now_ms);
            if visit.again || visit.leaving {
                writer.waiting = true;
                again.push(conn.clone());
            }
        }
        if now_ms.saturating_sub(self.looked_ms) >= LOOK_MS {
            self.looked_ms = now_ms;
            let now = self.core.clock.now();
            again.extend(self.wheel.all().filter(|conn| self.core.look(conn, now_ms, now)).cloned());
        }
        self.waiting.extend(again);
        true
    }

    fn resync(&mut self, log: &Arc<ChannelLog>, head: i64) {
        let now_ms = self.core.now_ms();
        let Some(members) = self.members.get(&key(log)) else { return };
        let epoch = log.epoch();
        for conn in members {
            let mut writer = conn.lock();
            let Some(sub) = writer.sub_of(log) else { continue };
            writer.subs[sub].cursor = head;
            let message = ServerMessage::Resync { channel: log.channel, epoch: &epoch, seq: head };
            writer.queue(conn.codec.frame(&message));
            if conn.settle(&mut writer, now_ms) {
                drop(writer);
                self.waiting.push(conn.clone());
            }
        }
    }

    fn send_away(&mut self, conn: &Arc<Conn>) {
        let now_ms = self.core.now_ms();
        let reconnect_after_ms = self.core.entropy.below(super::AWAY_SPREAD_MS);
        let mut writer = conn.lock();
        if writer.phase == Phase::Open {
            writer.queue(conn.codec.frame(&ServerMessage::GoingAway { reconnect_after_ms }));
            conn.begin_close(&mut writer, CloseCode::Restart, now_ms);
        }
        if conn.settle(&mut writer, now_ms) {
            drop(writer);
            self.waiting.push(conn.clone());
        }
    }
}

/// Offers one socket the next batch of one log, made once for all that stand at the same cursor.
fn deliver(
    conn: &Arc<Conn>,
    writer: &mut Writer,
    sub: usize,
    log: &Arc<ChannelLog>,
    batches: &mut SmallVec<[(Codec, i64, Option<Batch>); 4]>,
    now_ms: u64,
) -> Visit {
    let cursor = writer.subs[sub].cursor;
    let made = batches.iter().position(|(codec, from, _)| *codec == conn.codec && *from == cursor);
    let made = made.unwrap_or_else(|| {
        let batch = match log.owed(cursor, conn.codec) {
            Owed::Batch(batch) => Some(batch),
            Owed::Nothing | Owed::Lost(_) => None,
        };
        batches.push((conn.codec, cursor, batch));
        batches.len() - 1
    });
    batches[made].2.as_ref().and_then(|batch| conn.offer(writer, sub, batch, now_ms)).unwrap_or_default()
}

impl Walk {
    /// The signals of this round for a socket: not its own.
    fn signal_frames(&mut self, conn: &Conn) -> Bytes {
        if self.signals.iter().any(|signal| signal.from == conn.id) {
            return join(self.signals.iter().filter(|signal| signal.from != conn.id), conn.codec);
        }
        let signals = &self.signals;
        self.joined[index(conn.codec)].get_or_insert_with(|| join(signals.iter(), conn.codec)).clone()
    }
}

fn join<'a>(signals: impl Iterator<Item = &'a Arc<Signal>>, codec: Codec) -> Bytes {
    let mut joined = BytesMut::new();
    signals.for_each(|signal| joined.extend_from_slice(signal.frame(codec)));
    joined.freeze()
}
