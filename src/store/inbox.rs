//! Changes of what people are told, as values.

use super::ledger::Ledger;
use super::notices::NotificationRow;
use super::write::IdempotencyKey;
use crate::model::event::Noticed;
use crate::model::notification::Which;
use crate::model::{Channel, EventData, NotificationId, PostId, Timestamp, UserId};
use sqlx::FromRow;

/// Marks notifications of a person read: `notifications.read` with those that were unread. What changes nothing appends
/// nothing. `NotFound` for a person who is not there.
#[derive(Debug, Clone)]
pub struct MarkRead {
    /// Whose.
    pub user_id: UserId,
    /// Which.
    pub which: Which,
}

/// How much is unread, and the event after which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// Notifications that are unread.
    pub unread: i64,
    /// The head of the person's channel.
    pub seq: i64,
}

/// Takes a notification away from a person: `notification.deleted`. One that is gone already appends nothing and is no
/// error, as long as its event is kept; `NotFound` for somebody else's and for one that never was.
#[derive(Debug, Clone)]
pub struct Dismiss {
    /// Whose.
    pub user_id: UserId,
    /// Which.
    pub id: NotificationId,
}

/// Notifications of a deleted post that one [`TakeBack`] takes back at most, and so the channels it locks.
pub const TAKEN_AT_ONCE: i64 = 100;

/// Takes back notifications of a deleted post, some of them: `notification.deleted` for each. Those whose person's
/// channel is held elsewhere are left for the next.
#[derive(Debug, Clone)]
pub struct TakeBack {
    /// Which post.
    pub post_id: PostId,
}

/// How far the notifications of a deleted post are taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenBack {
    /// Taken back by this.
    pub taken: i64,
    /// Whether any are left.
    pub more: bool,
}

/// Tells people something that a back end says. With a group each has one notification of that kind and group: told again
/// its text is replaced, it counts one more and is unread again. People who are not there are counted and passed over.
#[derive(Debug, Clone)]
pub struct Notify {
    /// Whom, each once.
    pub to: Vec<UserId>,
    /// How many more were named whom nobody knows.
    pub unknown: i64,
    /// The back end's own kind.
    pub kind: String,
    /// One line.
    pub title: String,
    /// More of it.
    pub body: Option<String>,
    /// Where to look.
    pub url: Option<String>,
    /// What is told by one notification however often.
    pub group: Option<String>,
    /// Makes a retry harmless.
    pub key: Option<IdempotencyKey>,
}

/// How many people were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notified {
    /// Told.
    pub accepted: i64,
    /// Not known.
    pub unknown: i64,
}

/// A person's notification of a group, as it stands.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct StandingRow {
    /// `notifications.id`.
    pub id: NotificationId,
    /// `notifications.user_id`.
    pub user_id: UserId,
    /// `notifications.count`.
    pub count: i64,
    /// `notifications.created_at`.
    pub created_at: Timestamp,
    /// When it was read, by itself or with all others.
    pub read_at: Option<Timestamp>,
}

/// A person's notification as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub id: NotificationId,
    /// Whose.
    pub user_id: UserId,
    /// What it is found by.
    pub group_key: String,
    /// How often it was told.
    pub count: i64,
    /// Its event.
    pub seq: i64,
}

impl Notify {
    /// What notifications of the group are found by.
    pub fn group_key(&self) -> Option<String> {
        self.group.as_ref().map(|group| format!("host:{}:{group}", self.kind))
    }

    /// Appends to the held channel of `user` that they are told; `fresh` is for a notification that is not there yet.
    pub fn tell(
        &self,
        ledger: &mut Ledger,
        user: UserId,
        standing: Option<StandingRow>,
        fresh: NotificationId,
    ) -> Told {
        let channel = Channel::User(user);
        let seq = ledger.next_seq(channel);
        let now = ledger.now();
        let row = NotificationRow {
            id: standing.map_or(fresh, |row| row.id),
            user_id: user,
            kind: self.kind.clone(),
            title: Some(self.title.clone()),
            body: self.body.clone(),
            url: self.url.clone(),
            post_id: None,
            comment_id: None,
            count: standing.map_or(0, |row| row.count) + 1,
            created_at: standing.map_or(now, |row| row.created_at),
            updated_at: now,
            read_at: None,
            seq,
            post_title: None,
            post_url: None,
            comment_html: None,
            author_id: None,
            author_name: None,
            author_handle: None,
            author_avatar_url: None,
        };
        let notification = row.show(Vec::new());
        let was_unread = standing.is_some_and(|row| row.read_at.is_none());
        ledger.change(channel, |row| row.unread += i64::from(!was_unread));
        let unread = ledger.row(channel).map_or(0, |row| row.unread);
        let noticed = Noticed { notification: &notification, unread };
        let data = match standing {
            None => EventData::NotificationCreated(noticed),
            Some(_) => EventData::NotificationUpdated(noticed),
        };
        ledger.append(channel, &data, Some(notification.id.0), None, None);
        // One of its own: no other event of the channel has this seq.
        let group_key = self.group_key().unwrap_or_else(|| format!("once:{seq}"));
        Told { id: notification.id, user_id: user, group_key, count: notification.count, seq }
    }
}
