//! Centrifugo: JSON, one message a line, several lines a frame.

use super::{Dialect, Joined, request};
use crate::arguments::Failure;
use crate::tally::Tally;
use crate::wire::{await_text, connect, frame, open};
use std::io::Write;
use std::net::SocketAddr;

/// The adapter.
pub struct Centrifugo {
    address: SocketAddr,
    http: bool,
}

impl Centrifugo {
    /// Published to by a client, or with its HTTP API.
    pub fn new(address: SocketAddr, http: bool) -> Self {
        Self { address, http }
    }

    fn open(&self, index: usize) -> Result<Joined, Failure> {
        let mut stream = open(self.address, index, "/connection/websocket", None)?;
        stream.write_all(&frame(1, br#"{"id":1,"connect":{"name":"bench"}}"#, true))?;
        let rest = await_text(&mut stream, r#""connect""#)?;
        Ok(Joined { stream, rest })
    }
}

impl Dialect for Centrifugo {
    fn join(&self, index: usize, room: usize) -> Result<Joined, Failure> {
        let mut joined = self.open(index)?;
        let subscribe = format!(r#"{{"id":2,"subscribe":{{"channel":"r{room}"}}}}"#);
        joined.stream.write_all(&frame(1, subscribe.as_bytes(), true))?;
        joined.rest = await_text(&mut joined.stream, r#""subscribe""#)?;
        Ok(joined)
    }

    fn over_http(&self) -> bool {
        self.http
    }

    fn publisher(&self) -> Result<Joined, Failure> {
        if self.http {
            return Ok(Joined { stream: connect(self.address, 0)?, rest: Vec::new() });
        }
        self.open(0)
    }

    fn publication(&self, room: usize, text: &str) -> Vec<u8> {
        let message = format!(r#"{{"channel":"r{room}","data":{{"d":"{text}"}}}}"#);
        if self.http {
            return request(self.address, "/api/publish", "X-API-Key: for measuring\r\n", &message);
        }
        frame(1, format!(r#"{{"id":3,"publish":{message}}}"#).as_bytes(), true)
    }

    fn receive(&self, payload: &[u8], _: &mut Vec<u8>, tally: &mut Tally) -> Option<Vec<u8>> {
        let mut pinged = false;
        for line in payload.split(|byte| *byte == b'\n') {
            pinged |= line == b"{}";
            tally.message(line);
        }
        pinged.then(|| frame(1, b"{}", true))
    }
}
