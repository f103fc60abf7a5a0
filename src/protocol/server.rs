//! What the server says. Events, signals and subscriptions are put together from parts that are encoded once.

use super::codec::Codec;
use super::codes::ErrorCode;
use crate::model::{Channel, Role, Timestamp, UserId, UserRef};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;

/// An error as it stands in messages.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorBody {
    /// Which of the list.
    pub code: ErrorCode,
    /// One sentence for people.
    pub detail: String,
    /// When asking again may help, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The person a socket belongs to, as `welcome` tells it.
#[derive(Debug, Clone, Serialize)]
pub struct Me {
    /// Who.
    pub id: UserId,
    /// The name shown.
    pub name: String,
    /// The unique name.
    pub handle: String,
    /// What they may do.
    pub role: Role,
}

/// Who sent a signal, or is writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Who.
    pub id: UserId,
    /// The name shown.
    pub name: String,
}

impl From<&UserRef> for Sender {
    fn from(user: &UserRef) -> Self {
        Self { id: user.id, name: user.name.clone() }
    }
}

/// Who is in a room: all of it, or how it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Presence {
    /// People and nameless sockets.
    pub count: u64,
    /// Nameless sockets.
    pub anonymous: u64,
    /// Replaces who was there; of many a sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<Arc<UserRef>>>,
    /// Who came, or has another name or picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined: Option<Vec<Arc<UserRef>>>,
    /// Who is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Vec<UserId>>,
    /// There may be others elsewhere who are not seen just now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// A message that is put together as a whole.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage<'a> {
    /// The answer to a command.
    Reply {
        /// Of which command.
        id: u64,
        /// What came of it.
        data: Value,
    },
    /// A command that was not carried out, or bad input.
    Error {
        /// Of which command.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        /// Why.
        error: ErrorBody,
    },
    /// A subscription ended by the server.
    Unsubscribed {
        /// Which.
        channel: Channel,
        /// Why.
        error: ErrorBody,
    },
    /// Something ephemeral from somebody there.
    Signal {
        /// Where.
        channel: Channel,
        /// Who.
        from: &'a Sender,
        /// What.
        data: &'a RawValue,
    },
    /// Who is in a room.
    Presence {
        /// Where.
        channel: Channel,
        /// Who.
        #[serde(flatten)]
        presence: &'a Presence,
    },
    /// Who is writing there; replaces who was.
    Typing {
        /// Where.
        channel: Channel,
        /// Who.
        users: &'a [Sender],
    },
    /// A sign of life.
    Heartbeat,
    /// The answer to `ping`.
    Pong {
        /// Of which command.
        id: u64,
    },
    /// A hole that cannot be filled.
    Resync {
        /// Where.
        channel: Channel,
        /// The epoch from now on.
        epoch: &'a str,
        /// Continue from here.
        seq: i64,
    },
    /// A planned close.
    GoingAway {
        /// Wait that long, then reconnect.
        reconnect_after_ms: u64,
    },
}

/// The head of `welcome`; its `subscriptions` are spliced in.
#[derive(Debug, Clone, Serialize)]
pub struct Welcome<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    connection: &'a str,
    user: Option<Me>,
    heartbeat_ms: u64,
    expires_at: Option<Timestamp>,
}

impl<'a> Welcome<'a> {
    /// Answers `connect`, or comes unasked where a header signed in.
    pub fn new(
        id: Option<u64>,
        connection: &'a str,
        user: Option<Me>,
        heartbeat_ms: u64,
        expires_at: Option<Timestamp>,
    ) -> Self {
        Self { kind: "welcome", id, connection, user, heartbeat_ms, expires_at }
    }

    /// The whole message as a frame.
    pub fn frame(&self, codec: Codec, subscriptions: &[Bytes]) -> Bytes {
        let message = codec.encode_with_list(self, "subscriptions", subscriptions);
        super::codec::frame(codec.opcode(), &message)
    }
}

/// A subscription as it was granted; its `events` are spliced in.
#[derive(Debug, Clone)]
pub struct Subscribed {
    /// Which channel.
    pub channel: Channel,
    /// Its epoch.
    pub epoch: Arc<str>,
    /// The last event included or passed over.
    pub seq: i64,
    /// The channel's last event.
    pub head: i64,
    /// Whether `events` begin right after what the client had.
    pub recovered: bool,
    /// Encoded events.
    pub events: Vec<Bytes>,
    /// Who is there, where that was asked for.
    pub presence: Option<Presence>,
    /// Unread notifications, on one's own channel.
    pub unread: Option<i64>,
}

impl Subscribed {
    /// The body as it stands inside `welcome`, or with `type` and `id` as a message of its own.
    pub fn encode(&self, codec: Codec, message: Option<Option<u64>>) -> Bytes {
        #[derive(Serialize)]
        struct Head<'a> {
            #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
            kind: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<u64>,
            channel: Channel,
            epoch: &'a str,
            seq: i64,
            head: i64,
            recovered: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            presence: Option<&'a Presence>,
            #[serde(skip_serializing_if = "Option::is_none")]
            unread: Option<i64>,
        }
        let head = Head {
            kind: message.is_some().then_some("subscribed"),
            id: message.flatten(),
            channel: self.channel,
            epoch: &self.epoch,
            seq: self.seq,
            head: self.head,
            recovered: self.recovered,
            presence: self.presence.as_ref(),
            unread: self.unread,
        };
        codec.encode_with_list(&head, "events", &self.events).into()
    }

    /// The message as a frame.
    pub fn frame(&self, codec: Codec, id: Option<u64>) -> Bytes {
        super::codec::frame(codec.opcode(), &self.encode(codec, Some(id)))
    }
}

/// A subscription of `connect` that was refused.
#[derive(Debug, Clone, Serialize)]
pub struct Refused<'a> {
    /// As it was asked for.
    pub channel: &'a str,
    /// Why.
    pub error: ErrorBody,
}
