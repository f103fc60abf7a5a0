//! The notification of a comment's reactions, as one transaction changes it: one row for the comment's author, with those
//! who react as its actors. A back end reads what stands there, and writes what came of it.

use super::ledger::Ledger;
use super::notices::{GoneRow, NotificationRow, take_away};
use crate::model::event::Noticed;
use crate::model::notification::MAX_ACTORS;
use crate::model::{Cause, Channel, CommentId, EventData, NotificationId, PostId, Timestamp, UserId, UserRef};
use sqlx::FromRow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A comment that is reacted to, its post, and its author's notification of that if there is one (left join).
#[derive(Debug, Clone, FromRow)]
pub struct BellRow {
    /// `comments.id`.
    pub comment_id: CommentId,
    /// `comments.author_id`.
    pub user_id: UserId,
    /// The beginning of `comments.html`.
    pub comment_html: String,
    /// `posts.id`.
    pub post_id: PostId,
    /// `posts.title`.
    pub post_title: String,
    /// `posts.url`.
    pub post_url: Option<String>,
    /// `notifications.id`.
    pub id: Option<NotificationId>,
    /// `notifications.count`.
    pub count: Option<i64>,
    /// `notifications.created_at`.
    pub created_at: Option<Timestamp>,
    /// When it was read, by itself or with all others.
    pub read_at: Option<Timestamp>,
}

/// Somebody who reacted, as the notification has them.
#[derive(Debug, Clone, FromRow)]
pub struct RingerRow {
    /// Which notification.
    pub notification_id: NotificationId,
    /// `users.id`.
    pub id: UserId,
    /// `users.name`.
    pub name: String,
    /// `users.handle`.
    pub handle: String,
    /// `users.avatar_url`.
    pub avatar_url: Option<String>,
    /// `notification_actors.at`.
    pub at: Timestamp,
}

/// A notification of reactions as it is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// Which.
    pub id: NotificationId,
    /// How many people.
    pub count: i64,
    /// When the first of them did.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// Its last event.
    pub seq: i64,
}

/// What is known of one comment's notification, as it becomes.
#[derive(Debug)]
pub struct Bell {
    row: BellRow,
    /// What is in the database.
    stored: Option<NotificationId>,
    now: Option<Rung>,
    changed: bool,
    /// The latest actors and those who may go, the latest first.
    actors: BTreeMap<Reverse<(Timestamp, UserId)>, UserRef>,
    came: Vec<UserId>,
    went: Vec<UserId>,
}

impl Bell {
    /// As read: the latest actors, more of them than may go, and those who may.
    pub fn new(row: BellRow, actors: impl IntoIterator<Item = RingerRow>) -> Self {
        let actors = actors.into_iter().map(|RingerRow { id, name, handle, avatar_url, at, .. }| {
            (Reverse((at, id)), UserRef { id, name, handle, avatar_url })
        });
        // What a row of the database had for its last change is told by nobody here.
        let now = row.id.zip(row.created_at).map(|(id, created_at)| Rung {
            id,
            count: row.count.unwrap_or_default(),
            created_at,
            updated_at: created_at,
            read_at: row.read_at,
            seq: 0,
        });
        let (actors, came, went) = (actors.collect(), Vec::new(), Vec::new());
        Self { stored: row.id, now, changed: false, actors, came, went, row }
    }

    /// Whose it is.
    pub fn user(&self) -> UserId {
        self.row.user_id
    }

    /// The comment.
    pub fn comment(&self) -> CommentId {
        self.row.comment_id
    }

    /// The comment's post.
    pub fn post(&self) -> PostId {
        self.row.post_id
    }

