//! MQTT 3.1.1 in binary frames, each message at most once. Its heartbeats are the client's affair, and are left out.

use super::{Dialect, Joined};
use crate::arguments::Failure;
use crate::tally::Tally;
use crate::wire::{await_text, frame, open};
use std::io::Write;
use std::net::SocketAddr;

/// The adapter.
pub struct Mqtt {
    address: SocketAddr,
}

impl Mqtt {
    /// A broker's WebSocket listener.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// CONNECT with a clean session, and what CONNACK says where that was accepted.
    fn open(&self, index: usize, name: &str) -> Result<Joined, Failure> {
        let mut stream = open(self.address, index, "/mqtt", Some("mqtt"))?;
        let mut connect = b"\0\x04MQTT\x04\x02\0\0".to_vec();
        connect.extend(text(name));
        stream.write_all(&frame(2, &packet(0x10, &connect), true))?;
        let rest = await_text(&mut stream, " \u{2}\0\0")?;
        Ok(Joined { stream, rest })
    }
}

impl Dialect for Mqtt {
    fn join(&self, index: usize, room: usize) -> Result<Joined, Failure> {
        let mut joined = self.open(index, &format!("subscriber-{index}"))?;
        let mut subscribe = b"\0\x01".to_vec();
        subscribe.extend(text(&format!("room/{room}")));
        subscribe.push(0);
        joined.stream.write_all(&frame(2, &packet(0x82, &subscribe), true))?;
        joined.rest = await_text(&mut joined.stream, "\u{3}\0\u{1}\0")?;
        Ok(joined)
    }

    fn over_http(&self) -> bool {
        false
    }

    fn publisher(&self) -> Result<Joined, Failure> {
        self.open(0, "publisher")
    }

    fn publication(&self, room: usize, message: &str) -> Vec<u8> {
        let mut publish = text(&format!("room/{room}"));
        publish.extend(format!("{{\"d\":\"{message}\"}}").into_bytes());
        frame(2, &packet(0x30, &publish), true)
    }

    fn receive(&self, payload: &[u8], rest: &mut Vec<u8>, tally: &mut Tally) -> Option<Vec<u8>> {
        if rest.is_empty() {
            let done = packets(payload, tally);
            rest.extend_from_slice(&payload[done..]);
        } else {
            rest.extend_from_slice(payload);
            let done = packets(rest, tally);
            rest.drain(..done);
        }
        None
    }
}

/// Takes whole packets, and says how many bytes they were.
fn packets(bytes: &[u8], tally: &mut Tally) -> usize {
    let mut done = 0;
    'packets: while done < bytes.len() {
        let (mut length, mut header) = (0, 1);
        loop {
            let Some(byte) = bytes.get(done + header) else { break 'packets };
            length |= usize::from(byte & 0x7f) << (7 * (header - 1));
            header += 1;
            if byte & 0x80 == 0 || header > 4 {
                break;
            }
        }
        let Some(packet) = bytes.get(done..done + header + length) else { break };
        if packet[0] >> 4 == 3 {
            tally.message(packet);
        }
        done += packet.len();
    }
    done
}

/// A packet with its length, seven bits a byte.
fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    let mut left = body.len();
    while left > 0x7f {
        bytes.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes.extend_from_slice(body);
    bytes
}

/// A text behind its length; none here is long.
fn text(text: &str) -> Vec<u8> {
    let mut bytes = vec![0, text.len() as u8];
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_found_wherever_frames_are_cut() {
        let mqtt = Mqtt::new(SocketAddr::from(([127, 0, 0, 1], 1)));
        let long = format!("\0\u{6}room/0bench=1{}", "x".repeat(200));
        let mut stream = packet(0x30, long.as_bytes());
        stream.extend(packet(0xd0, b""));
        stream.extend(packet(0x30, b"\0\x06room/0bench=2"));
        for cut in 0..=stream.len() {
            let (mut rest, mut tally) = (Vec::new(), Tally::new());
            for part in [&stream[..cut], &stream[cut..]] {
                assert!(mqtt.receive(part, &mut rest, &mut tally).is_none());
            }
            assert_eq!((tally.delivered, rest.len()), (2, 0), "cut at {cut}");
        }
    }
}
