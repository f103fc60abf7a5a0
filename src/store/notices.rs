//! Notifications as both databases keep them, and what they say: the hub's own are told from the rows of post and comment
//! as they are now, those of back ends from their own.

use super::excerpt::excerpt;
use super::ledger::Ledger;
use crate::model::event::Noticed;
use crate::model::{
    Cause, Channel, CommentId, EventData, Notification, NotificationId, PostId, Timestamp, UserId, UserRef,
};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use std::collections::HashMap;

/// Most people that a comment tells in all its life, edits included: what is taken back with it is bounded by this.
pub const MAX_TOLD: usize = 100;

/// A notification with what it tells of: the post if that is not deleted, the comment and its author (left joins).
/// `read_at` counts what `inboxes` says.
#[derive(Debug, Clone, FromRow)]
pub struct NotificationRow {
    /// `notifications.id`.
    pub id: NotificationId,
    /// `notifications.user_id`.
    pub user_id: UserId,
    /// `notifications.kind`.
    pub kind: String,
    /// `notifications.title`.
    pub title: Option<String>,
    /// `notifications.body`.
    pub body: Option<String>,
    /// `notifications.url`.
    pub url: Option<String>,
    /// `notifications.post_id`.
    pub post_id: Option<PostId>,
    /// `notifications.comment_id`.
    pub comment_id: Option<CommentId>,
    /// `notifications.count`.
    pub count: i64,
    /// `notifications.created_at`.
    pub created_at: Timestamp,
    /// `notifications.updated_at`.
    pub updated_at: Timestamp,
    /// When it was read, by itself or with all others.
    pub read_at: Option<Timestamp>,
    /// `notifications.seq`.
    pub seq: i64,
    /// `posts.title`.
    pub post_title: Option<String>,
    /// `posts.url`.
    pub post_url: Option<String>,
    /// The beginning of `comments.html`.
    pub comment_html: Option<String>,
    /// `users.id` of the comment's author.
    pub author_id: Option<UserId>,
    /// `users.name`.
    pub author_name: Option<String>,
    /// `users.handle`.
    pub author_handle: Option<String>,
    /// `users.avatar_url`.
    pub author_avatar_url: Option<String>,
}

/// Somebody who caused a notification.
#[derive(Debug, Clone, FromRow)]
pub struct ActorRow {
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
}

/// The actors of each notification, in the order of the rows.
pub fn by_notification(rows: Vec<ActorRow>) -> HashMap<NotificationId, Vec<UserRef>> {
    let mut actors: HashMap<NotificationId, Vec<UserRef>> = HashMap::new();
    for ActorRow { notification_id, id, name, handle, avatar_url } in rows {
        actors.entry(notification_id).or_default().push(UserRef { id, name, handle, avatar_url });
    }
    actors
}

impl NotificationRow {
    /// Whether its actors are rows of their own.
    pub fn has_reactors(&self) -> bool {
        Cause::from_name(&self.kind) == Some(Cause::Reaction)
    }

    /// What it says; none where that may no longer be told, its post being deleted.
    pub fn tell(self, reactors: Vec<UserRef>) -> Option<Notification> {
        match Cause::from_name(&self.kind) {
            None => {
                let (title, body, url) = (self.title.clone().unwrap_or_default(), self.body.clone(), self.url.clone());
                Some(self.with(title, body, url, Vec::new()))
            }
            Some(cause) => {
                let (post, title) = (self.post_id?, self.post_title.clone()?);
                let body = self.comment_html.as_deref().map(excerpt);
                let url = address(post, self.post_url.as_deref(), self.comment_id);
                let actors = if cause == Cause::Reaction { reactors } else { self.author().into_iter().collect() };
                Some(self.with(title, body, Some(url), actors))
            }
        }
    }

    /// As [`tell`](Self::tell), and where that is nothing, what is left: a place in the list until it is taken back.
    pub fn show(self, reactors: Vec<UserRef>) -> Notification {
        let left = self.clone();
        self.tell(reactors).unwrap_or_else(|| left.with(String::new(), None, None, Vec::new()))
    }

    fn author(&self) -> Option<UserRef> {
        Some(UserRef {
            id: self.author_id?,
            name: self.author_name.clone()?,
            handle: self.author_handle.clone()?,
            avatar_url: self.author_avatar_url.clone(),
        })
    }

