//! Golden messages: one file each in `fixtures/`, in both codecs, read by these tests and by those of the TypeScript SDK.
//! What the server says is made by the types that say it; events and comments are made by the tests of their own modules.

use super::client::{ClientMessage, Command};
use super::codec::{Codec, payload};
use super::codes::ErrorCode;
use super::server::{ErrorBody, Me, Presence, Refused, Sender, ServerMessage, Subscribed, Welcome};
use crate::model::{Channel, PostId, Role, Timestamp, UserId, UserRef};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Who made the fixtures of the server: a file that no test produces proves nothing.
const MADE_HERE: [&str; 24] = [
    "error",
    "error.rate_limited",
    "error.without_id",
    "going_away",
    "heartbeat",
    "pong",
    "presence",
    "presence.count",
    "presence.partial",
    "presence.whole",
    "reply",
    "reply.notifications_read",
    "reply.refresh",
    "resync",
    "signal",
    "subscribed",
    "subscribed.own",
    "subscribed.presence",
    "subscribed.recovered",
    "typing",
    "typing.nobody",
    "unsubscribed",
    "welcome",
    "welcome.anonymous",
];
/// In `hub/entry.rs`.
const EVENTS: [&str; 15] = [
    "event.comment_created",
    "event.comment_created.root",
    "event.comment_deleted",
    "event.comment_reacted",
    "event.comment_reacted.many",
    "event.comment_updated",
    "event.custom",
    "event.notification_created",
    "event.notification_deleted",
    "event.notification_updated",
    "event.notifications_read",
    "event.notifications_read.all",
    "event.post_deleted",
    "event.post_updated",
    "event.void",
];
/// In `domain/comments.rs`.
const REPLIES: [&str; 2] = ["reply.comment", "reply.reactions"];

/// A file of `fixtures/`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fixture {
    direction: String,
    json: Map<String, Value>,
    msgpack: String,
}

impl Fixture {
    /// Reads the file of that name.
    pub(crate) fn read(name: &str) -> Self {
        let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
        let fixture: Self = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            name.starts_with(&format!("{}.", fixture.direction)),
            "{name} is of the direction {:?}",
            fixture.direction
        );
        fixture
    }

    /// The message as it stands on the wire.
    pub(crate) fn encoded(&self, codec: Codec) -> Vec<u8> {
        match codec {
            Codec::Json => serde_json::to_vec(&self.json).unwrap(),
            Codec::MsgPack => {
                let digits: Vec<char> = self.msgpack.chars().collect();
                let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
                digits.chunks(2).map(byte).collect()
            }
        }
    }
}

