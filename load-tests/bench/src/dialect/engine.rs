//! Socket.IO 4 over Engine.IO 4, on WebSocket from the first byte.

use super::{Dialect, Joined};
use crate::arguments::Failure;
use crate::tally::Tally;
use crate::wire::{await_text, frame, open};
use std::io::Write;
use std::net::SocketAddr;

/// The adapter.
pub struct Engine {
    address: SocketAddr,
}

impl Engine {
    /// A server whose handshake takes `room` from the query, and which relays the event `publish`.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    fn open(&self, index: usize, query: &str) -> Result<Joined, Failure> {
        let path = format!("/socket.io/?EIO=4&transport=websocket{query}");
        let mut stream = open(self.address, index, &path, None)?;
        stream.write_all(&frame(1, b"40", true))?;
        let rest = await_text(&mut stream, "40{")?;
        Ok(Joined { stream, rest })
    }
}

impl Dialect for Engine {
    fn join(&self, index: usize, room: usize) -> Result<Joined, Failure> {
        self.open(index, &format!("&room=r{room}"))
    }

    fn over_http(&self) -> bool {
        false
    }

    fn publisher(&self) -> Result<Joined, Failure> {
        self.open(0, "")
    }

    fn publication(&self, room: usize, text: &str) -> Vec<u8> {
        frame(1, format!("42[\"publish\",\"r{room}\",{{\"d\":\"{text}\"}}]").as_bytes(), true)
    }

    fn receive(&self, payload: &[u8], _: &mut Vec<u8>, tally: &mut Tally) -> Option<Vec<u8>> {
        if payload == b"2" {
            return Some(frame(1, b"3", true));
        }
        tally.message(payload);
        None
    }
}