    fn with(self, title: String, body: Option<String>, url: Option<String>, actors: Vec<UserRef>) -> Notification {
        Notification {
            id: self.id,
            kind: self.kind,
            title,
            body,
            url,
            post_id: self.post_id,
            comment_id: self.comment_id,
            actors,
            count: self.count,
            created_at: self.created_at,
            updated_at: self.updated_at,
            read_at: self.read_at,
            seq: self.seq,
        }
    }
}

/// Where a comment is to be seen: below its post, wherever that lives.
fn address(post: PostId, url: Option<&str>, comment: Option<CommentId>) -> String {
    let page = url.map_or_else(|| format!("/posts/{post}"), |url| url.split('#').next().unwrap_or_default().to_owned());
    comment.map_or(page.clone(), |comment| format!("{page}#comment-{comment}"))
}

/// What a comment's notifications tell of.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The post.
    pub post_id: PostId,
    /// Its title.
    pub post_title: &'a str,
    /// Where it lives.
    pub post_url: Option<&'a str>,
    /// The comment.
    pub comment_id: CommentId,
    /// Its html.
    pub html: &'a str,
    /// Its author.
    pub author: &'a UserRef,
}

/// A notification about to be inserted, whose event is in the ledger.
#[derive(Debug, Clone)]
pub struct NewNotice {
    /// Which.
    pub id: NotificationId,
    /// Whose.
    pub user_id: UserId,
    /// What kind.
    pub cause: Cause,
    /// About which post.
    pub post_id: PostId,
    /// About which comment.
    pub comment_id: CommentId,
    /// Its event.
    pub seq: i64,
}

impl About<'_> {
    /// Appends `notification.created` to the held channel of `user`, one more being unread.
    pub fn notify(&self, ledger: &mut Ledger, id: NotificationId, user: UserId, cause: Cause) -> NewNotice {
        let channel = Channel::User(user);
        let seq = ledger.next_seq(channel);
        let row = NotificationRow {
            id,
            user_id: user,
            kind: cause.name().to_owned(),
            title: None,
            body: None,
            url: None,
            post_id: Some(self.post_id),
            comment_id: Some(self.comment_id),
            count: 1,
            created_at: ledger.now(),
            updated_at: ledger.now(),
            read_at: None,
            seq,
            post_title: Some(self.post_title.to_owned()),
            post_url: self.post_url.map(str::to_owned),
            comment_html: Some(self.html.to_owned()),
            author_id: Some(self.author.id),
            author_name: Some(self.author.name.clone()),
            author_handle: Some(self.author.handle.clone()),
            author_avatar_url: self.author.avatar_url.clone(),
        };
        let notification = row.show(vec![self.author.clone()]);
        ledger.change(channel, |row| row.unread += 1);
        let unread = ledger.row(channel).map_or(0, |row| row.unread);
        let data = EventData::NotificationCreated(Noticed { notification: &notification, unread });
        ledger.append(channel, &data, Some(id.0), Some(self.author.id), None);
        NewNotice { id, user_id: user, cause, post_id: self.post_id, comment_id: self.comment_id, seq }
    }
}

/// A notification that is about to go.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct GoneRow {
    /// Which.
    pub id: NotificationId,
    /// Whose.
    pub user_id: UserId,
    /// Whether it was unread.
    pub unread: bool,
}

/// Appends `notification.deleted` to the held channel of its person.
pub fn take_away(ledger: &mut Ledger, gone: GoneRow, actor: Option<UserId>) {
    let channel = Channel::User(gone.user_id);
    ledger.change(channel, |row| row.unread -= i64::from(gone.unread));
    let unread = ledger.row(channel).map_or(0, |row| row.unread);
    ledger.append(channel, &EventData::NotificationDeleted(gone.id, unread), Some(gone.id.0), actor, None);
}

/// `facts` of `notifications.read`: which, where not all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadFacts {
    /// None for all before the event.
    pub ids: Option<Vec<NotificationId>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_looked_for_where_its_post_lives() {
        let of = |url| address(PostId(4), url, Some(CommentId(9)));
        assert_eq!(of(None), "/posts/4#comment-9");
        assert_eq!(of(Some("https://e.org/a?b=c")), "https://e.org/a?b=c#comment-9");
        assert_eq!(of(Some("https://e.org/a#part")), "https://e.org/a#comment-9");
        assert_eq!(address(PostId(4), None, None), "/posts/4");
    }
}
