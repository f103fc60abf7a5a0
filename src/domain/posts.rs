//! Posts: what rooms stand around.

use super::limits::RateLimits;
use super::takebacks::Takebacks;
use super::{DomainError, Identity, idempotency, markdown, paging, tags, text};
use crate::config::Limits;
use crate::model::page::{Page, page};
use crate::model::{Post, PostId, UserRef};
use crate::store::Store;
use crate::store::read::Find;
use crate::store::words;
use crate::store::write::{Applied, CreatePost, DeletePost, UpdatePost, Versioned};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The name of the list of all posts in its cursors.
const LIST: &str = "posts";

/// Most different words of a search.
const MAX_WORDS: usize = 16;

/// Most bytes of what is searched for.
const MAX_QUERY: usize = 1_000;

/// What a post begins with.
#[derive(Debug, Clone)]
pub struct NewPost {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Labels, in any form.
    pub tags: Vec<String>,
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
    /// Labels, in any form.
    pub tags: Option<Vec<String>>,
}

/// Which posts, as the client wrote it.
#[derive(Debug, Clone, Default)]
pub struct PostList {
    /// With this tag.
    pub tag: Option<String>,
    /// With all of these words in title or body.
    pub q: Option<String>,
    /// Where the page begins.
    pub cursor: Option<String>,
    /// How many.
    pub limit: Option<String>,
}

/// What may be done with posts.
pub struct Posts {
    pub(super) store: Arc<Store>,
    pub(super) limits: Limits,
    pub(super) rates: Arc<RateLimits>,
    takebacks: Arc<Takebacks>,
}

impl Posts {
    /// Posts of a store, within these limits and rates; what deleted ones have told is left to `takebacks`.
    pub fn new(store: Arc<Store>, limits: Limits, rates: Arc<RateLimits>, takebacks: Arc<Takebacks>) -> Self {
        Self { store, limits, rates, takebacks }
    }

    /// Writes a post in the caller's name.
    ///
    /// # Errors
    /// `unprocessable` for a text out of bounds, `too_large` for one that renders too large, `conflict` for a key used
    /// for something else.
    pub async fn create(&self, author: &Identity, new: NewPost) -> Result<Applied<Versioned<Post>>, DomainError> {
        self.check_title(&new.title)?;
        self.check_body(&new.body)?;
        let tags = tags::read(&new.tags, &self.limits)?;
        let (caller, key) = (author.caller(), new.key.as_deref());
        // A post without tags is the same as one written before there were any.
        let key = match tags.is_empty() {
            true => idempotency::keyed(caller, "post", key, &(&new.title, &new.body))?,
            false => idempotency::keyed(caller, "post", key, &(&new.title, &new.body, &tags))?,
        };
        let html = self.render(&new.body).await?;
        let post = CreatePost { author: author.user_id, title: new.title, body: new.body, html, tags, key };
        Ok(self.store.write(post).await?)
    }

    /// A post, with the head of its channel.
    ///
    /// # Errors
    /// `not_found` for one that is not there or deleted.
    pub async fn get(&self, id: PostId) -> Result<Versioned<Post>, DomainError> {
        self.store.read().post(id).await?.ok_or_else(|| DomainError::not_found("post not found"))
    }

    /// A page of posts, newest first.
    ///
    /// # Errors
    /// `bad_request` for what of the list makes no sense.
    pub async fn list(&self, list: &PostList) -> Result<Page<Post>, DomainError> {
        let limit = paging::limit(list.limit.as_deref())?;
        let tag = list.tag.as_deref().map_or(Ok(None), |tag| tags::asked(tag, &self.limits))?;
        let asked = list.q.as_deref().map(str::trim).filter(|q| !q.is_empty());
        let words: Vec<String> = asked.map(words::words).unwrap_or_default().into_iter().collect();
        if words.len() > MAX_WORDS || asked.is_some_and(|q| q.len() > MAX_QUERY) {
            return Err(DomainError::bad_request(format!("`q` has at most {MAX_WORDS} words")));
        }
        let name = match (&tag, asked) {
            (None, None) => LIST.to_owned(),
            // Short, however long what was asked for.
            _ => format!("{LIST}/{}", URL_SAFE_NO_PAD.encode(&Sha256::digest(format!("{tag:?}{words:?}"))[..9])),
        };
        let before = paging::after(&name, list.cursor.as_deref())?;
        // What has no word in it is found nowhere.
        let posts = match asked.is_some() && words.is_empty() {
            true => Vec::new(),
            false => self.store.read().find_posts(&Find { tag, words }, before, limit + 1).await?,
        };
        Ok(page(&name, posts, limit, |post| post.id.0))
    }

    /// People of a post: its author, then those who commented on it, whose handle or name has `q` in it.
    ///
    /// # Errors
    /// `not_found` for a post that is not there, `bad_request` for a limit that makes no sense.
    pub async fn people(&self, id: PostId, q: Option<&str>, limit: Option<&str>) -> Result<Vec<UserRef>, DomainError> {
        let limit = usize::try_from(paging::limit(limit)?).unwrap_or_default();
        let q = words::fold(q.unwrap_or_default().trim());
        let people = self.store.read().participants(id).await?;
        let people = people.ok_or_else(|| DomainError::not_found("post not found"))?.into_iter();
        let fits = |user: &UserRef| words::fold(&user.handle).contains(&q) || words::fold(&user.name).contains(&q);
        Ok(people.filter(fits).take(limit).collect())
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
        let tags = change.tags.map(|tags| tags::read(&tags, &self.limits)).transpose()?;
        let title = change.title;
        Ok(self.store.write(UpdatePost { post_id: id, actor: caller.actor(), title, body, tags }).await?)
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

    pub(super) fn check_title(&self, title: &str) -> Result<(), DomainError> {
        text::check_line("/title", title, self.limits.max_title_chars)
    }

    fn check_body(&self, body: &str) -> Result<(), DomainError> {
        text::check("/body", body, self.limits.max_post_chars)
    }

    async fn render(&self, body: &str) -> Result<String, DomainError> {
        markdown::render(body, self.limits.max_post_html).await
    }
}
