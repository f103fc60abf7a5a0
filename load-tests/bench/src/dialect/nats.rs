//! NATS: its text protocol in binary frames, which may hold several messages or a part of one.

use super::{Dialect, Joined};
use crate::arguments::Failure;
use crate::tally::Tally;
use crate::wire::{await_text, find, frame, open};
use std::io::Write;
use std::net::SocketAddr;

/// The adapter.
pub struct Nats {
    address: SocketAddr,
}

impl Nats {
    /// A server's WebSocket listener.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    fn open(&self, index: usize, then: &str) -> Result<Joined, Failure> {
        let mut stream = open(self.address, index, "/", None)?;
        // The PONG says that all before it was done.
        let hello = format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\n{then}PING\r\n");
        stream.write_all(&frame(2, hello.as_bytes(), true))?;
        let rest = await_text(&mut stream, "PONG")?;
        Ok(Joined { stream, rest })
    }
}

impl Dialect for Nats {
    fn join(&self, index: usize, room: usize) -> Result<Joined, Failure> {
        self.open(index, &format!("SUB room.{room} 1\r\n"))
    }

    fn over_http(&self) -> bool {
        false
    }

    fn publisher(&self) -> Result<Joined, Failure> {
        self.open(0, "")
    }

    fn publication(&self, room: usize, text: &str) -> Vec<u8> {
        let message = format!("{{\"d\":\"{text}\"}}");
        frame(2, format!("PUB room.{room} {}\r\n{message}\r\n", message.len()).as_bytes(), true)
    }

    fn receive(&self, payload: &[u8], rest: &mut Vec<u8>, tally: &mut Tally) -> Option<Vec<u8>> {
        if rest.is_empty() {
            let (done, pinged) = lines(payload, tally);
            rest.extend_from_slice(&payload[done..]);
            return pinged.then(|| frame(2, b"PONG\r\n", true));
        }
        rest.extend_from_slice(payload);
        let (done, pinged) = lines(rest, tally);
        rest.drain(..done);
        pinged.then(|| frame(2, b"PONG\r\n", true))
    }
}

/// Takes whole messages; says how many bytes they were, and whether a PING was among them.
fn lines(bytes: &[u8], tally: &mut Tally) -> (usize, bool) {
    let (mut done, mut pinged) = (0, false);
    while let Some(end) = find(&bytes[done..], b"\r\n") {
        let line = &bytes[done..done + end];
        let mut length = end + 2;
        if line.starts_with(b"MSG ") {
            let digits = line.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
            let size = digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit.wrapping_sub(b'0')));
            length += size + 2;
            let Some(message) = bytes.get(done..done + length) else { break };
            tally.message(message);
        }
        pinged |= line == b"PING";
        done += length;
    }
    (done, pinged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_wherever_frames_are_cut() {
        let nats = Nats::new(SocketAddr::from(([127, 0, 0, 1], 1)));
        let stream = b"MSG room.0 1 9\r\nbench=123\r\nPING\r\nMSG room.0 1 10\r\nbench=4567\r\n";
        for cut in 0..=stream.len() {
            let (mut rest, mut tally) = (Vec::new(), Tally::new());
            let answers =
                [&stream[..cut], &stream[cut..]].map(|part| nats.receive(part, &mut rest, &mut tally).is_some());
            assert_eq!((tally.delivered, rest.len()), (2, 0), "cut at {cut}");
            assert_eq!(answers.iter().filter(|answered| **answered).count(), 1);
        }
    }
}
