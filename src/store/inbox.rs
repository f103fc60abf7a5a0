//! Changes of what people are told, as values.

use crate::model::notification::Which;
use crate::model::{NotificationId, UserId};

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
