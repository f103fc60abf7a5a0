//! An entry of a hot tail: an event, encoded once per codec as the frame that goes out.

use crate::model::{Channel, Event, EventData, Subject, Timestamp};
use crate::protocol::codec::{Codec, Frames, payload};
use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;

/// What an entry costs beyond its frames: itself, its places in deques, its reference counts.
const OVERHEAD: usize = 160;

/// Immutable; a rewrite replaces the entry.
#[derive(Debug)]
pub struct Entry {
    /// Its place in the log.
    pub seq: i64,
    /// What happened.
    pub kind: Arc<str>,
    /// What it tells of.
    pub subject: Option<Subject>,
    /// Unread notifications after it, on a person's channel.
    pub unread: Option<i64>,
    /// When it came in, on the hub's own scale; for measuring only.
    pub accepted_ms: u64,
    channel: Channel,
    at: Timestamp,
    frames: Frames,
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
        Self {
            seq: event.seq,
            kind: event.kind.clone(),
            subject: event.subject,
            unread: event.unread,
            accepted_ms,
            channel: event.channel,
            at: event.at,
            frames: Frames::of_json(&message),
        }
    }

    /// The frame in a codec; MessagePack is encoded when first wanted.
    pub fn frame(&self, codec: Codec) -> &Bytes {
        self.frames.get(codec)
    }

    /// The message without its frame.
    pub fn message(&self, codec: Codec) -> Bytes {
        payload(self.frame(codec))
    }

    /// What it counts for in the bounds of a tail: its bytes as JSON.
    pub fn len(&self) -> usize {
        self.frame(Codec::Json).len()
    }

    /// What it counts for in the process's budget: both frames, whether or not the second is there yet.
    pub fn cost(&self) -> usize {
        2 * self.len() + OVERHEAD
    }

    /// This entry as it may be told once `deleted` is: its comment as a tombstone, reactions and a notification not at all.
    pub fn told_as(&self, deleted: &Entry) -> Option<Self> {
        if &*self.kind == "comment.reacted" || matches!(self.subject, Some(Subject::Notification(_))) {
            let void = Event { unread: self.unread, ..EventData::Void.at(self.channel, self.seq, self.at) };
            return Some(Self::new(void, self.accepted_ms));
        }
        let mut data = self.data()?;
        *data.get_mut("comment")? = deleted.data()?.get("comment")?.clone();
        let data: Box<RawValue> = serde_json::value::to_raw_value(&data).ok()?;
        let event = Event {
            channel: self.channel,
            seq: self.seq,
            at: self.at,
            kind: self.kind.clone(),
            subject: self.subject,
            unread: self.unread,
            data: Arc::from(data),
        };
        Some(Self::new(event, self.accepted_ms))
    }

    fn data(&self) -> Option<Value> {
        let mut message: Value = serde_json::from_slice(&self.message(Codec::Json)).ok()?;
        Some(message.get_mut("data")?.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Counted, Noticed, ParentCount, Reacted, Toggled};
    use crate::model::notification::Which;
    use crate::model::{Comment, CommentId, Notification, NotificationId, Post, PostId, UserId, UserRef};
    use crate::protocol::fixtures::assert_says;
    use std::collections::BTreeMap;
    use std::sync::LazyLock;

    const POST: Channel = Channel::Post(PostId(42));
    const NOON: i64 = 1_772_366_400_000;

    fn ada() -> UserRef {
        let avatar_url = Some("https://img.example/ada.png".into());
        UserRef { id: UserId(3), name: "Ada Lovelace".into(), handle: "ada".into(), avatar_url }
    }

    fn root() -> Comment {
        Comment {
            id: CommentId(9),
            post_id: PostId(42),
            parent_id: None,
            root_id: CommentId(9),
            depth: 0,
            author: Some(ada()),
            body: "Grüße an **alle** 👋".into(),
            html: "<p>Grüße an <strong>alle</strong> 👋</p>\n".into(),
            created_at: Timestamp(NOON + 5),
            edited_at: None,
            deleted: false,
            reactions: [].into(),
            reply_count: 0,
            key: Some("c-7f3a".into()),
            seq: 21,
            updated_seq: 21,
        }
    }

    fn reply() -> Comment {
        Comment {
            id: CommentId(10),
            parent_id: Some(CommentId(9)),
            depth: 1,
            author: Some(UserRef { id: UserId(4), name: "Bob".into(), handle: "bob".into(), avatar_url: None }),
            body: "Moin!".into(),
            html: "<p>Moin!</p>\n".into(),
            created_at: Timestamp(NOON + 1_250),
            key: None,
            seq: 22,
            updated_seq: 22,
            ..root()
        }
    }

    fn says(name: &str, data: &EventData<'_>, channel: Channel, seq: i64, at: i64) {
        let entry = Entry::new(data.at(channel, seq, Timestamp(NOON + at)), 0);
        assert_says(name, |codec| entry.message(codec));
    }

    #[test]
    fn events_of_comments_are_said_as_in_their_fixtures() {
        let (root, reply) = (root(), reply());
        let data = EventData::CommentCreated(Counted { comment: &root, comment_count: 1, parent: None });
        says("event.comment_created.root", &data, POST, 21, 5);
        let parent = Some(ParentCount { id: CommentId(9), reply_count: 1 });
        let data = EventData::CommentCreated(Counted { comment: &reply, comment_count: 2, parent });
        says("event.comment_created", &data, POST, 22, 1_250);
        let edited = Comment {
            body: "Grüße an *alle*".into(),
            html: "<p>Grüße an <em>alle</em></p>\n".into(),
            edited_at: Some(Timestamp(NOON + 60_000)),
            reply_count: 1,
            updated_seq: 24,
            ..root
        };
        says("event.comment_updated", &EventData::CommentUpdated(&edited), POST, 24, 60_000);
        let data = EventData::CommentDeleted(Counted { comment: &tombstone(), comment_count: 1, parent });
        says("event.comment_deleted", &data, POST, 25, 120_000);
    }

    fn reacted() -> EventData<'static> {
        static REACTIONS: LazyLock<BTreeMap<String, u64>> =
            LazyLock::new(|| [("👍".to_owned(), 3), ("❤\u{fe0f}".to_owned(), 1)].into());
        let by = |user_id, emoji: &str, on| Toggled { user_id: UserId(user_id), emoji: emoji.into(), on };
        let by = Some(vec![by(3, "👍", true), by(4, "🎉", false)]);
        EventData::CommentReacted(Reacted { comment_id: CommentId(9), reactions: &REACTIONS, by })
    }

    #[test]
    fn reactions_are_said_as_in_their_fixtures() {
        says("event.comment_reacted", &reacted(), POST, 29, 90_000);
        let EventData::CommentReacted(reacted) = reacted() else { panic!() };
        let many = EventData::CommentReacted(Reacted { by: None, ..reacted });
        says("event.comment_reacted.many", &many, POST, 30, 90_050);
    }

    #[test]
    fn reactions_of_a_deleted_comment_are_told_no_more() {
        let reacted = Entry::new(reacted().at(POST, 23, Timestamp(NOON)), 7);
        let tombstone = Comment { id: CommentId(9), ..tombstone() };
        let deleted = EventData::CommentDeleted(Counted { comment: &tombstone, comment_count: 1, parent: None });
        let told = reacted.told_as(&Entry::new(deleted.at(POST, 25, Timestamp(NOON)), 8)).unwrap();
        assert_eq!((told.seq, &*told.kind, told.subject, told.accepted_ms), (23, "void", None, 7));
        assert_eq!(told.data().unwrap(), serde_json::json!({}));
    }

    fn tombstone() -> Comment {
        let (body, html) = (String::new(), String::new());
        Comment { author: None, body, html, deleted: true, updated_seq: 25, ..reply() }
    }

    #[test]
    fn events_of_posts_are_said_as_in_their_fixtures() {
        let post = Post {
            id: PostId(42),
            title: "A title: with – everything".into(),
            body: "# Hello".into(),
            html: "<h3>Hello</h3>\n".into(),
            url: None,
            page_key: None,
            author: Some(ada()),
            tags: Vec::new(),
            comment_count: 1,
            created_at: Timestamp(NOON - 3_600_000),
            updated_at: Timestamp(NOON + 180_000),
        };
        says("event.post_updated", &EventData::PostUpdated(&post), POST, 26, 180_000);
        says("event.post_deleted", &EventData::PostDeleted(PostId(42)), POST, 28, 300_000);
    }

    #[test]
    fn events_of_back_ends_and_those_without_a_subject_are_said_as_in_their_fixtures() {
        let data = r#"{"order": -129, "total": 1999.5, "list": [], "none": null,
            "deep": {"a": [{"b": 255}, {"c": 65536}, {"d": 4294967296}]}}"#;
        let data: &RawValue = serde_json::from_str(data).unwrap();
        let channel = Channel::User(UserId(3));
        says("event.custom", &EventData::Custom("custom.order.paid-2", data), channel, 27, 240_000);
        says("event.void", &EventData::Void, POST, 23, 1_250);
    }

    fn notification() -> Notification {
        let noon = Timestamp(NOON + 1_250);
        Notification {
            id: NotificationId(12),
            kind: "reply".into(),
            title: "A title: with – everything".into(),
            body: Some("Moin!".into()),
            url: Some("/posts/42#comment-10".into()),
            post_id: Some(PostId(42)),
            comment_id: Some(CommentId(10)),
            actors: reply().author.into_iter().collect(),
            count: 1,
            created_at: noon,
            updated_at: noon,
            read_at: None,
            seq: 6,
        }
    }

    #[test]
    fn events_of_notifications_are_said_as_in_their_fixtures() {
        let (own, notification) = (Channel::User(UserId(3)), notification());
        let data = EventData::NotificationCreated(Noticed { notification: &notification, unread: 3 });
        says("event.notification_created", &data, own, 6, 1_250);
        let grown = Notification {
            id: NotificationId(13),
            kind: "order.shipped".into(),
            title: "Two parcels are on their way".into(),
            body: None,
            url: Some("https://shop.example/orders/129".into()),
            post_id: None,
            comment_id: None,
            actors: Vec::new(),
            count: 2,
            updated_at: Timestamp(NOON + 120_000),
            seq: 8,
            ..notification
        };
        let data = EventData::NotificationUpdated(Noticed { notification: &grown, unread: 2 });
        says("event.notification_updated", &data, own, 8, 120_000);
        let these = Which::These(vec![NotificationId(12), NotificationId(13)]);
        says("event.notifications_read", &EventData::NotificationsRead(&these, 1), own, 7, 60_000);
        says("event.notifications_read.all", &EventData::NotificationsRead(&Which::All, 0), own, 9, 180_000);
        let gone = EventData::NotificationDeleted(NotificationId(12), 0);
        says("event.notification_deleted", &gone, own, 10, 240_000);
    }

    #[test]
    fn a_notification_that_is_gone_is_not_told_by_earlier_entries_but_its_count_is() {
        let (own, notification) = (Channel::User(UserId(3)), notification());
        let created = EventData::NotificationCreated(Noticed { notification: &notification, unread: 3 });
        let created = Event { unread: Some(3), ..created.at(own, 6, Timestamp(NOON)) };
        let deleted = EventData::NotificationDeleted(notification.id, 2).at(own, 7, Timestamp(NOON));
        let told = Entry::new(created, 7).told_as(&Entry::new(deleted, 8)).unwrap();
        assert_eq!((told.seq, &*told.kind, told.subject, told.unread), (6, "void", None, Some(3)));
        assert_eq!(told.data(), Some(serde_json::json!({})));
    }

    #[test]
    fn what_was_deleted_is_not_repeated_by_earlier_entries() {
        let (reply, parent) = (reply(), Some(ParentCount { id: CommentId(9), reply_count: 1 }));
        let created = EventData::CommentCreated(Counted { comment: &reply, comment_count: 2, parent });
        let created = Entry::new(created.at(POST, 22, Timestamp(NOON)), 7);
        let tombstone = tombstone();
        let deleted = EventData::CommentDeleted(Counted { comment: &tombstone, comment_count: 1, parent });
        let deleted = Entry::new(deleted.at(POST, 25, Timestamp(NOON)), 8);
        let told = created.told_as(&deleted).unwrap();
        assert_eq!(
            (told.seq, &*told.kind, told.subject),
            (22, "comment.created", Some(Subject::Comment(CommentId(10))))
        );
        let data = told.data().unwrap();
        assert_eq!((&data["comment"]["body"], &data["comment_count"]), (&"".into(), &2.into()));
        for codec in [Codec::Json, Codec::MsgPack] {
            let message = told.message(codec);
            assert!(!message.windows(4).any(|bytes| bytes == b"Moin"), "{codec:?}");
        }
    }

    /// A new kind does not compile here until it has a fixture above, or is the instances' own.
    #[expect(dead_code, reason = "it is read by the compiler")]
    fn has_a_fixture(data: &EventData<'_>) -> bool {
        match data {
            EventData::CommentCreated(_)
            | EventData::CommentDeleted(_)
            | EventData::CommentUpdated(_)
            | EventData::CommentReacted(_)
            | EventData::PostUpdated(_)
            | EventData::PostDeleted(_)
            | EventData::NotificationCreated(_)
            | EventData::NotificationUpdated(_)
            | EventData::NotificationsRead(..)
            | EventData::NotificationDeleted(..)
            | EventData::Custom(..)
            | EventData::Void => true,
            EventData::SessionRevoked(_)
            | EventData::RoleChanged(_)
            | EventData::UserBanned(_)
            | EventData::UserUnbanned(_) => false,
        }
    }
}
