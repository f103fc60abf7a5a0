//! Belfry: every subscriber is somebody of their own, in a room and on their own channel, over JSON or MessagePack.

use super::{Dialect, Joined, request};
use crate::arguments::{Arguments, Failure};
use crate::tally::Tally;
use crate::wire::{Codec, await_text, connect, upgrade};
use serde_json::{Value, json};
use std::cell::Cell;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

/// How a message gets in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `signal` over a socket: fan-out alone, never stored.
    Signal,
    /// `POST /publish`: committed, then fanned out.
    Rest,
    /// `comment.create` over a socket: committed, rendered, fanned out.
    Comment,
}

/// The adapter.
pub struct Belfry {
    address: SocketAddr,
    way: Way,
    /// None: every other subscriber of a room has the other one.
    codec: Option<Codec>,
    /// Of the subscribers and, last, of the publisher.
    tokens: Vec<String>,
    key: String,
    posts: Vec<u64>,
    written: Cell<u64>,
}

impl Belfry {
    /// Takes `--tokens`, `--posts`, `--api-key` and `--codec`.
    pub fn take(arguments: &mut Arguments, address: SocketAddr, rooms: usize, publish: &str) -> Result<Self, Failure> {
        let codec: String = arguments.or("codec", "both".into())?;
        let tokens = std::fs::read_to_string(arguments.need::<PathBuf>("tokens")?)?;
        let posts = std::fs::read_to_string(arguments.need::<PathBuf>("posts")?)?;
        let mut belfry = Self {
            address,
            way: match publish {
                "signal" => Way::Signal,
                "rest" => Way::Rest,
                "comment" => Way::Comment,
                _ => return Err("--publish signal|rest|comment".into()),
            },
            codec: match codec.as_str() {
                "both" => None,
                name => Some(name.parse().map_err(|()| "--codec both|json|msgpack")?),
            },
            tokens: tokens.lines().map(str::to_owned).collect(),
            key: arguments.or("api-key", String::new())?,
            posts: posts.lines().map(str::parse).collect::<Result<_, _>>()?,
            written: Cell::new(0),
        };
        if belfry.posts.len() < rooms {
            return Err("there are fewer posts than rooms".into());
        }
        belfry.posts.truncate(rooms);
        Ok(belfry)
    }

    fn connect(&self, index: usize, token: usize, codec: Codec, channels: &[String]) -> Result<Joined, Failure> {
        let token = self.tokens.get(token).ok_or("there are too few tokens")?;
        let mut stream = upgrade(self.address, index, codec.subprotocol())?;
        let subscriptions: Vec<Value> = channels.iter().map(|channel| json!({"channel": channel})).collect();
        let connect = json!({"type": "connect", "id": 1, "token": token, "subscriptions": subscriptions});
        stream.write_all(&codec.frame(&connect))?;
        let rest = await_text(&mut stream, "welcome")?;
        Ok(Joined { stream, rest })
    }

    fn channel(&self, room: usize) -> String {
        format!("post:{}", self.posts[room])
    }
}

impl Dialect for Belfry {
    fn join(&self, index: usize, room: usize) -> Result<Joined, Failure> {
        // Both codecs in every room.
        let turn = if (index / self.posts.len()).is_multiple_of(2) { Codec::Json } else { Codec::MessagePack };
        self.connect(index, index, self.codec.unwrap_or(turn), &[self.channel(room), "me".into()])
    }

    fn over_http(&self) -> bool {
        self.way == Way::Rest
    }

    fn publisher(&self) -> Result<Joined, Failure> {
        if self.over_http() {
            return Ok(Joined { stream: connect(self.address, 0)?, rest: Vec::new() });
        }
        // Who signals is in the room.
        let rooms: Vec<String> = (0..self.posts.len()).map(|room| self.channel(room)).collect();
        self.connect(0, self.tokens.len().saturating_sub(1), Codec::Json, &rooms)
    }

    fn publication(&self, room: usize, text: &str) -> Vec<u8> {
        let (channel, data) = (self.channel(room), json!({"d": text}));
        match self.way {
            Way::Signal => Codec::Json.frame(&json!({"type": "signal", "channel": channel, "data": data})),
            Way::Rest => {
                let headers = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", self.key);
                let body = json!({"channel": channel, "kind": "custom.bench", "data": data}).to_string();
                request(self.address, "/api/v1/publish", &headers, &body)
            }
            Way::Comment => {
                let number = self.written.replace(self.written.get() + 1);
                let (post, key) = (self.posts[room], format!("{}-{number}", std::process::id()));
                Codec::Json.frame(&json!({"type": "comment.create", "post_id": post, "body": text, "key": key}))
            }
        }
    }

    fn receive(&self, payload: &[u8], _: &mut Vec<u8>, tally: &mut Tally) -> Option<Vec<u8>> {
        tally.message(payload);
        None
    }
}
