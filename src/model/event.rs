//! Events: what a channel's log says, in the past tense.

use super::notification::Which;
use super::{
    Channel, Comment, CommentId, Notification, NotificationId, Post, PostId, Role, SessionId, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// One entry of a channel's log, composed and ready to be encoded.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Event {
    /// Whose log.
    #[schema(value_type = String)]
    pub channel: Channel,
    /// Its place there: 1, 2, 3 … without holes.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// When it was committed.
    pub at: Timestamp,
    /// What happened.
    #[schema(value_type = String)]
    pub kind: Arc<str>,
    /// What it tells of, so that a deletion can clean what was told before.
    #[serde(skip)]
    pub subject: Option<Subject>,
    /// Unread notifications after it, on a person's channel.
    #[serde(skip)]
    pub unread: Option<i64>,
    /// The subject as of `seq` or later, as JSON text.
    #[schema(value_type = Value)]
    pub data: Arc<RawValue>,
}

/// What an event tells of, where a later one may take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A comment.
    Comment(CommentId),
    /// A notification.
    Notification(NotificationId),
}

/// A comment's parent, with what the event changed of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentCount {
    /// The parent.
    pub id: CommentId,
    /// Its direct replies, deleted ones included, after the event.
    pub reply_count: i64,
}

/// What an event says, by kind.
#[derive(Debug, Clone)]
pub enum EventData<'a> {
    /// A comment appeared; counts are those after the event.
    CommentCreated(Counted<'a>),
    /// A comment became a tombstone; counts are those after the event.
    CommentDeleted(Counted<'a>),
    /// A comment's text changed.
    CommentUpdated(&'a Comment),
    /// People reacted to a comment, or took that back.
    CommentReacted(Reacted<'a>),
    /// A post changed.
    PostUpdated(&'a Post),
    /// A post is gone: the last event of its channel.
    PostDeleted(PostId),
    /// A back end published this; `kind` begins with `custom.`.
    Custom(&'a str, &'a RawValue),
    /// A person is told something.
    NotificationCreated(Noticed<'a>),
    /// What they were told has grown; it is unread again.
    NotificationUpdated(Noticed<'a>),
    /// They read some of it, or all before this event.
    NotificationsRead(&'a Which, i64),
    /// They dismissed it, or it was taken back; with how many are unread after it.
    NotificationDeleted(NotificationId, i64),
    /// What may no longer be told.
    Void,
    /// A session was ended; its tokens open nothing (internal channel).
    SessionRevoked(SessionRevoked),
    /// A person's role changed (internal channel).
    RoleChanged(RoleChanged),
    /// A person is kept out (internal channel).
    UserBanned(UserBanned),
    /// A person is let in again (internal channel).
    UserUnbanned(UserUnbanned),
}

/// A comment with the counts after its event.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Counted<'a> {
    /// The comment.
    pub comment: &'a Comment,
    /// Comments of the post that are not deleted.
    pub comment_count: i64,
    /// What changed of the comment it answers.
    pub parent: Option<ParentCount>,
}

/// A notification with what is unread after its event.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Noticed<'a> {
    /// The notification.
    pub notification: &'a Notification,
    /// How many are unread.
    pub unread: i64,
}

/// A comment's reactions after its event.
#[derive(Debug, Clone, Serialize)]
pub struct Reacted<'a> {
    /// The comment.
    pub comment_id: CommentId,
    /// How many people chose each emoji.
    pub reactions: &'a BTreeMap<String, u64>,
    /// Who changed what; none where too many did at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<Toggled>>,
}

/// What one person changed of a comment's reactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toggled {
    /// Who.
    pub user_id: UserId,
    /// Which emoji.
    pub emoji: String,
    /// Whether it is there now.
    pub on: bool,
}

/// Data of `session.revoked` on the internal channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRevoked {
    /// Which session.
    pub session_id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// When its last access token ends.
    pub until: Timestamp,
}

/// Data of `role.changed` on the internal channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChanged {
    /// Whose.
    pub user_id: UserId,
    /// What they are now.
    pub role: Role,
}

/// Data of `user.banned` on the internal channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserBanned {
    /// Who.
    pub user_id: UserId,
    /// When it ends by itself; none: when it is lifted.
    pub until: Option<Timestamp>,
}

