//! The life of one socket: read, carry out in order, answer; one way out.

use super::frames::{FrameReader, Incoming, Violation};
use super::source::Source;
use super::{Place, Sockets};
use crate::domain::{DomainError, Identity};
use crate::hub::io::Io;
use crate::hub::pace::{Rate, TooFast};
use crate::hub::{Phase, Socket};
use crate::metrics::{self, Edge};
use crate::model::PostId;
use crate::protocol::codec::{Codec, close_frame_with, frame};
use crate::protocol::codes::{CloseCode, ErrorCode};
use crate::protocol::server::{ErrorBody, ServerMessage};
use crate::protocol::{Command, client::BadCommand};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, OpCode};

/// Frames in a row that are no message before the socket is closed.
const STRIKES: u8 = 3;

/// By which door a socket came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// `/ws`: many channels.
    Multiplexed,
    /// `/ws/posts/{id}/live`: anonymous, one post.
    Live(PostId),
    /// `/ws/notifications`: a person, their own channel.
    Notifications,
}

/// A socket that was let in.
pub struct Visitor {
    /// By which door.
    pub entrance: Entrance,
    /// How its messages are written.
    pub codec: Codec,
    /// Who signed in by a header of the upgrade.
    pub identity: Option<Identity>,
    /// Its place among those of its address.
    pub place: Place,
}

/// Who a socket is.
pub(super) enum Who {
    /// It has not said so yet.
    Unknown,
    /// Nobody.
    Anonymous,
    /// A person, by a token that was good when last looked at.
    Person(Arc<Identity>),
}

/// A socket's session.
pub struct Session {
    pub(super) sockets: Arc<Sockets>,
    pub(super) socket: Socket,
    pub(super) who: Who,
    pub(super) entrance: Entrance,
    pub(super) place: Place,
    frames: FrameReader,
    source: Source,
    strikes: u8,
    /// What of the process's bound of unfinished messages is this socket's.
    held: usize,
    /// Whether the client has sent its Close.
    farewell: bool,
}

/// Takes a socket up and greets it; what is answered serves it until its end. `early` are bytes that came with the
/// upgrade. Two steps, because what a greeting needs would stay in the memory of the task that serves an idle socket.
pub async fn begin(
    sockets: Arc<Sockets>,
    visitor: Visitor,
    source: Source,
    io: Io,
    early: Vec<u8>,
) -> impl Future<Output = ()> + Send + 'static {
    let awaits = visitor.identity.is_none() && !matches!(visitor.entrance, Entrance::Live(_));
    let full = !sockets.has_room();
    let socket = sockets.hub.register(io, visitor.codec, awaits);
    if full {
        socket.close(CloseCode::Overloaded);
    }
    let mut frames = FrameReader::default();
    frames.feed(&early);
    let mut session = Session {
        sockets,
        socket,
        who: Who::Unknown,
        entrance: visitor.entrance,
        place: visitor.place,
        frames,
        source,
        strikes: 0,
        held: 0,
        farewell: false,
    };
    session.greet(visitor.identity).await;
    session.run()
}

