//! What clients say.

use super::codes::ErrorCode;
use super::tagged;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The largest `id` a command may carry: exact in every client.
const MAX_COMMAND_ID: u64 = (1 << 53) - 1;

/// A command and the `id` its answer bears.
#[derive(Debug, Clone)]
pub struct Command {
    /// Chosen by the client; without it only errors are answered.
    pub id: Option<u64>,
    /// What is asked for.
    pub message: ClientMessage,
}

/// A command that is a map but makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCommand {
    /// The `id`, where it could be read.
    pub id: Option<u64>,
    /// Always `bad_request`.
    pub code: ErrorCode,
    /// What is wrong.
    pub detail: String,
}

/// A command.
#[derive(Debug, Clone, Deserialize)]
pub enum ClientMessage {
    /// Says who is there and what they want to follow.
    #[serde(rename = "connect")]
    Connect {
        /// An access token; none for an anonymous socket.
        #[serde(default)]
        token: Option<String>,
        /// `name/version` of the client, for logs.
        #[serde(default)]
        client: Option<String>,
        /// Channels to subscribe to at once.
        #[serde(default)]
        subscriptions: Option<Vec<Subscription>>,
    },
    /// Brings a fresh token for the same person.
    #[serde(rename = "refresh")]
    Refresh {
        /// The token.
        token: String,
    },
    /// Follows a channel.
    #[serde(rename = "subscribe")]
    Subscribe(Subscription),
    /// Follows it no more.
    #[serde(rename = "unsubscribe")]
    Unsubscribe {
        /// Its name.
        channel: String,
    },
    /// Writes a comment.
    #[serde(rename = "comment.create")]
    CommentCreate {
        /// Below which post.
        post_id: i64,
        /// In answer to which comment.
        #[serde(default)]
        parent_id: Option<i64>,
        /// Markdown.
        body: String,
        /// Makes a retry harmless.
        #[serde(default)]
        key: Option<String>,
    },
    /// Changes a comment.
    #[serde(rename = "comment.edit")]
    CommentEdit {
        /// Which.
        comment_id: i64,
        /// Markdown.
        body: String,
    },
    /// Deletes a comment.
    #[serde(rename = "comment.delete")]
    CommentDelete {
        /// Which.
        comment_id: i64,
    },
    /// Marks notifications read.
    #[serde(rename = "notifications.read")]
    NotificationsRead {
        /// Which.
        #[serde(default)]
        ids: Option<Vec<i64>>,
        /// Whether all.
        #[serde(default)]
        all: Option<bool>,
    },
    /// Puts an emoji on a comment or takes it away.
    #[serde(rename = "comment.react")]
    CommentReact {
        /// Which comment.
        comment_id: i64,
        /// One emoji.
        emoji: String,
        /// Whether it shall be there.
        on: bool,
    },
    /// Says that its person is writing; to be repeated while they are.
    #[serde(rename = "typing")]
    Typing {
        /// A room.
        channel: String,
    },
    /// To everyone else there, never stored.
    #[serde(rename = "signal")]
    Signal {
        /// A room.
        channel: String,
        /// Anything.
        data: Value,
    },
    /// Asks for a `pong`.
    #[serde(rename = "ping")]
    Ping {},
}

/// What to follow, and from where on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Subscription {
    /// Its name; `me` is one's own.
    pub channel: String,
    /// The epoch `since` belongs to.
    #[serde(default)]
    pub epoch: Option<String>,
    /// The last event seen.
    #[serde(default)]
    pub since: Option<u64>,
    /// Whether to be seen and to see the others.
    #[serde(default)]
    pub presence: Option<bool>,
}

impl ClientMessage {
    /// Every `type` a client may send.
    pub const KINDS: [&str; 12] = [
        "connect",
        "refresh",
        "subscribe",
        "unsubscribe",
        "comment.create",
        "comment.edit",
        "comment.delete",
        "notifications.read",
        "comment.react",
        "typing",
        "signal",
        "ping",
    ];

    /// Its `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Refresh { .. } => "refresh",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe { .. } => "unsubscribe",
            Self::CommentCreate { .. } => "comment.create",
            Self::CommentEdit { .. } => "comment.edit",
            Self::CommentDelete { .. } => "comment.delete",
            Self::NotificationsRead { .. } => "notifications.read",
            Self::CommentReact { .. } => "comment.react",
            Self::Typing { .. } => "typing",
            Self::Signal { .. } => "signal",
            Self::Ping {} => "ping",
        }
    }
}

impl Command {
    /// Reads a command out of a decoded map.
    pub fn from_map(mut map: Map<String, Value>) -> Result<Self, BadCommand> {
        let bad = |id, detail: String| BadCommand { id, code: ErrorCode::BadRequest, detail };
        let id = match map.get("id") {
            None | Some(Value::Null) => None,
            Some(id) => match id.as_u64().filter(|id| (1..=MAX_COMMAND_ID).contains(id)) {
                Some(id) => Some(id),
                None => return Err(bad(None, "`id` is a positive integer below 2^53".into())),
            },
        };
        let Some(Value::String(kind)) = map.remove("type") else {
            return Err(bad(id, "`type` is missing or no text".into()));
        };
        if !ClientMessage::KINDS.contains(&kind.as_str()) {
            return Err(bad(id, format!("unknown type `{}`", kind.chars().take(32).collect::<String>())));
        }
        let message = tagged::variant(kind, map).map_err(|error| bad(id, error.to_string()))?;
        Ok(Self { id, message })
    }
}

/// JSON text of a value, as it goes into a signal.
pub fn raw(value: &Value) -> Arc<RawValue> {
    Arc::from(serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Command, BadCommand> {
        match value {
            Value::Object(map) => Command::from_map(map),
            _ => panic!("not a map"),
        }
    }

    #[test]
    fn an_unknown_type_a_missing_field_and_a_wrong_type_are_errors_on_their_id() {
        for bad in [
            json!({"type": "dance", "id": 3}),
            json!({"type": "subscribe", "id": 3}),
            json!({"type": "subscribe", "id": 3, "channel": 5}),
            json!({"type": "subscribe", "id": 3, "channel": "post:1", "since": -1}),
            json!({"type": "comment.create", "id": 3, "post_id": "1", "body": "x"}),
            json!({"type": "comment.create", "id": 3, "post_id": 1}),
            json!({"id": 3}),
            json!({"id": 3, "type": 7}),
        ] {
            let error = read(bad.clone()).unwrap_err();
            assert_eq!((error.id, error.code), (Some(3), ErrorCode::BadRequest), "{bad}");
        }
    }

    #[test]
    fn an_id_that_is_no_positive_integer_is_an_error_without_id() {
        for id in [json!(0), json!(-1), json!(1.5), json!("1"), json!(9_007_199_254_740_992_u64), json!([])] {
            assert_eq!(read(json!({"type": "ping", "id": id})).unwrap_err().id, None, "{id}");
        }
        assert_eq!(read(json!({"type": "ping"})).unwrap().id, None);
        assert_eq!(read(json!({"type": "ping", "id": 9_007_199_254_740_991_u64})).unwrap().id, Some(MAX_COMMAND_ID));
    }

    #[test]
    fn unknown_fields_are_ignored() {
        assert!(read(json!({"type": "ping", "mood": "fine"})).is_ok());
    }
}
