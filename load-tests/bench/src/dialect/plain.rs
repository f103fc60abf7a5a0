//! A bare WebSocket whose path says the room: the floor, `ws`, uWebSockets.js, and Nchan, which is published to over HTTP.

use super::{Dialect, Joined, request};
use crate::arguments::Failure;
use crate::tally::Tally;
use crate::wire::{connect, frame, open};
use std::net::SocketAddr;

/// The adapter.
pub struct Plain {
    address: SocketAddr,
    nchan: bool,
}

impl Plain {
    /// Published to over a socket at `/publish`: the room, a line feed, the message.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, nchan: false }
    }

    /// Published to with `POST /publish?room=…`.
    pub fn nchan(address: SocketAddr) -> Self {
        Self { address, nchan: true }
    }
}

impl Dialect for Plain {
    fn join(&self, index: usize, room: usize) -> Result<Joined, Failure> {
        let stream = open(self.address, index, &format!("/subscribe?room={room}"), None)?;
        Ok(Joined { stream, rest: Vec::new() })
    }

    fn over_http(&self) -> bool {
        self.nchan
    }

    fn publisher(&self) -> Result<Joined, Failure> {
        let stream = if self.nchan { connect(self.address, 0) } else { open(self.address, 0, "/publish", None) }?;
        Ok(Joined { stream, rest: Vec::new() })
    }

    fn publication(&self, room: usize, text: &str) -> Vec<u8> {
        let message = format!("{{\"d\":\"{text}\"}}");
        if self.nchan {
            return request(self.address, &format!("/publish?room={room}"), "", &message);
        }
        frame(1, format!("{room}\n{message}").as_bytes(), true)
    }

    fn receive(&self, payload: &[u8], _: &mut Vec<u8>, tally: &mut Tally) -> Option<Vec<u8>> {
        tally.message(payload);
        None
    }
}
