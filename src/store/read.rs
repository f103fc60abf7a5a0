//! What can be read, in small traits by noun. Not found is `Ok(None)`.

use super::StoreError;
use super::write::Versioned;
use crate::model::event::UserBanned;
use crate::model::page::Sort;
use crate::model::{
    Account, ApiKeyId, Ban, BanId, Channel, Comment, CommentId, Event, Post, PostId, SessionId, Timestamp, UserId,
};
use async_trait::async_trait;
use std::collections::HashMap;

/// People and credentials.
#[async_trait]
pub trait ReadAccounts: Send + Sync {
    /// A person.
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// A person and their password hash, by address in lower case; none where the person has no password.
    async fn credentials(&self, email: &str) -> Result<Option<(UserId, String)>, StoreError>;

    /// The key with this SHA-256 and its scopes.
    async fn api_key(&self, hash: [u8; 32]) -> Result<Option<ApiKey>, StoreError>;
}

/// A back end's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Which key.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// Posts.
#[async_trait]
pub trait ReadPosts: Send + Sync {
    /// A post that is not deleted, with the head of its channel.
    async fn post(&self, id: PostId) -> Result<Option<Versioned<Post>>, StoreError>;

    /// Posts that are not deleted, newest first, below `before`.
    async fn posts(&self, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError>;
}

/// Which comments of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// All of them, flat.
    Anything,
    /// Those that answer no other.
    Roots,
    /// Direct replies of one.
    Comment(CommentId),
}

/// Comments.
#[async_trait]
pub trait ReadComments: Send + Sync {
    /// A comment, tombstones included, whose post is not deleted; with the head of its channel.
    async fn comment(&self, id: CommentId) -> Result<Option<Versioned<Comment>>, StoreError>;

    /// Comments of a post by id, tombstones included, beyond `after` in the order of `sort`, from an index with work
    /// bounded by `limit`; none where the post is not there. The head is read before the rows.
    async fn comments(
        &self,
        post: PostId,
        below: Below,
        sort: Sort,
        after: Option<CommentId>,
        limit: i64,
    ) -> Result<Option<Versioned<Vec<Comment>>>, StoreError>;

    /// What this person chose on each of these comments, in the order of code points; those without are left out.
    async fn chosen(
        &self,
        reader: UserId,
        comments: &[CommentId],
    ) -> Result<HashMap<CommentId, Vec<String>>, StoreError>;
}

/// A channel's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The seq of its last event, 0 when there is none.
    pub seq: i64,
    /// Events up to here are deleted.
    pub floor: i64,
    /// Unread notifications (people's channels; 0 elsewhere).
    pub unread: i64,
    /// Whether it has had its last event (a deleted post).
    pub closed: bool,
}

/// A stretch of one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Whose log.
    pub channel: Channel,
    /// Events after this.
    pub after: i64,
    /// Most events to take.
    pub limit: i64,
    /// Whether to take the last ones rather than the first ones after `after`.
    pub last: bool,
}

/// Logs.
#[async_trait]
pub trait ReadLog: Send + Sync {
    /// The rows of these channels, in one query; those that are not there are left out.
    async fn heads(&self, channels: &[Channel]) -> Result<HashMap<Channel, Head>, StoreError>;

    /// Events of these stretches, each channel's in order, in a number of queries that does not depend on how many
    /// stretches there are. Composed from the rows as they are now; what may no longer be told is `void`.
    async fn events(&self, stretches: &[Stretch]) -> Result<HashMap<Channel, Vec<Event>>, StoreError>;
}

/// A credential that opens nothing although it has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// Whose.
    pub user_id: UserId,
    /// Which session.
    pub session_id: SessionId,
    /// When its last access token ends.
    pub until: Timestamp,
}

/// Whose tokens open nothing although they have not ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revoked {
    /// Sessions that were ended, by id.
    pub sessions: Vec<Revocation>,
    /// People who are banned, by id.
    pub people: Vec<UserBanned>,
}

/// The database's own state.
#[async_trait]
pub trait ReadControl: Send + Sync {
    /// The epoch and the time as they are now, on a connection of which both are read. Another epoch than before means
    /// that the database was restored, failed over or replaced: nothing kept in memory of it holds.
    async fn control(&self) -> Result<Control, StoreError>;

    /// Sessions revoked and people banned whose `until` is still to come, read together with the head of the internal
    /// channel.
    async fn revocations(&self) -> Result<Versioned<Revoked>, StoreError>;

    /// Bans that are in force at `now`, newest first, below `before`.
    async fn bans(&self, now: Timestamp, before: Option<BanId>, limit: i64) -> Result<Vec<Ban>, StoreError>;
}

/// What the control poll reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// A short printable hash.
    pub epoch: String,
    /// The database's time.
    pub now: Timestamp,
}
