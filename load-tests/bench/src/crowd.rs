//! Many sockets that read, answer heartbeats and count, and the few connections that publish, on one thread.

use crate::arguments::Failure;
use crate::dialect::{Dialect, Joined};
use crate::http::{Answer, answer};
use crate::tally::Tally;
use crate::wire::{find, frame, parse};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// Longest time without a message, while some are expected.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// What it receives is counted.
    Counts,
    /// It publishes; what it receives is only read away.
    Publishes,
    /// It publishes over HTTP; each request has an answer.
    Asks,
}

/// A connection, with the frame or answer that is not yet whole.
struct Member {
    stream: TcpStream,
    role: Role,
    partial: Vec<u8>,
    /// What a dialect keeps of a message that is not yet whole.
    rest: Vec<u8>,
    /// What the socket has not taken yet.
    out: Vec<u8>,
    /// Requests without an answer.
    asked: usize,
    /// A server may close a connection that asks nothing.
    closed: bool,
}

/// All connections.
pub struct Crowd<'a> {
    dialect: &'a dyn Dialect,
    poll: Poll,
    events: Events,
    members: Vec<Member>,
    audience: u64,
    buffer: Vec<u8>,
    /// What was received.
    pub tally: Tally,
}

impl<'a> Crowd<'a> {
    /// Nobody yet.
    pub fn new(dialect: &'a dyn Dialect) -> Result<Self, Failure> {
        Ok(Self {
            dialect,
            poll: Poll::new()?,
            events: Events::with_capacity(2_048),
            members: Vec::new(),
            audience: 0,
            buffer: vec![0; 256 << 10],
            tally: Tally::new(),
        })
    }

    /// How many are counted.
    pub fn audience(&self) -> u64 {
        self.audience
    }

    /// Adds a subscriber.
    pub fn subscriber(&mut self, joined: Joined) -> Result<(), Failure> {
        self.audience += 1;
        self.add(joined, Role::Counts).map(drop)
    }

    /// Adds a connection that publishes.
    pub fn publisher(&mut self, joined: Joined) -> Result<usize, Failure> {
        let role = if self.dialect.over_http() { Role::Asks } else { Role::Publishes };
        self.add(joined, role)
    }

    fn add(&mut self, Joined { stream, rest }: Joined, role: Role) -> Result<usize, Failure> {
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let index = self.members.len();
        let interest = if role == Role::Counts { Interest::READABLE } else { Interest::READABLE | Interest::WRITABLE };
        self.poll.registry().register(&mut stream, Token(index), interest)?;
        self.members.push(Member {
            stream,
            role,
            partial: rest,
            rest: Vec::new(),
            out: Vec::new(),
            asked: 0,
            closed: false,
        });
        Ok(index)
    }

    /// Whether a publisher can take something at once: all was written, and over HTTP all was answered.
    pub fn ready(&self, index: usize) -> bool {
        let member = &self.members[index];
        member.out.is_empty() && member.asked == 0 && !member.closed
    }

    /// Whether the server has closed a publisher that asked nothing.
    pub fn closed(&self, index: usize) -> bool {
        self.members[index].closed
    }

    /// Hands bytes to a publisher, which writes now what the socket takes.
    pub fn write(&mut self, index: usize, bytes: &[u8]) -> Result<(), Failure> {
        let member = &mut self.members[index];
        member.asked += usize::from(member.role == Role::Asks);
        member.out.extend_from_slice(bytes);
        member.flush()
    }

