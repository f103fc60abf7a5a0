//! An entry of a hot tail: an event, encoded once per codec as the frame that goes out.

use crate::model::{Channel, CommentId, Event, Timestamp};
use crate::protocol::codec::{self, Codec, frame, payload, transcode};
use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::{Arc, OnceLock};

/// What an entry costs beyond its frames: itself, its places in deques, its reference counts.
const OVERHEAD: usize = 160;

/// Immutable; a rewrite replaces the entry.
#[derive(Debug)]
pub struct Entry {
    /// Its place in the log.
    pub seq: i64,
    /// What happened.
    pub kind: Arc<str>,
    /// The comment it tells of.
    pub subject: Option<CommentId>,
    /// When it came in, on the hub's own scale; for measuring only.
    pub accepted_ms: u64,
    channel: Channel,
    at: Timestamp,
    json: Bytes,
    msgpack: OnceLock<Bytes>,
}

impl Entry {
    /// Encodes an event.
    pub fn new(event: Event, accepted_ms: u64) -> Self {
        #[derive(serde::Serialize)]
        struct Head<'a> {
            #[serde(rename = "type")]
            message: &'static str,
            channel: Channel,
            seq: i64,
            kind: &'a str,
            at: Timestamp,
        }
        let head = Head { message: "event", channel: event.channel, seq: event.seq, kind: &event.kind, at: event.at };
        // `data` is spliced in as text, so that it stays as a back end wrote it.
        let mut message = Codec::Json.encode(&head);
        message.pop();
        message.extend_from_slice(b",\"data\":");
        message.extend_from_slice(event.data.get().as_bytes());
        message.push(b'}');
        let json = frame(Codec::Json.opcode(), &message);
        Self {
            seq: event.seq,
            kind: event.kind.clone(),
            subject: event.subject,
            accepted_ms,
            channel: event.channel,
            at: event.at,
            json,
            msgpack: OnceLock::new(),
        }
    }

    /// The frame in a codec; MessagePack is encoded when first wanted.
    pub fn frame(&self, codec: Codec) -> &Bytes {
        match codec {
            Codec::Json => &self.json,
            Codec::MsgPack => {
                self.msgpack.get_or_init(|| codec::frame(Codec::MsgPack.opcode(), &transcode(&payload(&self.json))))
            }
        }
    }

    /// The message without its frame.
    pub fn message(&self, codec: Codec) -> Bytes {
        payload(self.frame(codec))
    }

    /// What it counts for in the bounds of a tail: both frames, whether or not the second is there yet.
    pub fn cost(&self) -> usize {
        2 * self.json.len() + OVERHEAD
    }

    /// This entry telling its comment as `deleted` tells it: what was said before must not be repeated.
    pub fn told_as(&self, deleted: &Entry) -> Option<Self> {
        let mut data = self.data()?;
        *data.get_mut("comment")? = deleted.data()?.get("comment")?.clone();
        let data: Box<RawValue> = serde_json::value::to_raw_value(&data).ok()?;
        let event = Event {
            channel: self.channel,
            seq: self.seq,
            at: self.at,
            kind: self.kind.clone(),
            subject: self.subject,
            data: Arc::from(data),
        };
        Some(Self::new(event, self.accepted_ms))
    }

    fn data(&self) -> Option<Value> {
        let mut message: Value = serde_json::from_slice(&self.message(Codec::Json)).ok()?;
        Some(message.get_mut("data")?.take())
    }
}