    /// Takes in who reacts now and did not before, and who does no longer; appends what that tells to the held channel of
    /// the comment's author. `fresh` gives an id where one is needed.
    pub fn change(
        &mut self,
        ledger: &mut Ledger,
        joined: &[UserRef],
        left: &[UserId],
        fresh: &mut Vec<NotificationId>,
    ) {
        let is_actor = |actors: &BTreeMap<_, UserRef>, user: UserId| actors.values().any(|actor| actor.id == user);
        let mine = self.user();
        let gone: Vec<UserId> = left.iter().filter(|user| is_actor(&self.actors, **user)).copied().collect();
        let new: Vec<&UserRef> =
            joined.iter().filter(|user| user.id != mine && !is_actor(&self.actors, user.id)).collect();
        if gone.is_empty() && new.is_empty() {
            return;
        }
        self.actors.retain(|_, actor| !gone.contains(&actor.id));
        for user in &gone {
            self.came.retain(|other| other != user);
            self.went.push(*user);
        }
        for user in &new {
            self.actors.insert(Reverse((ledger.now(), user.id)), (*user).clone());
            self.came.push(user.id);
        }
        let channel = Channel::User(mine);
        let before = self.now;
        let count = before.map_or(0, |row| row.count) - gone.len() as i64 + new.len() as i64;
        if count <= 0 {
            if let Some(row) = before {
                let gone = GoneRow { id: row.id, user_id: mine, unread: row.read_at.is_none() };
                take_away(ledger, gone, None);
            }
            self.now = None;
            self.changed = true;
            return;
        }
        let Some(id) = before.map(|row| row.id).or_else(|| fresh.pop()) else { return };
        let read_at = before.and_then(|row| row.read_at).filter(|_| new.is_empty());
        let was_unread = before.is_some_and(|row| row.read_at.is_none());
        let rung = Rung {
            id,
            count,
            created_at: before.map_or(ledger.now(), |row| row.created_at),
            updated_at: ledger.now(),
            read_at,
            seq: ledger.next_seq(channel),
        };
        self.now = Some(rung);
        self.changed = true;
        ledger.change(channel, |row| row.unread += i64::from(read_at.is_none()) - i64::from(was_unread));
        let unread = ledger.row(channel).map_or(0, |row| row.unread);
        let notification = self.told(rung);
        let noticed = Noticed { notification: &notification, unread };
        let data = match before {
            None => EventData::NotificationCreated(noticed),
            Some(_) => EventData::NotificationUpdated(noticed),
        };
        let actor = if let [one] = new.as_slice() { Some(one.id) } else { None };
        ledger.append(channel, &data, Some(id.0), actor, None);
    }

    /// The stored notification, where it is to go.
    pub fn gone(&self) -> Option<NotificationId> {
        self.stored.filter(|stored| self.now.is_none_or(|now| now.id != *stored))
    }

    /// The notification that is to come.
    pub fn new_row(&self) -> Option<Rung> {
        self.now.filter(|now| self.stored != Some(now.id))
    }

    /// The stored notification as it is to be, where it changed.
    pub fn changed_row(&self) -> Option<Rung> {
        self.now.filter(|now| self.changed && self.stored == Some(now.id))
    }

    /// Actors that are to come: which notification, and who.
    pub fn new_actors(&self) -> impl Iterator<Item = (NotificationId, UserId)> {
        self.now.into_iter().flat_map(|now| self.came.iter().map(move |user| (now.id, *user)))
    }

    /// Actors that are to go from a notification that stays, before those that are to come: one may do both.
    pub fn gone_actors(&self) -> impl Iterator<Item = (NotificationId, UserId)> {
        self.changed_row().into_iter().flat_map(|now| self.went.iter().map(move |user| (now.id, *user)))
    }

    fn told(&self, rung: Rung) -> crate::model::Notification {
        let row = NotificationRow {
            id: rung.id,
            user_id: self.row.user_id,
            kind: Cause::Reaction.name().to_owned(),
            title: None,
            body: None,
            url: None,
            post_id: Some(self.row.post_id),
            comment_id: Some(self.row.comment_id),
            count: rung.count,
            created_at: rung.created_at,
            updated_at: rung.updated_at,
            read_at: rung.read_at,
            seq: rung.seq,
            post_title: Some(self.row.post_title.clone()),
            post_url: self.row.post_url.clone(),
            comment_html: Some(self.row.comment_html.clone()),
            author_id: None,
            author_name: None,
            author_handle: None,
            author_avatar_url: None,
        };
        row.show(self.actors.values().take(MAX_ACTORS).cloned().collect())
    }
}