impl Session {
    /// Serves until the end.
    #[expect(clippy::manual_async_fn, reason = "an async function would keep its argument a second time")]
    fn run(mut self) -> impl Future<Output = ()> + Send + 'static {
        async move { while self.step().await {} }
    }

    /// Carries out the next message, or reads on; whether there is more to come.
    async fn step(&mut self) -> bool {
        let limit = match self.who {
            Who::Unknown => self.sockets.config.sockets.max_first_frame,
            _ => self.sockets.config.sockets.max_frame,
        };
        // What is rarely waited for is boxed: it would be in the memory of every socket.
        match self.frames.next(limit) {
            Ok(Some(incoming)) => {
                self.socket.set_busy(true);
                if matches!(incoming, Incoming::Text(_) | Incoming::Binary(_)) {
                    self.socket.begun(false);
                }
                Box::pin(self.on_incoming(incoming)).await;
                self.socket.hear();
                true
            }
            Ok(None) => {
                self.account();
                self.socket.set_busy(false);
                let read = self.source.read(&self.socket.io, &mut self.frames).await;
                let more = matches!(read, Ok(1..));
                if more {
                    self.socket.hear();
                }
                more
            }
            Err(violation) => {
                Box::pin(self.on_violation(violation)).await;
                false
            }
        }
    }

    /// Keeps the books of unfinished messages.
    fn account(&mut self) {
        let held = self.frames.held();
        self.socket.begun(held > 0);
        let all = self.sockets.hub.partial_bytes();
        all.fetch_add(held, Ordering::Relaxed);
        let before = all.fetch_sub(self.held, Ordering::Relaxed) - self.held;
        if held > self.held && before > self.sockets.config.sockets.max_partial_bytes {
            self.close(CloseCode::Overloaded);
        }
        self.held = held;
    }

    /// Bytes that are no frames: the Close is all that is still said, and what else comes is not looked at.
    async fn on_violation(&mut self, violation: Violation) {
        self.close(violation.close_code());
        self.frames = FrameReader::default();
        while let Ok(1..) = self.source.read(&self.socket.io, &mut self.frames).await {
            self.frames = FrameReader::default();
        }
    }

    async fn on_incoming(&mut self, incoming: Incoming) {
        // Whoever sends without a pause has turns like everybody else.
        tokio::task::coop::consume_budget().await;
        match incoming {
            Incoming::Pong => {}
            // Answering costs a write: pings are paced like commands, and those above the pace are let pass in silence.
            Incoming::Ping(payload) if self.pace(1) == Ok(()) => {
                self.socket.send_frame(frame(OpCode::Control(Control::Pong), &payload));
            }
            Incoming::Ping(_) => {}
            Incoming::Close(code) if !self.farewell => {
                self.farewell = true;
                let echo =
                    code.map_or_else(|| frame(OpCode::Control(Control::Close), b""), |code| close_frame_with(code, ""));
                self.socket.close_with(code.unwrap_or(1005), echo);
            }
            Incoming::Close(_) => {}
            Incoming::Text(_) | Incoming::Binary(_) if self.socket.lock().phase() != Phase::Open => {}
            Incoming::Text(payload) => self.on_payload(payload, Codec::Json).await,
            Incoming::Binary(payload) => self.on_payload(payload, Codec::MsgPack).await,
        }
    }

    async fn on_payload(&mut self, payload: Vec<u8>, codec: Codec) {
        let decoded = if codec == self.socket.codec { codec.decode(&payload).ok() } else { None };
        drop(payload);
        let Some(map) = decoded else {
            self.strikes += 1;
            let last = self.strikes >= STRIKES;
            if last || self.take_commands(None, 1) {
                self.fail(None, &DomainError::bad_request("this is no message in this socket's codec"));
            }
            if last {
                self.close(CloseCode::BadMessage);
            }
            return;
        };
        self.strikes = 0;
        let greets = map.get("type").is_some_and(|kind| kind == "connect");
        match Command::from_map(map) {
            Ok(command) => self.on_command(command).await,
            Err(BadCommand { id, detail, .. }) => {
                if self.take_commands(id, 1) {
                    let error = match self.who {
                        Who::Unknown if !greets => DomainError::unauthenticated("say `connect` first"),
                        _ => DomainError::bad_request(detail),
                    };
                    self.fail(id, &error);
                }
            }
        }
    }

    /// Takes commands out of the socket's allowance; answers and returns false above it.
    pub(super) fn take_commands(&mut self, id: Option<u64>, count: u32) -> bool {
        match self.pace(count) {
            Ok(()) => true,
            Err(TooFast::Wait(ms)) => {
                self.fail(id, &DomainError::rate_limited(Duration::from_millis(ms)));
                false
            }
            Err(TooFast::Flood) => false,
        }
    }

    /// Counts against the pace of this socket, if there is one; a flood closes it.
    fn pace(&self, count: u32) -> Result<(), TooFast> {
        let limits = &self.sockets.config.limits;
        if !limits.rate_limits.0 {
            return Ok(());
        }
        let rate = Rate { per_second: limits.commands_per_second, burst: limits.command_burst };
        let taken = self.socket.take_commands(count, rate);
        if taken == Err(TooFast::Flood) {
            self.close(CloseCode::Flooding);
        }
        taken
    }

    /// Answers a command with an error.
    pub(super) fn fail(&self, id: Option<u64>, error: &DomainError) {
        metrics::error(Edge::Socket, error.code.name());
        self.socket.send(&ServerMessage::Error { id, error: error_body(error) });
    }

    pub(super) fn close(&self, code: CloseCode) {
        self.socket.close(code);
    }

    /// Answers with an error and closes with the code that says why for good.
    pub(super) fn fail_and_close(&self, id: Option<u64>, error: &DomainError) {
        self.fail(id, error);
        self.close(match error.code {
            ErrorCode::Forbidden => CloseCode::Forbidden,
            // Nothing is wrong with the token: nobody could say whose it is.
            ErrorCode::Unavailable => CloseCode::Overloaded,
            ErrorCode::Internal => CloseCode::Internal,
            _ => CloseCode::Unauthenticated,
        });
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.sockets.hub.partial_bytes().fetch_sub(self.held, Ordering::Relaxed);
    }
}

/// An error as it stands in messages.
pub(super) fn error_body(error: &DomainError) -> ErrorBody {
    ErrorBody {
        code: error.code,
        detail: error.detail.clone(),
        retry_after_ms: error.retry_after.map(|after| after.as_millis() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<F: Future>(_: impl Fn(Session) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_task_of_an_idle_socket_is_hardly_larger_than_its_session() {
        let (session, task) = (size_of::<Session>(), size_of_future(|session| session.run()));
        assert!(session <= 160 && task <= session + 128, "{session} and {task} bytes");
    }
}
