//! Comments.

use super::{CommentId, PostId, Timestamp, UserRef};
use serde::Serialize;
use std::collections::BTreeMap;

/// A comment as clients see it. A deleted one keeps its place with no author and an empty body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comment {
    /// Which comment.
    pub id: CommentId,
    /// The post it stands below.
    pub post_id: PostId,
    /// The comment it answers.
    pub parent_id: Option<CommentId>,
    /// The first comment of its thread; its own id for a root.
    pub root_id: CommentId,
    /// Steps down from the root, 0 for a root.
    pub depth: i64,
    /// Who wrote it; none once deleted.
    pub author: Option<UserRef>,
    /// Markdown as written.
    pub body: String,
    /// The body rendered and sanitised.
    pub html: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// How many people chose each emoji.
    pub reactions: BTreeMap<String, u64>,
    /// Direct replies, deleted ones included.
    pub reply_count: i64,
    /// The idempotency key its author gave.
    pub key: Option<String>,
    /// The sequence number of its creation.
    pub seq: i64,
    /// The sequence number of the last event that changed it.
    pub updated_seq: i64,
}
