//! Comments: what is said below posts, in threads of any depth.

use super::limits::RateLimits;
use super::{DomainError, Identity, emoji, idempotency, markdown, mentions, text};
use crate::config::Limits;
use crate::model::{Comment, CommentId, PostId};
use crate::store::Store;
use crate::store::write::{Applied, CreateComment, DeleteComment, EditComment, React, Reactions, Versioned};
use std::net::IpAddr;
use std::sync::Arc;

/// What a comment begins with.
#[derive(Debug, Clone)]
pub struct NewComment {
    /// Below which post.
    pub post_id: PostId,
    /// In answer to which comment.
    pub parent_id: Option<CommentId>,
    /// Markdown.
    pub body: String,
    /// Makes a retry harmless; everyone sees it on the comment.
    pub key: Option<String>,
}

/// What may be done with comments.
pub struct Comments {
    pub(super) store: Arc<Store>,
    limits: Limits,
    rates: Arc<RateLimits>,
}

impl Comments {
    /// Comments of a store, within these limits and rates.
    pub fn new(store: Arc<Store>, limits: Limits, rates: Arc<RateLimits>) -> Self {
        Self { store, limits, rates }
    }

    /// Writes a comment in the caller's name, counted against the caller and `address`.
    ///
    /// # Errors
    /// `unprocessable` for a text out of bounds, too many mentions or a parent elsewhere, `too_large` for one that renders too large,
    /// `not_found` for a post that is not there, `conflict` for a parent that is deleted or a key used for something
    /// else, `rate_limited`.
    pub async fn create(
        &self,
        author: &Identity,
        address: IpAddr,
        new: NewComment,
    ) -> Result<Applied<Comment>, DomainError> {
        self.check(&new.body)?;
        let content = (new.post_id, new.parent_id, &new.body);
        let key = idempotency::keyed(author.caller(), "comment", new.key.as_deref(), &content)?;
        self.rates.comment(author.user_id, address).await?;
        let html = self.render(&new.body).await?;
        let mentions = mentions::within(&new.body, self.limits.max_mentions).await?;
        let NewComment { post_id, parent_id, body, .. } = new;
        let comment = CreateComment { post_id, parent_id, author: author.user_id, body, html, mentions, key };
        Ok(self.store.write(comment).await?)
    }

    /// A comment, tombstones included, with the head of its channel.
    ///
    /// # Errors
    /// `not_found` for one that is not there or whose post is deleted.
    pub async fn get(&self, id: CommentId) -> Result<Versioned<Comment>, DomainError> {
        self.store.read().comment(id).await?.ok_or_else(|| DomainError::not_found("comment not found"))
    }

    /// Changes the text of a comment of the caller's. The same text again tells nobody.
    ///
    /// # Errors
    /// As [`create`](Self::create), and `forbidden` for somebody else's, `conflict` for one that is deleted.
    pub async fn edit(&self, caller: &Identity, id: CommentId, body: String) -> Result<Comment, DomainError> {
        self.check(&body)?;
        let html = self.render(&body).await?;
        let mentions = mentions::within(&body, self.limits.max_mentions).await?;
        Ok(self.store.write(EditComment { comment_id: id, actor: caller.actor(), body, html, mentions }).await?)
    }

    /// Makes a comment of the caller's, or any for a moderator, a tombstone; again is no error.
    ///
    /// # Errors
    /// `not_found`, `forbidden`.
    pub async fn delete(&self, caller: &Identity, id: CommentId) -> Result<Comment, DomainError> {
        Ok(self.store.write(DeleteComment { comment_id: id, actor: caller.actor() }).await?)
    }

    /// Puts an emoji on a comment in the caller's name, or takes it away; what is so already tells nobody. Answers what
    /// stands there then.
    ///
    /// # Errors
    /// `unprocessable` for what is no emoji, and for one more than a comment may have; `not_found`; `conflict` for a
    /// comment that is deleted.
    pub async fn react(
        &self,
        caller: &Identity,
        comment_id: CommentId,
        emoji: &str,
        on: bool,
    ) -> Result<Reactions, DomainError> {
        let counted = emoji::counted(emoji).ok_or_else(|| DomainError::unprocessable("/emoji", "must be one emoji"))?;
        let at_most = self.limits.max_emoji;
        let react = React { comment_id, actor: caller.user_id, emoji: counted.to_owned(), on, at_most };
        Ok(self.store.write(react).await?)
    }

    fn check(&self, body: &str) -> Result<(), DomainError> {
        text::check("/body", body, self.limits.max_comment_chars)
    }

    async fn render(&self, body: &str) -> Result<String, DomainError> {
        markdown::render(body, self.limits.max_comment_html).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::threads::CommentView;
    use crate::model::{Timestamp, UserId, UserRef};
    use crate::protocol::codec::payload;
    use crate::protocol::fixtures::assert_says;
    use crate::protocol::server::ServerMessage;

    #[test]
    fn a_comment_is_answered_as_in_its_fixture() {
        let author = UserRef {
            id: UserId(3),
            name: "Ada Lovelace".into(),
            handle: "ada".into(),
            avatar_url: Some("https://img.example/ada.png".into()),
        };
        let comment = Comment {
            id: CommentId(9),
            post_id: PostId(42),
            parent_id: None,
            root_id: CommentId(9),
            depth: 0,
            author: Some(author),
            body: "Grüße an **alle** 👋".into(),
            html: markdown::to_html("Grüße an **alle** 👋"),
            created_at: Timestamp(1_772_366_400_005),
            edited_at: None,
            deleted: false,
            reactions: [].into(),
            reply_count: 0,
            key: Some("c-7f3a".into()),
            seq: 21,
            updated_seq: 21,
        };
        let seen = |mine| CommentView { comment: comment.clone(), my_reactions: mine, replies: None };
        assert!(serde_json::to_value(seen(None)).unwrap().get("my_reactions").is_none());
        let data = serde_json::to_value(seen(Some(Vec::new()))).unwrap();
        let reply = ServerMessage::Reply { id: 5, data };
        assert_says("reply.comment", |codec| payload(&codec.frame(&reply)));
    }

    #[test]
    fn reactions_are_answered_as_in_their_fixture() {
        let reactions = [("👍".to_owned(), 3), ("❤\u{fe0f}".to_owned(), 1)].into();
        let data = serde_json::to_value(Reactions { reactions, my_reactions: vec!["👍".into()], seq: 29 }).unwrap();
        let reply = ServerMessage::Reply { id: 8, data };
        assert_says("reply.reactions", |codec| payload(&codec.frame(&reply)));
    }
}
