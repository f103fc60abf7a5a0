//! Changes of posts, as values.

use super::write::{Actor, IdempotencyKey};
use crate::model::{PostId, UserId};

/// Writes a post and opens its channel at head 0.
#[derive(Debug, Clone)]
pub struct CreatePost {
    /// Who writes.
    pub author: UserId,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The body rendered.
    pub html: String,
    /// Makes a retry harmless.
    pub key: Option<IdempotencyKey>,
}

/// Changes a post: `post.updated`. `NotFound` where it is deleted, `Forbidden` for others. What changes nothing appends
/// nothing.
#[derive(Debug, Clone)]
pub struct UpdatePost {
    /// Which post.
    pub post_id: PostId,
    /// The author or a moderator.
    pub actor: Actor,
    /// The new title.
    pub title: Option<String>,
    /// The new body: markdown and rendered.
    pub body: Option<(String, String)>,
}

/// Deletes a post: `post.deleted`, the last event of its channel, which is closed. Its text is erased. Deleting it again
/// appends nothing and is no error. `NotFound` where it never was, `Forbidden` for others.
#[derive(Debug, Clone)]
pub struct DeletePost {
    /// Which post.
    pub post_id: PostId,
    /// The author or a moderator.
    pub actor: Actor,
}
