//! Sockets as the edge holds them, and who they belong to.

use super::conn::Conn;
use super::inbox::{Signal, Told};
use super::io::Io;
use super::pace::{Rate, TooFast};
use super::{Core, Hub};
use crate::bus::Message;
use crate::metrics;
use crate::model::{Channel, SessionId, Timestamp, UserId, UserRef};
use crate::protocol::codec::Codec;
use crate::protocol::codes::CloseCode;
use crate::protocol::server::{Sender, ServerMessage};
use bytes::Bytes;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A socket; leaves every list and map when dropped.
pub struct Socket {
    core: Arc<Core>,
    conn: Arc<Conn>,
}

impl std::ops::Deref for Socket {
    type Target = Arc<Conn>;
    fn deref(&self) -> &Arc<Conn> {
        &self.conn
    }
}

impl Hub {
    /// Takes a socket up. `await_connect`: whether it must say who it is within the time for that.
    pub fn register(&self, io: Io, codec: Codec, await_connect: bool) -> Socket {
        let core = self.core.clone();
        let id = core.next_conn.fetch_add(1, Ordering::Relaxed);
        let now_ms = core.now_ms();
        let connect_by_ms =
            if await_connect { (now_ms + core.config.connect_timeout.as_millis() as u64).max(1) } else { 0 };
        let conn = Arc::new(Conn::new(id, codec, io, now_ms, connect_by_ms, core.lag.clone()));
        core.sockets.fetch_add(1, Ordering::Relaxed);
        metrics::socket_opened();
        core.inbox_of(&conn).tell(Told::Register(conn.clone()));
        Socket { core, conn }
    }

    /// Ends a person's sockets of one session.
    pub fn end_session(&self, user: UserId, session: SessionId) {
        self.core.end_sockets(user, |owner| owner == session);
    }

    /// The sessions by which a person's sockets are here, and when the token of each ends.
    pub fn sessions_of(&self, user: UserId) -> Vec<(SessionId, Timestamp)> {
        let conns = self.core.by_user.get(&user).map(|conns| conns.clone()).unwrap_or_default();
        let session = |conn: Arc<Conn>| {
            let writer = conn.lock();
            writer.who.map(|(_, session)| (session, Timestamp(writer.expires_at.saturating_mul(1000))))
        };
        conns.into_iter().filter_map(session).collect()
    }

    /// Ends all sockets of a person.
    pub fn end_person(&self, user: UserId) {
        self.core.end_sockets(user, |_| true);
    }
}

impl Core {
    pub(super) fn end_sockets(&self, user: UserId, which: impl Fn(SessionId) -> bool) {
        let conns = self.by_user.get(&user).map(|conns| conns.clone()).unwrap_or_default();
        for conn in conns {
            let session = conn.lock().who.map(|(_, session)| session);
            if session.is_some_and(&which) {
                self.close(&conn, CloseCode::Forbidden);
            }
        }
    }
}

impl Socket {
    /// Sends a message after what waits.
    pub fn send(&self, message: &ServerMessage<'_>) {
        self.send_frame(self.conn.codec.frame(message));
    }

    /// Sends a ready frame after what waits.
    pub fn send_frame(&self, frame: Bytes) {
        if self.conn.push(frame, self.core.now_ms()) {
            self.come();
        }
    }

    /// Closes after what waits.
    pub fn close(&self, code: CloseCode) {
        self.core.close(&self.conn, code);
    }

    /// Closes with a frame of one's own, as the answer to the client's Close.
    pub fn close_with(&self, code: u16, frame: Bytes) {
        if self.conn.close_with(code, frame, self.core.now_ms()) {
            self.come();
        }
    }

    /// A name for this socket, unlike that of any other of any instance.
    pub fn name(&self) -> String {
        format!("{:08x}-{}", self.core.boot, self.conn.id)
    }

    /// Something came from it.
    pub fn hear(&self) {
        self.conn.hear(self.core.now_ms());
    }

    /// A message has begun that has not ended, or none is open any more.
    pub fn begun(&self, begun: bool) {
        if begun {
            let now = self.core.now_ms().max(1);
            let _ = self.conn.begun_ms.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        } else {
            self.conn.begun_ms.store(0, Ordering::Relaxed);
        }
    }

    /// It has said who it is, or that it is nobody: the time for that no longer runs.
    pub fn greeted(&self) {
        self.conn.lock().connect_by_ms = 0;
    }

    /// It is over with the channel that it follows next.
    pub fn end_with_next(&self) {
        self.conn.lock().ends_with_next = true;
    }

    /// It belongs to this person by this session until the token ends; where it has a seat, the person `face` shows has
    /// it now. Above the bound of sockets a person, the one that was silent for longest is closed (4409).
    pub fn identify(&self, user: UserId, session: SessionId, expires_at: Timestamp, face: impl FnOnce() -> UserRef) {
        {
            let mut writer = self.conn.lock();
            let was = writer.who.replace((user, session)).map(|(user, _)| user);
            if writer.subs.iter().any(|sub| sub.presence != 0) {
                let face = Arc::new(face());
                for sub in writer.subs.iter().filter(|sub| sub.presence != 0) {
                    self.core.reseat(&sub.log, was, &face);
                }
            }
            writer.expires_at = expires_at.seconds();
            writer.connect_by_ms = 0;
        }
        let longest_silent = {
            let mut conns = self.core.by_user.entry(user).or_insert_with(|| Vec::with_capacity(1));
            if !conns.iter().any(|conn| Arc::ptr_eq(conn, &self.conn)) {
                conns.push(self.conn.clone());
            }
            let open = |conn: &&Arc<Conn>| conn.is_open();
            let above = conns.iter().filter(open).count() > self.core.config.max_sockets_per_user;
            conns
                .iter()
                .filter(|conn| above && !Arc::ptr_eq(conn, &self.conn))
                .filter(open)
                .min_by_key(|conn| (conn.heard_ms.load(Ordering::Relaxed), conn.id))
                .cloned()
        };
        if let Some(conn) = longest_silent {
            self.core.close(&conn, CloseCode::TooMany);
        }
    }