    /// Reads until so many messages were delivered in all; false when nothing more came for some seconds.
    pub fn read_until(&mut self, delivered: u64) -> Result<bool, Failure> {
        let mut last = Instant::now();
        while self.tally.delivered < delivered {
            let before = self.tally.delivered;
            self.turn(Duration::from_millis(200))?;
            if self.tally.delivered > before {
                last = Instant::now();
            } else if last.elapsed() > PATIENCE {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads for a while.
    pub fn read_for(&mut self, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.turn(left)?;
        }
        Ok(())
    }

    /// Reads what is there, or waits this long for something.
    pub fn turn(&mut self, wait: Duration) -> Result<(), Failure> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &self.events {
            let index = event.token().0;
            let member = &mut self.members[index];
            if event.is_writable() {
                member.flush()?;
            }
            if event.is_readable() {
                let read = member.read(self.dialect, &mut self.buffer, &mut self.tally);
                read.map_err(|error| format!("socket {index}: {error}"))?;
            }
        }
        Ok(())
    }
}

impl Member {
    fn flush(&mut self) -> Result<(), Failure> {
        let mut written = 0;
        while written < self.out.len() {
            match self.stream.write(&self.out[written..]) {
                Ok(more) => written += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.out.drain(..written);
        Ok(())
    }

    fn read(&mut self, dialect: &dyn Dialect, buffer: &mut [u8], tally: &mut Tally) -> Result<(), Failure> {
        loop {
            let read = match self.stream.read(buffer) {
                Ok(0) if self.role == Role::Asks && self.asked == 0 => {
                    self.closed = true;
                    return Ok(());
                }
                Ok(0) => return Err("closed by the server".into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            tally.read_now();
            let mut partial = std::mem::take(&mut self.partial);
            if partial.is_empty() {
                let done = self.take(&buffer[..read], dialect, tally)?;
                partial.extend_from_slice(&buffer[done..read]);
            } else {
                partial.extend_from_slice(&buffer[..read]);
                let done = self.take(&partial, dialect, tally)?;
                partial.drain(..done);
            }
            if !partial.is_empty() || partial.capacity() <= 4_096 {
                self.partial = partial;
            }
            // A short read has emptied the socket; asking again would only say so.
            if read < buffer.len() {
                return Ok(());
            }
        }
    }

    /// Takes what is whole, and says how much that was.
    fn take(&mut self, bytes: &[u8], dialect: &dyn Dialect, tally: &mut Tally) -> Result<usize, Failure> {
        let mut done = 0;
        if self.role == Role::Asks {
            while let Some(length) = answered(&bytes[done..])? {
                self.asked = self.asked.saturating_sub(1);
                done += length;
            }
            return Ok(done);
        }
        while let Some((opcode, payload, length)) = parse(&bytes[done..]) {
            done += length;
            match opcode {
                8 => return Err(format!("closed by the server: {}", reason(payload)).into()),
                9 => self.pong(frame(10, payload, true), tally)?,
                _ if self.role == Role::Counts => {
                    if let Some(pong) = dialect.receive(payload, &mut self.rest, tally) {
                        self.pong(pong, tally)?;
                    }
                }
                // A publisher hears of what it did, and must show that it lives.
                _ => {
                    if let Some(pong) = dialect.receive(payload, &mut self.rest, &mut Tally::new()) {
                        self.pong(pong, tally)?;
                    }
                }
            }
        }
        Ok(done)
    }

    /// A pong is a few bytes: it fits, or the server has stopped reading.
    fn pong(&mut self, pong: Vec<u8>, tally: &mut Tally) -> Result<(), Failure> {
        tally.pings += u64::from(self.role == Role::Counts);
        self.out.extend(pong);
        if self.role == Role::Counts {
            self.flush()?;
            if !self.out.is_empty() {
                return Err("takes no pong".into());
            }
            return Ok(());
        }
        self.flush()
    }
}

/// What a close frame tells.
fn reason(payload: &[u8]) -> String {
    match payload {
        [high, low, text @ ..] => {
            format!("{} {}", u16::from_be_bytes([*high, *low]), String::from_utf8_lossy(text))
        }
        _ => "without a reason".into(),
    }
}

/// The length of a whole HTTP answer, which must be a success.
fn answered(bytes: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(Answer { success, body, length }) = answer(bytes)? else { return Ok(None) };
    // Centrifugo tells its errors with a status of 200.
    if !success || find(body, b"\"error\"").is_some() {
        return Err(String::from_utf8_lossy(&bytes[..length]).into_owned().into());
    }
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    use super::answered;

    #[test]
    fn an_answer_is_read_whole_and_only_a_success_will_do() {
        let good = b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nokayHTTP";
        assert_eq!(answered(good).expect("a success"), Some(good.len() - 4));
        assert_eq!(answered(&good[..good.len() - 5]).expect("not yet whole"), None);
        assert!(answered(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n").is_err());
        assert!(answered(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"error\":{}}").is_err());
    }
}