/// Data of `user.unbanned` on the internal channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserUnbanned {
    /// Who.
    pub user_id: UserId,
}

impl EventData<'_> {
    /// The kind on the wire.
    pub fn kind(&self) -> Arc<str> {
        match self {
            Self::CommentCreated(_) => "comment.created".into(),
            Self::CommentDeleted(_) => "comment.deleted".into(),
            Self::CommentUpdated(_) => "comment.updated".into(),
            Self::CommentReacted(_) => "comment.reacted".into(),
            Self::PostUpdated(_) => "post.updated".into(),
            Self::PostDeleted(_) => "post.deleted".into(),
            Self::Custom(kind, _) => (*kind).into(),
            Self::NotificationCreated(_) => "notification.created".into(),
            Self::NotificationUpdated(_) => "notification.updated".into(),
            Self::NotificationsRead(..) => "notifications.read".into(),
            Self::NotificationDeleted(..) => "notification.deleted".into(),
            Self::Void => "void".into(),
            Self::SessionRevoked(_) => "session.revoked".into(),
            Self::RoleChanged(_) => "role.changed".into(),
            Self::UserBanned(_) => "user.banned".into(),
            Self::UserUnbanned(_) => "user.unbanned".into(),
        }
    }

    /// What it tells of.
    pub fn subject(&self) -> Option<Subject> {
        match self {
            Self::CommentCreated(Counted { comment, .. })
            | Self::CommentDeleted(Counted { comment, .. })
            | Self::CommentUpdated(comment) => Some(Subject::Comment(comment.id)),
            Self::CommentReacted(reacted) => Some(Subject::Comment(reacted.comment_id)),
            Self::NotificationCreated(noticed) | Self::NotificationUpdated(noticed) => {
                Some(Subject::Notification(noticed.notification.id))
            }
            Self::NotificationDeleted(id, _) => Some(Subject::Notification(*id)),
            _ => None,
        }
    }

    /// The event at its place in a log.
    pub fn at(&self, channel: Channel, seq: i64, at: Timestamp) -> Event {
        Event { channel, seq, at, kind: self.kind(), subject: self.subject(), unread: None, data: self.encode() }
    }

    fn encode(&self) -> Arc<RawValue> {
        match self {
            Self::CommentCreated(counted) | Self::CommentDeleted(counted) => raw(counted),
            Self::CommentUpdated(comment) => raw(&serde_json::json!({ "comment": comment })),
            Self::CommentReacted(reacted) => raw(reacted),
            Self::PostUpdated(post) => raw(&serde_json::json!({ "post": post })),
            Self::PostDeleted(post_id) => raw(&serde_json::json!({ "post_id": post_id })),
            Self::Custom(_, data) => Arc::from((*data).to_owned()),
            Self::NotificationCreated(noticed) | Self::NotificationUpdated(noticed) => raw(noticed),
            Self::NotificationsRead(Which::These(ids), unread) => {
                raw(&serde_json::json!({ "ids": ids, "unread": unread }))
            }
            Self::NotificationsRead(Which::All, unread) => raw(&serde_json::json!({ "all": true, "unread": unread })),
            Self::NotificationDeleted(id, unread) => raw(&serde_json::json!({ "id": id, "unread": unread })),
            Self::Void => raw(&serde_json::json!({})),
            Self::SessionRevoked(data) => raw(data),
            Self::RoleChanged(data) => raw(data),
            Self::UserBanned(data) => raw(data),
            Self::UserUnbanned(data) => raw(data),
        }
    }
}

fn raw(value: &impl Serialize) -> Arc<RawValue> {
    let boxed = serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned());
    Arc::from(boxed)
}
