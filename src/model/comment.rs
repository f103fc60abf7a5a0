//! Comments.

use super::{CommentId, PostId, Timestamp, UserRef};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A comment as clients see it. A deleted one keeps its place with no author and an empty body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Comment {
    /// Which comment.
    pub id: CommentId,
    /// The post it stands below.
    pub post_id: PostId,
    /// The comment it answers.
    #[schema(required)]
    pub parent_id: Option<CommentId>,
    /// The first comment of its thread; its own id for a root.
    pub root_id: CommentId,
    /// Steps down from the root, 0 for a root.
    #[schema(minimum = 0)]
    pub depth: i64,
    /// Who wrote it; none once deleted.
    #[schema(required)]
    pub author: Option<UserRef>,
    /// Markdown as written.
    pub body: String,
    /// The body rendered and sanitised.
    pub html: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last edited.
    #[schema(required)]
    pub edited_at: Option<Timestamp>,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// How many people chose each emoji.
    pub reactions: BTreeMap<String, u64>,
    /// Direct replies, deleted ones included.
    #[schema(minimum = 0)]
    pub reply_count: i64,
    /// The idempotency key its author gave.
    #[schema(required)]
    pub key: Option<String>,
    /// The sequence number of its creation.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// The sequence number of the last event that changed it.
    #[schema(minimum = 1)]
    pub updated_seq: i64,
}
