//! What can be read, in small traits by noun. Not found is `Ok(None)`.

use super::StoreError;
use super::write::Versioned;
use crate::model::event::UserBanned;
use crate::model::page::Sort;
use crate::model::{
    Account, ApiKeyId, Ban, BanId, Channel, Comment, CommentId, Event, Notification, PageCount, Post, PostId,
    SessionId, Timestamp, UserId, UserRef,
};
use async_trait::async_trait;
use std::collections::HashMap;

/// People and credentials.
#[async_trait]
pub trait ReadAccounts: Send + Sync {
    /// A person.
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// People of the host's site, by the host's own names for them, in any order and in one query; those that are not
    /// there are left out.
    async fn host_people(&self, external_ids: &[String]) -> Result<Vec<Account>, StoreError>;

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

/// Which posts to find.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    /// With this tag.
    pub tag: Option<String>,
    /// With all of these words, cut as by [`words`](super::words::words); none: any.
    pub words: Vec<String>,
}

/// Most people of a post that are looked through.
pub const MAX_PARTICIPANTS: i64 = 10_000;

/// Posts.
#[async_trait]
pub trait ReadPosts: Send + Sync {
    /// A post that is not deleted, with the head of its channel.
    async fn post(&self, id: PostId) -> Result<Option<Versioned<Post>>, StoreError>;

    /// Posts that are not deleted, newest first, below `before`.
    async fn posts(&self, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError>;

    /// Those of them that bear this tag and have all of these words in title or body.
    async fn find_posts(&self, find: &Find, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError>;

    /// The post that stands for a page, with the head of its channel.
    async fn page(&self, page_key: &str) -> Result<Option<Versioned<Post>>, StoreError>;

    /// How many comments these pages have, in any order; those that are not there are left out.
    async fn page_counts(&self, page_keys: &[String]) -> Result<Vec<PageCount>, StoreError>;

    /// Who takes part in a post: its author first, then those with a comment that is not deleted, in the order of their
    /// ids, at most [`MAX_PARTICIPANTS`] of them; none where the post is not there.
    async fn participants(&self, post: PostId) -> Result<Option<Vec<UserRef>>, StoreError>;
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

/// Where a page of comments begins: behind this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// Which comment; it need not be there.
    pub id: CommentId,
    /// How many reactions it had, for lists by that number.
    pub reactions: i64,
}

impl Behind {
    /// Behind a comment as it was read.
    pub fn comment(comment: &Comment) -> Self {
        let reactions = comment.reactions.values().sum::<u64>();
        Self { id: comment.id, reactions: i64::try_from(reactions).unwrap_or(i64::MAX) }
    }
}

/// Comments.
#[async_trait]
pub trait ReadComments: Send + Sync {
    /// A comment, tombstones included, whose post is not deleted; with the head of its channel.
    async fn comment(&self, id: CommentId) -> Result<Option<Versioned<Comment>>, StoreError>;

    /// Comments of a post, tombstones included, beyond `after` in the order of `sort`, from an index with work
    /// bounded by `limit`; none where the post is not there. The head is read before the rows.
    async fn comments(
        &self,
        post: PostId,
        below: Below,
        sort: Sort,
        after: Option<Behind>,
        limit: i64,
    ) -> Result<Option<Versioned<Vec<Comment>>>, StoreError>;

    /// The oldest direct replies, at most `limit` each, of comments of one post that is not deleted; in one query, with
    /// work bounded by what it answers. Those without replies are left out.
    async fn replies(&self, parents: &[CommentId], limit: i64) -> Result<HashMap<CommentId, Vec<Comment>>, StoreError>;

    /// What this person chose on each of these comments, in the order of code points; those without are left out.
    async fn chosen(
        &self,
        reader: UserId,
        comments: &[CommentId],
    ) -> Result<HashMap<CommentId, Vec<String>>, StoreError>;
}

/// What people are told.
#[async_trait]
pub trait ReadNotifications: Send + Sync {
    /// A page of a person's notifications, all or those unread, the latest change first, below the seq `before`; from an
    /// index with work bounded by `limit`. Count and head are of one moment, before the rows. None where there is no such
    /// person.
    async fn inbox(
        &self,
        user: UserId,
        unread: bool,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Option<Inbox>, StoreError>;

    /// Deleted posts whose notifications are still to be taken back, at most `limit`.
    async fn takebacks(&self, limit: i64) -> Result<Vec<PostId>, StoreError>;

    /// Those of these people who are there, each once.
    async fn recipients(&self, named: &Recipients) -> Result<Vec<UserId>, StoreError>;
}

/// People as a back end names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// By id.
    Ids(Vec<UserId>),
    /// By the host site's own names for them.
    External(Vec<String>),
}

/// A page of notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// What stands on it.
    pub items: Vec<Notification>,
    /// How many are unread in all.
    pub unread: i64,
    /// The head of the person's channel.
    pub seq: i64,
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

    /// Of these channels, those that do not stand at the seq they are said to stand at, in one query that hands over
    /// nothing of the others; `None` for one that is not there and is said to stand above 0.
    async fn moved(&self, known: &[(Channel, i64)]) -> Result<HashMap<Channel, Option<Head>>, StoreError>;

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
