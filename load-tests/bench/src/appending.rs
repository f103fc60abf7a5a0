//! Ways to append to a room's log: what a request looks like, and what says that it is committed.

use crate::arguments::Failure;
use crate::dialect;
use crate::fleet::{numbered, sign_in};
use crate::http::answer;
use crate::wire::{connect, frame, parse};
use serde_json::json;
use std::net::{SocketAddr, TcpStream};

/// What stands first among bytes that have come.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is committed.
    Acknowledged,
    /// It is not, or nobody knows; in the server's words.
    Refused(String),
    /// A sign of life is asked for, by these bytes.
    Asked(Vec<u8>),
    /// Nothing that matters here.
    Nothing,
}

/// A way. A line has one request on its way at a time.
pub trait Append {
    /// Opens a line.
    fn open(&self, index: usize) -> Result<TcpStream, Failure>;

    /// A request for a room; in that, every number is used once.
    fn request(&self, room: u64, number: usize) -> Vec<u8>;

    /// What stands first, and its length; none while it is not whole.
    fn hear(&self, bytes: &[u8]) -> Result<Option<(Heard, usize)>, Failure>;
}

/// `POST /publish` over a connection that is kept.
pub struct Publish {
    /// Of the server.
    pub address: SocketAddr,
    /// An API key.
    pub key: String,
}

impl Append for Publish {
    fn open(&self, index: usize) -> Result<TcpStream, Failure> {
        connect(self.address, index)
    }

    fn request(&self, room: u64, number: usize) -> Vec<u8> {
        let headers = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", self.key);
        dialect::request(self.address, "/api/v1/publish", &headers, &numbered(room, number).to_string())
    }

    fn hear(&self, bytes: &[u8]) -> Result<Option<(Heard, usize)>, Failure> {
        let Some(answer) = answer(bytes)? else { return Ok(None) };
        let heard = if answer.success {
            Heard::Acknowledged
        } else {
            Heard::Refused(String::from_utf8_lossy(&bytes[..answer.length]).into_owned())
        };
        Ok(Some((heard, answer.length)))
    }
}

/// `comment.create` over a socket, each of a person of their own; every comment has a key.
pub struct Comment {
    /// Of the server.
    pub address: SocketAddr,
    /// Of those who write.
    pub tokens: Vec<String>,
}

impl Append for Comment {
    fn open(&self, index: usize) -> Result<TcpStream, Failure> {
        let token = self.tokens.get(index).ok_or("there are too few tokens")?;
        let (stream, rest) = sign_in(self.address, index, token, &json!([]))?;
        // Only who follows something is told more than a welcome.
        if rest.is_empty() { Ok(stream) } else { Err("something came behind a welcome".into()) }
    }

    fn request(&self, room: u64, number: usize) -> Vec<u8> {
        let body = format!("Comment number {number}, with *some* emphasis and a [link](https://example.org) in it.");
        let id = number + 1;
        // Numbers begin anew with every run, rooms do not come back.
        let key = format!("bench-{room}-{number}");
        let comment = json!({"type": "comment.create", "id": id, "post_id": room, "body": body, "key": key});
        frame(1, comment.to_string().as_bytes(), true)
    }

    fn hear(&self, bytes: &[u8]) -> Result<Option<(Heard, usize)>, Failure> {
        let Some((opcode, payload, length)) = parse(bytes) else { return Ok(None) };
        let text = || String::from_utf8_lossy(payload).into_owned();
        let heard = match opcode {
            1 if payload.starts_with(br#"{"type":"reply""#) => Heard::Acknowledged,
            1 if payload.starts_with(br#"{"type":"error""#) => Heard::Refused(text()),
            8 => return Err(format!("closed by the server: {}", text()).into()),
            9 => Heard::Asked(frame(10, payload, true)),
            _ => Heard::Nothing,
        };
        Ok(Some((heard, length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reply_acknowledges_a_comment_and_only_a_ping_is_answered() {
        let comment = Comment { address: ([127, 0, 0, 1], 1).into(), tokens: Vec::new() };
        let hear = |opcode, text: &str| {
            let bytes = frame(opcode, text.as_bytes(), false);
            assert_eq!(comment.hear(&bytes[..bytes.len() - 1]).expect("not yet whole"), None);
            let (heard, length) = comment.hear(&bytes).expect("no close").expect("whole");
            assert_eq!(length, bytes.len());
            heard
        };
        assert_eq!(hear(1, r#"{"type":"reply","id":4,"data":{}}"#), Heard::Acknowledged);
        assert_eq!(hear(1, r#"{"type":"heartbeat"}"#), Heard::Nothing);
        assert_eq!(hear(9, "ping"), Heard::Asked(frame(10, b"ping", true)));
        let error = r#"{"type":"error","id":4,"error":{"code":"unavailable"}}"#;
        assert_eq!(hear(1, error), Heard::Refused(error.into()));
        assert!(comment.hear(&frame(8, b"\x0f\xa1", false)).is_err());
    }
}
