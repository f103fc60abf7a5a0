//! Changes of posts, as values.

use super::write::{Actor, IdempotencyKey, Versioned};
use crate::model::{Post, PostId, Timestamp, UserId};

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
    /// Labels, each once.
    pub tags: Vec<String>,
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
    /// The new labels, each once.
    pub tags: Option<Vec<String>>,
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

/// Makes the post that stands for a page of the host's site, without an author, and opens its channel at head 0. Where
/// there is one already, by whomever, it is answered as it is.
#[derive(Debug, Clone)]
pub struct CreatePage {
    /// The host's own name for the page.
    pub page_key: String,
    /// One line.
    pub title: String,
    /// Where the page is.
    pub url: Option<String>,
}

impl CreatePage {
    /// The post it makes.
    pub(super) fn post(&self, id: PostId, now: Timestamp) -> Post {
        Post {
            id,
            title: self.title.clone(),
            body: String::new(),
            html: String::new(),
            url: self.url.clone(),
            page_key: Some(self.page_key.clone()),
            author: None,
            tags: Vec::new(),
            comment_count: 0,
            created_at: now,
            updated_at: now,
        }
    }
}

/// The post of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The post.
    pub post: Versioned<Post>,
    /// Whether it was made just now.
    pub created: bool,
}

/// Changes what a page is called and where it is: `post.updated`. `NotFound` where it is deleted. What changes nothing
/// appends nothing.
#[derive(Debug, Clone)]
pub struct ChangePage {
    /// Which post.
    pub post_id: PostId,
    /// The moderator; none for a back end.
    pub actor: Option<UserId>,
    /// The new title.
    pub title: Option<String>,
    /// The new address.
    pub url: Option<String>,
}
