//! Posts: what rooms stand around.

use super::takebacks::Takebacks;
use super::{DomainError, Identity, idempotency, markdown, paging, text};
use crate::config::Limits;
use crate::model::page::{Page, page};
use crate::model::{Post, PostId};
use crate::store::Store;
use crate::store::write::{Applied, CreatePost, DeletePost, UpdatePost, Versioned};
use std::sync::Arc;

/// The name of the list of all posts in its cursors.
const LIST: &str = "posts";

/// What a post begins with.
#[derive(Debug, Clone)]
pub struct NewPost {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Makes a retry harmless.
    pub key: Option<String>,
}

/// What changes of a post; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct PostChange {
    /// One line.
    pub title: Option<String>,
    /// Markdown.
    pub body: Option<String>,
}

/// What may be done with posts.
pub struct Posts {
    store: Arc<Store>,
    limits: Limits,
    takebacks: Arc<Takebacks>,
}

impl Posts {
    /// Posts of a store, within these limits; what deleted ones have told is left to `takebacks`.
    pub fn new(store: Arc<Store>, limits: Limits, takebacks: Arc<Takebacks>) -> Self {
        Self { store, limits, takebacks }
    }

    /// Writes a post in the caller's name.
    ///
    /// # Errors
    /// `unprocessable` for a text out of bounds, `too_large` for one that renders too large, `conflict` for a key used
    /// for something else.
    pub async fn create(&self, author: &Identity, new: NewPost) -> Result<Applied<Versioned<Post>>, DomainError> {
        self.check_title(&new.title)?;
        self.check_body(&new.body)?;
        let key = idempotency::keyed(author.caller(), "post", new.key.as_deref(), &(&new.title, &new.body))?;
        let html = self.render(&new.body).await?;
        let post = CreatePost { author: author.user_id, title: new.title, body: new.body, html, key };
        Ok(self.store.write(post).await?)
    }

    /// A post, with the head of its channel.
    ///
    /// # Errors
    /// `not_found` for one that is not there or deleted.
    pub async fn get(&self, id: PostId) -> Result<Versioned<Post>, DomainError> {
        self.store.read().post(id).await?.ok_or_else(|| DomainError::not_found("post not found"))
    }

    /// A page of all posts, newest first; `limit` and `cursor` as the client wrote them.
    ///
    /// # Errors
    /// `bad_request` for a limit or cursor that makes no sense.
    pub async fn list(&self, limit: Option<&str>, cursor: Option<&str>) -> Result<Page<Post>, DomainError> {
        let limit = paging::limit(limit)?;
        let before = paging::after(LIST, cursor)?;
        let posts = self.store.read().posts(before, limit + 1).await?;
        Ok(page(LIST, posts, limit, |post| post.id.0))
    }

    /// Changes a post of the caller's, or any for a moderator. What changes nothing tells nobody.
    ///
    /// # Errors
    /// As [`create`](Self::create), and `not_found`, `forbidden`.
    pub async fn update(
        &self,
        caller: &Identity,
        id: PostId,
        change: PostChange,
    ) -> Result<Versioned<Post>, DomainError> {
        change.title.as_deref().map_or(Ok(()), |title| self.check_title(title))?;
        change.body.as_deref().map_or(Ok(()), |body| self.check_body(body))?;
        let body = match change.body {
            Some(body) => {
                let html = self.render(&body).await?;
                Some((body, html))
            }
            None => None,
        };
        Ok(self.store.write(UpdatePost { post_id: id, actor: caller.actor(), title: change.title, body }).await?)
    }

    /// Deletes a post of the caller's, or any for a moderator; deleting it again is no error.
    ///
    /// # Errors
    /// `not_found` for one that never was, `forbidden`.
    pub async fn delete(&self, caller: &Identity, id: PostId) -> Result<(), DomainError> {
        self.store.write(DeletePost { post_id: id, actor: caller.actor() }).await?;
        self.takebacks.wake();
        Ok(())
    }

    fn check_title(&self, title: &str) -> Result<(), DomainError> {
        text::check_line("/title", title, self.limits.max_title_chars)
    }

    fn check_body(&self, body: &str) -> Result<(), DomainError> {
        text::check("/body", body, self.limits.max_post_chars)
    }

    async fn render(&self, body: &str) -> Result<String, DomainError> {
        markdown::render(body, self.limits.max_post_html).await
    }
}
