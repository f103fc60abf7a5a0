//! Events point, rows tell: what a stored event says, composed from the rows as they are now.

use super::StoreError;
use super::notices::ReadFacts;
use super::reacting::ReactedFacts;
use super::rows::EventRow;
use crate::model::event::{
    Counted, Noticed, ParentCount, Reacted, RoleChanged, SessionRevoked, UserBanned, UserUnbanned,
};
use crate::model::notification::Which;
use crate::model::{Channel, Comment, CommentId, Event, EventData, Notification, NotificationId, Post, PostId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};

/// `facts` of `comment.created` and `comment.deleted`: the counts after the event, which no row keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentFacts {
    /// Comments of the post that are not deleted.
    pub comment_count: i64,
    /// What changed of the comment it answers.
    pub parent: Option<ParentCount>,
}

/// The rows that a stretch of events points at. They are read after the events, so that what is told is never older.
#[derive(Debug, Default)]
pub struct Subjects {
    /// Comments, tombstones included, of posts that are not deleted.
    pub comments: HashMap<CommentId, Comment>,
    /// Posts that are not deleted.
    pub posts: HashMap<PostId, Post>,
    /// Notifications that are still there and may be told.
    pub notifications: HashMap<NotificationId, Notification>,
}

/// What must be read to tell a stretch of events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Which comments.
    pub comments: Vec<CommentId>,
    /// Which posts.
    pub posts: Vec<PostId>,
    /// Which notifications.
    pub notifications: Vec<NotificationId>,
}

/// What must be read to tell these events.
pub fn wanted(rows: &[EventRow]) -> Wanted {
    let mut comments = HashSet::new();
    let mut posts = HashSet::new();
    let mut notifications = HashSet::new();
    for row in rows.iter().filter(|row| !row.closed) {
        match (row.kind.as_str(), row.subject_id) {
            ("comment.created" | "comment.deleted" | "comment.updated" | "comment.reacted", Some(id)) => {
                comments.insert(CommentId(id));
            }
            ("post.updated", Some(id)) => {
                posts.insert(PostId(id));
            }
            ("notification.created" | "notification.updated", Some(id)) => {
                notifications.insert(NotificationId(id));
            }
            _ => {}
        }
    }
    Wanted {
        comments: comments.into_iter().collect(),
        posts: posts.into_iter().collect(),
        notifications: notifications.into_iter().collect(),
    }
}

/// Composes stored events; within a channel they stay in the order given. What may no longer be told is `void`: whatever
/// a deleted post's log held but its end, a subject that is gone, a kind that this version does not know.
pub fn compose(rows: Vec<EventRow>, subjects: &Subjects) -> Result<HashMap<Channel, Vec<Event>>, StoreError> {
    let mut logs: HashMap<Channel, Vec<Event>> = HashMap::new();
    for row in rows {
        let channel = Channel::from_stored(&row.channel)
            .map_err(|_| StoreError::Internal(format!("an event of the channel {:?}", row.channel)))?;
        let log = logs.entry(channel).or_default();
        // Two stretches of one channel may overlap; each event is told once.
        if log.last().is_none_or(|last| last.seq < row.seq) {
            log.push(tell(&row, channel, subjects));
        }
    }
    Ok(logs)
}

fn tell(row: &EventRow, channel: Channel, subjects: &Subjects) -> Event {
    // What was read is told from the event itself and must outlive what tells it.
    let which = (row.kind == "notifications.read").then(|| facts::<ReadFacts>(row)).flatten();
    let which = which.map(|facts| facts.ids.map_or(Which::All, Which::These));
    let data = match &which {
        Some(which) => EventData::NotificationsRead(which, unread(row)),
        None => told(row, channel, subjects).unwrap_or(EventData::Void),
    };
    Event { unread: row.unread, ..data.at(channel, row.seq, row.at) }
}