    /// Takes commands out of the socket's allowance.
    pub fn take_commands(&self, count: u32, rate: Rate) -> Result<(), TooFast> {
        let now_us = self.core.now_us();
        self.conn.lock().pace.command(now_us, count, rate)
    }

    /// Ends a subscription; whether there was one.
    pub fn unsubscribe(&self, channel: Channel) -> bool {
        let mut writer = self.conn.lock();
        let Some(sub) = writer.sub_named(channel) else { return false };
        let now_ms = self.core.now_ms();
        writer.leave(sub, now_ms);
        let come = self.conn.settle(&mut writer, now_ms);
        drop(writer);
        if come {
            self.come();
        }
        true
    }

    /// Sends a signal to everyone else in a room; `None` where this socket does not follow it, else whether it was within
    /// the caps (`None` of them where rates are lifted).
    pub fn signal(
        &self,
        channel: Channel,
        from: &Arc<Sender>,
        data: &Arc<RawValue>,
        caps: Option<(u32, u32)>,
    ) -> Option<bool> {
        let now_us = self.core.now_us();
        let (log, paced) = {
            let mut writer = self.conn.lock();
            let sub = writer.sub_named(channel)?;
            let paced = caps.is_none_or(|(per_socket, _)| writer.pace.signal(now_us, per_socket));
            (writer.subs[sub].log.clone(), paced)
        };
        if !paced || !caps.is_none_or(|(_, per_room)| self.core.admit_signal(&log, now_us, per_room)) {
            return Some(false);
        }
        self.core.deliver_signal(&log, self.conn.id, from, data);
        self.core.bus.publish(Message::Signal { channel, from: from.clone(), data: data.clone() });
        Some(true)
    }

    /// Its person is writing in a room; `None` where this socket does not follow it. Above the caps (`None` of them where
    /// rates are lifted) nothing happens, nor where there is nobody else.
    pub fn typing(&self, channel: Channel, who: &Sender, caps: Option<(u32, u32)>) -> Option<()> {
        let now_us = self.core.now_us();
        let mut writer = self.conn.lock();
        let sub = writer.sub_named(channel)?;
        let log = Arc::clone(&writer.subs[sub].log);
        let admitted = caps.is_none_or(|(per_socket, per_room)| {
            writer.pace.signal(now_us, per_socket) && self.core.admit_signal(&log, now_us, per_room)
        });
        if admitted {
            let mark = self.core.hear_typing(&log, who);
            if mark != 0 {
                writer.subs[sub].typing = mark;
            }
            drop(writer);
            self.core.bus.publish(Message::Typing { channel, from: Arc::new(who.clone()), writes: true });
        }
        Some(())
    }

    pub(super) fn come(&self) {
        self.core.inbox_of(&self.conn).tell(Told::Visit(self.conn.clone()));
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl Core {
    /// Takes one signal out of a room's allowance, which is less in a hot room.
    fn admit_signal(&self, log: &super::log::ChannelLog, now_us: u64, per_second: u32) -> bool {
        let hot = if log.is_hot() { self.config.hot.signals_per_hot_room } else { u32::MAX };
        log.admit_signal(now_us, per_second.min(hot))
    }

    pub(super) fn deliver_signal(&self, log: &Arc<super::log::ChannelLog>, conn: u64, from: &Sender, data: &RawValue) {
        self.hand_out(log, conn, &ServerMessage::Signal { channel: log.channel, from, data });
    }

    /// Hands a message to every socket in a room that keeps up, but to `conn`.
    pub(super) fn hand_out(&self, log: &Arc<super::log::ChannelLog>, conn: u64, message: &ServerMessage<'_>) {
        let signal = Arc::new(Signal::new(conn, Codec::Json.encode(message)));
        let mut members = log.audience.members();
        while members != 0 {
            let shard = members.trailing_zeros() as usize;
            self.inboxes[shard].signal(log.clone(), signal.clone());
            members &= members - 1;
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let who = {
            let mut writer = self.conn.lock();
            writer.end(self.core.now_ms());
            metrics::socket_closed(writer.closed_with);
            writer.who
        };
        if let Some((user, _)) = who {
            let mut empty = false;
            if let Some(mut conns) = self.core.by_user.get_mut(&user) {
                conns.retain(|conn| !Arc::ptr_eq(conn, &self.conn));
                empty = conns.is_empty();
            }
            if empty {
                self.core.by_user.remove_if(&user, |_, conns| conns.is_empty());
            }
        }
        self.core.sockets.fetch_sub(1, Ordering::Relaxed);
        self.core.inbox_of(&self.conn).tell(Told::Gone(self.conn.clone()));
    }
}