/// Holds what `make` encodes to the fixture `server.{name}`, in both codecs.
pub(crate) fn assert_says(name: &str, make: impl Fn(Codec) -> Bytes) {
    let fixture = Fixture::read(&format!("server.{name}"));
    for codec in [Codec::Json, Codec::MsgPack] {
        let made = codec.decode(&make(codec)).unwrap_or_else(|error| panic!("{name} in {codec:?}: {error}"));
        assert_eq!(made, fixture.json, "{name} in {codec:?}");
        assert_eq!(codec.decode(&fixture.encoded(codec)), Ok(made), "{name} in {codec:?}");
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/protocol/fixtures")
}

fn names(direction: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    files
        .filter_map(|file| file.strip_suffix(".json")?.strip_prefix(direction)?.strip_prefix('.').map(str::to_owned))
        .collect()
}

fn error(code: ErrorCode, detail: &str) -> ErrorBody {
    ErrorBody { code, detail: detail.into(), retry_after_ms: None }
}

fn subscribed(channel: Channel, seq: i64, events: Vec<Bytes>) -> Subscribed {
    let recovered = !events.is_empty();
    let epoch = "MqWgTrKU_WlFsVlM".into();
    Subscribed { channel, epoch, seq, head: seq, recovered, events, presence: None, unread: None }
}

/// Two people and three without a name.
fn present() -> Presence {
    let ada = UserRef {
        id: UserId(3),
        name: "Ada Lovelace".into(),
        handle: "ada".into(),
        avatar_url: Some("https://img.example/ada.png".into()),
    };
    let bob = UserRef { id: UserId(4), name: "Bob".into(), handle: "bob".into(), avatar_url: None };
    let users = Some(vec![ada.into(), bob.into()]);
    Presence { count: 5, anonymous: 3, users, joined: None, left: None, partial: false }
}

/// The events that `welcome` and `subscribed` bear.
fn events(codec: Codec) -> Vec<Bytes> {
    ["server.event.comment_created", "server.event.void"].map(|name| Fixture::read(name).encoded(codec).into()).into()
}

const POST: Channel = Channel::Post(PostId(42));

#[test]
fn every_fixture_is_held_to_what_the_server_says() {
    let made = MADE_HERE.iter().chain(&EVENTS).chain(&REPLIES);
    assert_eq!(names("server"), made.map(|name| (*name).to_owned()).collect());
}

#[test]
fn whole_messages_are_said_as_in_their_fixtures() {
    let sender = Sender { id: UserId(3), name: "Ada Lovelace".into() };
    let data = json!({"cursor": {"x": -3, "y": 70_000, "zoom": 1.5}, "marks": [true, null, "é"]});
    let data = super::client::raw(&data);
    let mut too_fast = error(ErrorCode::RateLimited, "too many requests, slow down");
    too_fast.retry_after_ms = Some(1_200);
    let forbidden = error(ErrorCode::Forbidden, "only its author may edit a comment");
    let garbled = error(ErrorCode::BadRequest, "this is no message in this socket's codec");
    let deleted = error(ErrorCode::NotFound, "the post was deleted");
    let ends = json!({"expires_at": Timestamp(1_772_368_200_000)});
    for (name, message) in [
        ("reply", ServerMessage::Reply { id: 4, data: json!({}) }),
        ("reply.notifications_read", ServerMessage::Reply { id: 9, data: json!({"unread": 1, "seq": 7}) }),
        ("reply.refresh", ServerMessage::Reply { id: 2, data: ends }),
        ("error", ServerMessage::Error { id: Some(5), error: forbidden }),
        ("error.rate_limited", ServerMessage::Error { id: Some(5), error: too_fast }),
        ("error.without_id", ServerMessage::Error { id: None, error: garbled }),
        ("unsubscribed", ServerMessage::Unsubscribed { channel: POST, error: deleted }),
        ("signal", ServerMessage::Signal { channel: POST, from: &sender, data: &data }),
        ("heartbeat", ServerMessage::Heartbeat),
        ("pong", ServerMessage::Pong { id: (1 << 53) - 1 }),
        ("resync", ServerMessage::Resync { channel: POST, epoch: "MqWgTrKU_WlFsVlM", seq: 90 }),
        ("going_away", ServerMessage::GoingAway { reconnect_after_ms: 4_300 }),
    ] {
        assert_says(name, |codec| payload(&codec.frame(&message)));
    }
}

#[test]
fn who_is_there_and_who_writes_is_said_as_in_their_fixtures() {
    let whole = present();
    let left = Some(vec![UserId(7), UserId(70_000)]);
    let joined = whole.users.clone().map(|mut users| users.split_off(1));
    let changes = Presence { users: None, joined, left, ..whole.clone() };
    let count = Presence { count: 1_203, anonymous: 2, users: None, ..whole.clone() };
    let partial = Presence { count: 2, anonymous: 0, partial: true, ..whole.clone() };
    for (name, presence) in
        [("presence.whole", &whole), ("presence", &changes), ("presence.count", &count), ("presence.partial", &partial)]
    {
        assert_says(name, |codec| payload(&codec.frame(&ServerMessage::Presence { channel: POST, presence })));
    }
    let sender = |user: &Arc<UserRef>| Sender::from(&**user);
    let users: Vec<Sender> = whole.users.iter().flatten().map(sender).collect();
    for (name, users) in [("typing", &users[..]), ("typing.nobody", &[])] {
        assert_says(name, |codec| payload(&codec.frame(&ServerMessage::Typing { channel: POST, users })));
    }
}

#[test]
fn subscriptions_are_said_as_in_their_fixtures() {
    let said = |subscribed: Subscribed, id: u64| move |codec| payload(&subscribed.frame(codec, Some(id)));
    assert_says("subscribed", said(subscribed(POST, 23, Vec::new()), 3));
    let own = subscribed(Channel::User(UserId(3)), 5, Vec::new());
    assert_says("subscribed.own", said(Subscribed { unread: Some(2), ..own }, 0));
    let presence = Some(present());
    assert_says("subscribed.presence", said(Subscribed { presence, ..subscribed(POST, 23, Vec::new()) }, 3));
    assert_says("subscribed.recovered", |codec| {
        payload(&Subscribed { head: 30, ..subscribed(POST, 23, events(codec)) }.frame(codec, Some(3)))
    });
}

#[test]
fn a_welcome_is_said_as_in_its_fixtures() {
    assert_says("welcome.anonymous", |codec| payload(&Welcome::new(None, "c18", None, 20_000, None).frame(codec, &[])));
    let me = Me { id: UserId(3), name: "Ada Lovelace".into(), handle: "ada".into(), role: Role::Moderator };
    let welcome = Welcome::new(Some(1), "c17", Some(me), 20_000, Some(Timestamp(1_772_367_300_000)));
    assert_says("welcome", |codec| {
        let refused = Refused { channel: "post:43", error: error(ErrorCode::NotFound, "there is no such channel") };
        let granted = subscribed(POST, 23, events(codec)).encode(codec, None);
        payload(&welcome.frame(codec, &[granted, codec.encode(&refused).into()]))
    });
}

#[test]
fn what_clients_say_is_read_alike_in_both_codecs() {
    let mut types = BTreeSet::new();
    for name in names("client") {
        let fixture = Fixture::read(&format!("client.{name}"));
        let [json, msgpack] = [Codec::Json, Codec::MsgPack].map(|codec| {
            let map = codec.decode(&fixture.encoded(codec)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(map, fixture.json, "{name} in {codec:?}");
            assert_eq!(codec.decode(&codec.encode(&map)), Ok(map.clone()), "{name} in {codec:?}");
            Command::from_map(map).unwrap_or_else(|error| panic!("{name}: {}", error.detail))
        });
        assert_eq!(format!("{json:?}"), format!("{msgpack:?}"), "{name}");
        assert_eq!(json.id, fixture.json.get("id").and_then(Value::as_u64), "{name}");
        assert_eq!(Some(json.message.kind()), fixture.json["type"].as_str(), "{name}");
        types.insert(json.message.kind());
    }
    assert_eq!(types, BTreeSet::from(ClientMessage::KINDS));
}