fn told<'a>(row: &'a EventRow, channel: Channel, subjects: &'a Subjects) -> Option<EventData<'a>> {
    if row.kind == "post.deleted" {
        return row.subject_id.map(|id| EventData::PostDeleted(PostId(id)));
    }
    if row.closed {
        return None;
    }
    let comment = || row.subject_id.and_then(|id| subjects.comments.get(&CommentId(id)));
    match row.kind.as_str() {
        "comment.created" => Some(EventData::CommentCreated(counted(comment()?, row)?)),
        "comment.deleted" => Some(EventData::CommentDeleted(counted(comment()?, row)?)),
        "comment.updated" => Some(EventData::CommentUpdated(comment()?)),
        "comment.reacted" => Some(EventData::CommentReacted(reacted(comment()?, row)?)),
        "post.updated" => Some(EventData::PostUpdated(subjects.posts.get(&PostId(row.subject_id?))?)),
        "notification.created" => Some(EventData::NotificationCreated(noticed(row, subjects)?)),
        "notification.updated" => Some(EventData::NotificationUpdated(noticed(row, subjects)?)),
        "notification.deleted" => Some(EventData::NotificationDeleted(NotificationId(row.subject_id?), unread(row))),
        "session.revoked" if channel == Channel::Revocations => {
            Some(EventData::SessionRevoked(facts::<SessionRevoked>(row)?))
        }
        "role.changed" if channel == Channel::Revocations => Some(EventData::RoleChanged(facts::<RoleChanged>(row)?)),
        "user.banned" if channel == Channel::Revocations => Some(EventData::UserBanned(facts::<UserBanned>(row)?)),
        "user.unbanned" if channel == Channel::Revocations => {
            Some(EventData::UserUnbanned(facts::<UserUnbanned>(row)?))
        }
        kind if kind.starts_with("custom.") => {
            Some(EventData::Custom(kind, serde_json::from_str::<&RawValue>(row.facts.as_deref()?).ok()?))
        }
        _ => None,
    }
}

fn counted<'a>(comment: &'a Comment, row: &EventRow) -> Option<Counted<'a>> {
    let facts: CommentFacts = facts(row)?;
    Some(Counted { comment, comment_count: facts.comment_count, parent: facts.parent })
}

fn noticed<'a>(row: &EventRow, subjects: &'a Subjects) -> Option<Noticed<'a>> {
    let notification = subjects.notifications.get(&NotificationId(row.subject_id?))?;
    Some(Noticed { notification, unread: unread(row) })
}

fn unread(row: &EventRow) -> i64 {
    row.unread.unwrap_or_default()
}

/// A tombstone has no reactions, so nothing is left to tell of them.
fn reacted<'a>(comment: &'a Comment, row: &EventRow) -> Option<Reacted<'a>> {
    if comment.deleted {
        return None;
    }
    let by = match row.facts {
        Some(_) => Some(facts::<ReactedFacts>(row)?.by),
        None => None,
    };
    Some(Reacted { comment_id: comment.id, reactions: &comment.reactions, by })
}

fn facts<T: for<'de> Deserialize<'de>>(row: &EventRow) -> Option<T> {
    serde_json::from_str(row.facts.as_deref()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn what_cannot_be_told_keeps_its_seq() {
        let row = |seq, kind: &str, subject_id, facts: Option<&str>| EventRow {
            channel: "post:1".into(),
            seq,
            at: Timestamp(seq),
            kind: kind.into(),
            subject_id,
            facts: facts.map(str::to_owned),
            unread: None,
            closed: false,
        };
        let rows = vec![
            row(1, "comment.exploded", Some(1), None),
            row(2, "comment.created", Some(1), Some("{}")),
            row(3, "comment.updated", Some(404), None),
            row(4, "post.updated", None, None),
            row(5, "custom.thing", None, Some("no json")),
            // Only the internal channel speaks of sessions.
            row(
                6,
                "session.revoked",
                Some(1),
                Some(r#"{"session_id":1,"user_id":1,"until":"2030-01-01T00:00:00.000Z"}"#),
            ),
            row(7, "custom.thing", None, Some("[1]")),
        ];
        let logs = compose(rows, &Subjects::default()).unwrap();
        let log = &logs[&Channel::Post(PostId(1))];
        let told: Vec<_> = log.iter().map(|event| (event.seq, event.kind.as_ref(), event.data.get())).collect();
        let voids = (1..=6).map(|seq| (seq, "void", "{}"));
        assert_eq!(told, voids.chain([(7, "custom.thing", "[1]")]).collect::<Vec<_>>());
    }

    #[test]
    fn only_what_an_open_channel_points_at_is_read() {
        let row = |kind: &str, id, closed| EventRow {
            channel: "post:1".into(),
            seq: 1,
            at: Timestamp(1),
            kind: kind.into(),
            subject_id: Some(id),
            facts: None,
            unread: None,
            closed,
        };
        let rows =
            [row("comment.created", 7, false), row("comment.updated", 7, false), row("comment.created", 8, true)];
        assert_eq!(wanted(&rows), Wanted { comments: vec![CommentId(7)], ..Wanted::default() });
        let rows = [
            row("post.updated", 1, false),
            row("custom.x", 9, false),
            row("notification.updated", 3, false),
            row("notification.deleted", 4, false),
        ];
        let (posts, notifications) = (vec![PostId(1)], vec![NotificationId(3)]);
        assert_eq!(wanted(&rows), Wanted { posts, notifications, ..Wanted::default() });
    }
}
