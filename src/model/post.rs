//! Posts.

use super::{PostId, Timestamp, UserRef};
use serde::Serialize;
use utoipa::ToSchema;

/// A post as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
    #[schema(required, format = "uri")]
    pub url: Option<String>,
    /// The host's own name for that page.
    #[schema(required)]
    pub page_key: Option<String>,
    /// Who wrote it; none for a page of the host's site.
    #[schema(required)]
    pub author: Option<UserRef>,
    /// Labels.
    pub tags: Vec<String>,
    /// Comments that are not deleted.
    #[schema(minimum = 0)]
    pub comment_count: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How many comments the page of a host's site has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PageCount {
    /// The post that stands for it.
    pub id: PostId,
    /// The host's own name for it.
    pub page_key: String,
    /// Comments that are not deleted.
    #[schema(minimum = 0)]
    pub comment_count: i64,
}
