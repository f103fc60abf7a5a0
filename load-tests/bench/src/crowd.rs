//! Many sockets that read, answer pings and count.

use crate::arguments::Failure;
use crate::wire::{contains, frame, parse};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// A socket and the frame that is not yet whole.
struct Member {
    stream: TcpStream,
    partial: Vec<u8>,
    /// Whether what it receives is counted; what a publisher receives is only read away.
    counts: bool,
}

/// The readers.
pub struct Crowd {
    poll: Poll,
    events: Events,
    members: Vec<Member>,
    audience: u64,
    buffer: Vec<u8>,
    /// What a counted message holds.
    marker: &'static [u8],
    /// Messages counted so far.
    pub delivered: u64,
    /// Pings answered so far.
    pub pings: u64,
    /// Payload bytes of the last counted message.
    pub size: usize,
}

impl Crowd {
    /// Nobody yet; counts messages that hold this.
    pub fn new(marker: &'static str) -> Result<Self, Failure> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(2_048),
            members: Vec::new(),
            audience: 0,
            buffer: vec![0; 256 << 10],
            marker: marker.as_bytes(),
            delivered: 0,
            pings: 0,
            size: 0,
        })
    }

    /// How many are counted.
    pub fn audience(&self) -> u64 {
        self.audience
    }

    /// Adds one, with what was read from it beyond its welcome.
    pub fn add(&mut self, stream: std::net::TcpStream, partial: Vec<u8>, counts: bool) -> Result<(), Failure> {
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        self.poll.registry().register(&mut stream, Token(self.members.len()), Interest::READABLE)?;
        self.members.push(Member { stream, partial, counts });
        self.audience += u64::from(counts);
        Ok(())
    }

    /// Reads until so many messages were delivered in all; false when nothing more came for two seconds.
    pub fn read_until(&mut self, delivered: u64) -> Result<bool, Failure> {
        let mut last = Instant::now();
        while self.delivered < delivered {
            let before = self.delivered;
            self.turn(Duration::from_millis(200), &mut |_| {})?;
            if self.delivered > before {
                last = Instant::now();
            } else if last.elapsed() > Duration::from_secs(2) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads for a while, and shows each counted message.
    pub fn read_for(&mut self, time: Duration, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.turn(left, each)?;
        }
        Ok(())
    }

    fn turn(&mut self, wait: Duration, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &self.events {
            let index = event.token().0;
            let Member { stream, partial, counts } = &mut self.members[index];
            loop {
                let read = match stream.read(&mut self.buffer) {
                    Ok(0) => return Err(format!("socket {index} was closed").into()),
                    Ok(read) => read,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(format!("socket {index}: {error}").into()),
                };
                let whole = partial.is_empty();
                if !whole {
                    partial.extend_from_slice(&self.buffer[..read]);
                }
                let bytes: &[u8] = if whole { &self.buffer[..read] } else { partial };
                let mut done = 0;
                while let Some((opcode, payload, length)) = parse(&bytes[done..]) {
                    match opcode {
                        1 | 2 if *counts && contains(payload, self.marker) => {
                            self.delivered += 1;
                            self.size = payload.len();
                            each(payload);
                        }
                        8 => return Err(format!("socket {index} was closed: {:?}", payload).into()),
                        9 => {
                            self.pings += 1;
                            // A pong is a few bytes: it fits, or the server has stopped reading.
                            let pong = frame(10, payload, true);
                            if stream.write(&pong)? != pong.len() {
                                return Err(format!("socket {index} takes no pong").into());
                            }
                        }
                        _ => {}
                    }
                    done += length;
                }
                if whole {
                    partial.extend_from_slice(&self.buffer[done..read]);
                } else {
                    partial.drain(..done);
                }
                if partial.is_empty() && partial.capacity() > 4_096 {
                    *partial = Vec::new();
                }
                // A short read has emptied the socket; asking again would only say so.
                if read < self.buffer.len() {
                    break;
                }
            }
        }
        Ok(())
    }
}
