//! How messages travel through Redis: a channel of Redis for each channel of a database, and in it whole events, so that
//! whoever receives one need not read the store.
//!
//! **Invariant:** names bear the epoch: what is said of one database never enters another. What an instance cannot read,
//! because a newer one wrote it, it leaves out; the sweep brings it.

use crate::bus::{Ask, Message, Node, Seats};
use crate::model::event::Subject;
use crate::model::{Channel, Event, Timestamp};
use crate::protocol::server::Sender;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// Characters that name the node at the beginning of a message.
const NODE_CHARS: usize = 16;

/// The channel of Redis that carries a channel of the database with this epoch.
pub fn name(epoch: &str, channel: Channel) -> String {
    format!("belfry:{epoch}:{channel}")
}

/// The one on which an instance talks to itself.
pub fn probe_name(epoch: &str, node: Node) -> String {
    format!("belfry:{epoch}:probe:{node}")
}

/// What a channel of Redis is for.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// It carries this channel.
    Channel(Channel),
    /// This instance talks to itself.
    Probe,
}

/// Reads a name of this epoch; any other is nothing to us.
pub fn place(name: &str, epoch: &str, node: Node) -> Option<Place> {
    let rest = name.strip_prefix("belfry:")?.strip_prefix(epoch)?.strip_prefix(':')?;
    match rest.strip_prefix("probe:") {
        Some(theirs) => (theirs == node.to_string()).then_some(Place::Probe),
        None => Channel::from_stored(rest).ok().map(Place::Channel),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body<'a> {
    Event {
        seq: i64,
        at: Timestamp,
        #[serde(borrow)]
        kind: Cow<'a, str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<Subject>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unread: Option<i64>,
        /// The very text, so that clients of all instances are told the same bytes.
        #[serde(borrow)]
        data: &'a RawValue,
    },
    Signal {
        from: Cow<'a, Sender>,
        #[serde(borrow)]
        data: &'a RawValue,
    },
    Typing {
        from: Cow<'a, Sender>,
        writes: bool,
    },
    Seats(Arc<Seats>),
    Ask(Cow<'a, Ask>),
    Farewell {
        away_ms: u64,
    },
    Probe {
        sent_us: u64,
    },
}

/// A message as it is published.
pub fn encode(node: Node, message: &Message) -> Vec<u8> {
    let body = match message {
        Message::Event(event) => Body::Event {
            seq: event.seq,
            at: event.at,
            kind: Cow::Borrowed(&event.kind),
            subject: event.subject,
            unread: event.unread,
            data: &event.data,
        },
        Message::Signal { from, data, .. } => Body::Signal { from: Cow::Borrowed(from), data },
        Message::Typing { from, writes, .. } => Body::Typing { from: Cow::Borrowed(from), writes: *writes },
        Message::Seats { seats, .. } => Body::Seats(seats.clone()),
        Message::Ask { ask, .. } => Body::Ask(Cow::Borrowed(ask)),
        Message::Farewell { away_ms } => Body::Farewell { away_ms: *away_ms },
    };
    write(node, &body)
}

/// A probe as it is published.
pub fn encode_probe(node: Node, sent_us: u64) -> Vec<u8> {
    write(node, &Body::Probe { sent_us })
}

fn write(node: Node, body: &Body<'_>) -> Vec<u8> {
    let mut bytes = node.to_string().into_bytes();
    // Numbers, texts and JSON that was read as such cannot fail to be written.
    let _ = serde_json::to_writer(&mut bytes, body);
    bytes
}

/// Which instance published this.
pub fn sender(bytes: &[u8]) -> Option<Node> {
    let text = std::str::from_utf8(bytes.get(..NODE_CHARS)?).ok()?;
    u64::from_str_radix(text, 16).ok().map(Node)
}

/// Reads what came on a channel.
pub fn decode(channel: Channel, bytes: &[u8]) -> Option<Message> {
    match serde_json::from_slice(bytes.get(NODE_CHARS..)?).ok()? {
        Body::Event { seq, at, kind, subject, unread, data } => {
            let (kind, data) = (Arc::from(&*kind), Arc::from(data.to_owned()));
            Some(Message::Event(Event { channel, seq, at, kind, subject, unread, data }))
        }
        Body::Signal { from, data } => {
            Some(Message::Signal { channel, from: Arc::new(from.into_owned()), data: Arc::from(data.to_owned()) })
        }
        Body::Typing { from, writes } => Some(Message::Typing { channel, from: Arc::new(from.into_owned()), writes }),
        Body::Seats(seats) => Some(Message::Seats { channel, seats }),
        Body::Ask(ask) => Some(Message::Ask { channel, ask: ask.into_owned() }),
        Body::Farewell { away_ms } if channel == Channel::Revocations => Some(Message::Farewell { away_ms }),
        Body::Farewell { .. } | Body::Probe { .. } => None,
    }
}

/// Reads a probe: when it was sent.
pub fn decode_probe(bytes: &[u8]) -> Option<u64> {
    match serde_json::from_slice(bytes.get(NODE_CHARS..)?).ok()? {
        Body::Probe { sent_us } => Some(sent_us),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CommentId, PostId, UserId};

    #[test]
    fn an_event_arrives_as_it_was_to_the_byte() {
        let channel = Channel::Post(PostId(42));
        let data: Box<RawValue> = serde_json::from_str("{\"b\" : 1.50,\n \"a\":\"Gr\\u00fc\u{df}e\" }").unwrap();
        let event = Event {
            channel,
            seq: 7,
            at: Timestamp(1_772_366_400_005),
            kind: "custom.\"quoted\"".into(),
            subject: Some(Subject::Comment(CommentId(9))),
            unread: Some(3),
            data: Arc::from(data),
        };
        let bytes = encode(Node(1), &Message::Event(event.clone()));
        let Some(Message::Event(read)) = decode(channel, &bytes) else { panic!("not an event") };
        assert_eq!((read.channel, read.seq, read.at, &read.kind), (channel, 7, event.at, &event.kind));
        assert_eq!((read.subject, read.unread, read.data.get()), (event.subject, event.unread, event.data.get()));
    }

    #[test]
    fn a_signal_arrives_with_who_sent_it() {
        let channel = Channel::Post(PostId(42));
        let from = Arc::new(Sender { id: UserId(3), name: "Ada \"A\"".into() });
        let data: Box<RawValue> = serde_json::from_str("[1, 2]").unwrap();
        let bytes = encode(Node(1), &Message::Signal { channel, from, data: Arc::from(data) });
        let Some(Message::Signal { from, data, .. }) = decode(channel, &bytes) else { panic!("not a signal") };
        assert_eq!((from.id, &*from.name, data.get()), (UserId(3), "Ada \"A\"", "[1, 2]"));
    }

    #[test]
    fn whose_message_it_is_stands_in_front_of_it() {
        let bytes = encode_probe(Node(1), 5);
        assert_eq!((sender(&bytes), sender(b"00"), sender(b"no number at all")), (Some(Node(1)), None, None));
        assert_eq!(decode_probe(&bytes), Some(5));
    }

    #[test]
    fn a_name_of_another_epoch_or_another_instance_is_nothing_to_us() {
        let room = Channel::Post(PostId(42));
        assert_eq!(place(&name("e1", room), "e1", Node(1)), Some(Place::Channel(room)));
        assert_eq!(place(&name("e1", Channel::Revocations), "e1", Node(1)), Some(Place::Channel(Channel::Revocations)));
        assert_eq!(place(&probe_name("e1", Node(1)), "e1", Node(1)), Some(Place::Probe));
        for name in [name("e2", room), name("e11", room), probe_name("e1", Node(2)), "post:42".into()] {
            assert_eq!(place(&name, "e1", Node(1)), None, "{name}");
        }
    }

    #[test]
    fn what_a_newer_instance_says_is_left_out() {
        let bytes = [Node(1).to_string().as_bytes(), br#"{"roster":{"who":[1]}}"#].concat();
        assert!(decode(Channel::Revocations, &bytes).is_none() && decode_probe(&bytes).is_none());
        let bytes = [Node(1).to_string().as_bytes(), br#"{"probe":{"sent_us":1,"more":2}}"#].concat();
        assert_eq!(decode_probe(&bytes), Some(1));
    }
}
