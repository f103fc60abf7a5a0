//! Posts.

use super::{PostId, Timestamp, UserRef};
use serde::Serialize;

/// A post as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Post {
    /// Which post.
    pub id: PostId,
    /// One line of text.
    pub title: String,
    /// Markdown as written.
    pub body: String,
    /// The body rendered and sanitised.
    pub html: String,
    /// Where the post lives on the host's site, if it stands for a page there.
    pub url: Option<String>,
    /// The host's own name for that page.
    pub page_key: Option<String>,
    /// Who wrote it; none for a page of the host's site.
    pub author: Option<UserRef>,
    /// Labels.
    pub tags: Vec<String>,
    /// Comments that are not deleted.
    pub comment_count: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
