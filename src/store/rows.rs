//! Rows as both databases give them, and what they become. A statement names its columns as the fields here are named.

use super::StoreError;
use super::read::{ApiKey, Head, Revocation};
use crate::model::{
    Account, ApiKeyId, Ban, BanId, Channel, Comment, CommentId, Post, PostId, Role, SessionId, Timestamp, UserId,
    UserRef,
};
use sqlx::FromRow;

/// A person.
#[derive(Debug, Clone, FromRow)]
pub struct AccountRow {
    /// `users.id`.
    pub id: UserId,
    /// `users.name`.
    pub name: String,
    /// `users.handle`.
    pub handle: String,
    /// `users.avatar_url`.
    pub avatar_url: Option<String>,
    /// `users.email`, or else `users.host_email`.
    pub email: Option<String>,
    /// `users.external_id`.
    pub external_id: Option<String>,
    /// `users.role`.
    pub role: String,
    /// `users.created_at`.
    pub created_at: Timestamp,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        let role = Role::from_name(&row.role)
            .ok_or_else(|| StoreError::Internal(format!("person {} has the role {:?}", row.id, row.role)))?;
        let user = UserRef { id: row.id, name: row.name, handle: row.handle, avatar_url: row.avatar_url };
        Ok(Self { user, email: row.email, external_id: row.external_id, role, created_at: row.created_at })
    }
}

/// A post, its author (left join) and `channels.comment_count`.
#[derive(Debug, Clone, FromRow)]
pub struct PostRow {
    /// `posts.id`.
    pub id: PostId,
    /// `posts.title`.
    pub title: String,
    /// `posts.body`.
    pub body: String,
    /// `posts.html`.
    pub html: String,
    /// `posts.url`.
    pub url: Option<String>,
    /// `posts.tags`: a list of text, as JSON.
    pub tags: String,
    /// `posts.page_key`.
    pub page_key: Option<String>,
    /// `users.id`.
    pub author_id: Option<UserId>,
    /// `users.name`.
    pub author_name: Option<String>,
    /// `users.handle`.
    pub author_handle: Option<String>,
    /// `users.avatar_url`.
    pub author_avatar_url: Option<String>,
    /// `channels.comment_count`.
    pub comment_count: i64,
    /// `channels.head`.
    pub head: i64,
    /// `posts.created_at`.
    pub created_at: Timestamp,
    /// `posts.updated_at`.
    pub updated_at: Timestamp,
    /// `posts.deleted_at`.
    pub deleted_at: Option<Timestamp>,
}

impl From<PostRow> for Post {
    fn from(row: PostRow) -> Self {
        let author = match (row.author_id, row.author_name, row.author_handle) {
            (Some(id), Some(name), Some(handle)) => {
                Some(UserRef { id, name, handle, avatar_url: row.author_avatar_url })
            }
            _ => None,
        };
        Self {
            id: row.id,
            title: row.title,
            body: row.body,
            html: row.html,
            url: row.url,
            page_key: row.page_key,
            author,
            tags: serde_json::from_str(&row.tags).unwrap_or_default(),
            comment_count: row.comment_count,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A comment and its author.
#[derive(Debug, Clone, FromRow)]
pub struct CommentRow {
    /// `comments.id`.
    pub id: CommentId,
    /// `comments.post_id`.
    pub post_id: PostId,
    /// `comments.parent_id`.
    pub parent_id: Option<CommentId>,
    /// `comments.root_id`; none for a root.
    pub root_id: Option<CommentId>,
    /// `comments.depth`.
    pub depth: i64,
    /// `users.id`.
    pub author_id: UserId,
    /// `users.name`.
    pub author_name: String,
    /// `users.handle`.
    pub author_handle: String,
    /// `users.avatar_url`.
    pub author_avatar_url: Option<String>,
    /// `comments.body`.
    pub body: String,
    /// `comments.html`.
    pub html: String,
    /// `comments.key`.
    pub key: Option<String>,
    /// `comments.seq`.
    pub seq: i64,
    /// `comments.updated_seq`.
    pub updated_seq: i64,
    /// `comments.reactions`: a map of emoji and number, as JSON.
    pub reactions: String,
    /// `comments.reply_count`.
    pub reply_count: i64,
    /// `comments.created_at`.
    pub created_at: Timestamp,
    /// `comments.edited_at`.
    pub edited_at: Option<Timestamp>,
    /// `comments.deleted_at`.
    pub deleted_at: Option<Timestamp>,
}

impl From<CommentRow> for Comment {
    fn from(row: CommentRow) -> Self {
        let deleted = row.deleted_at.is_some();
        let author = UserRef {
            id: row.author_id,
            name: row.author_name,
            handle: row.author_handle,
            avatar_url: row.author_avatar_url,
        };
        Self {
            id: row.id,
            post_id: row.post_id,
            parent_id: row.parent_id,
            root_id: row.root_id.unwrap_or(row.id),
            depth: row.depth,
            author: (!deleted).then_some(author),
            body: row.body,
            html: row.html,
            created_at: row.created_at,
            edited_at: row.edited_at,
            deleted,
            reactions: serde_json::from_str(&row.reactions).unwrap_or_default(),
            reply_count: row.reply_count,
            key: row.key,
            seq: row.seq,
            updated_seq: row.updated_seq,
        }
    }
}

/// A channel's row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow)]
pub struct ChannelRow {
    /// The seq of its last event.
    pub head: i64,
    /// Events up to here are deleted.
    pub floor: i64,
    /// Comments that are not deleted (`post:` channels).
    pub comment_count: i64,
    /// Unread notifications (`user:` channels).
    pub unread: i64,
    /// Whether it has had its last event.
    pub closed: bool,
}

impl From<ChannelRow> for Head {
    fn from(row: ChannelRow) -> Self {
        Self { seq: row.head, floor: row.floor, unread: row.unread, closed: row.closed }
    }
}

/// Reads the name of a channel as the database keeps it.
pub fn stored_channel(name: &str) -> Result<Channel, StoreError> {
    Channel::from_stored(name).map_err(|_| StoreError::Internal(format!("a channel called {name:?}")))
}

/// A channel's row with its name.
#[derive(Debug, Clone, FromRow)]
pub struct NamedChannelRow {
    /// `channels.name`.
    pub name: String,
    /// The rest.
    #[sqlx(flatten)]
    pub row: ChannelRow,
}

impl NamedChannelRow {
    /// What a statement names as the head of a channel that is not there.
    pub const MISSING: i64 = -1;

    /// The channel's head, unless it is not there.
    pub fn found(self) -> Option<Head> {
        (self.row.head != Self::MISSING).then(|| self.row.into())
    }
}

/// A stored event, with whether its channel is closed.
#[derive(Debug, Clone, FromRow)]
pub struct EventRow {
    /// `events.channel`.
    pub channel: String,
    /// `events.seq`.
    pub seq: i64,
    /// `events.at`.
    pub at: Timestamp,
    /// `events.kind`.
    pub kind: String,
    /// `events.subject_id`.
    pub subject_id: Option<i64>,
    /// `events.facts`.
    pub facts: Option<String>,
    /// `events.unread`.
    pub unread: Option<i64>,
    /// `channels.closed`.
    pub closed: bool,
}

/// A kept idempotency key.
#[derive(Debug, Clone, FromRow)]
pub struct KeyRow {
    /// `idempotency_keys.caller`.
    pub caller: String,
    /// `idempotency_keys.action`.
    pub action: String,
    /// `idempotency_keys.key`.
    pub key: String,
    /// `idempotency_keys.fingerprint`.
    pub fingerprint: Vec<u8>,
    /// `idempotency_keys.subject_id`.
    pub subject_id: Option<i64>,
    /// `idempotency_keys.seq`.
    pub seq: i64,
}

/// A refresh token with its session.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct RefreshRow {
    /// `refresh_tokens.session_id`.
    pub session_id: SessionId,
    /// `refresh_tokens.expires_at`.
    pub expires_at: Timestamp,
    /// `refresh_tokens.spent_at`.
    pub spent_at: Option<Timestamp>,
    /// `sessions.user_id`.
    pub user_id: UserId,
    /// `sessions.ended_at`.
    pub ended_at: Option<Timestamp>,
    /// `sessions.in_body`.
    pub in_body: bool,
}

/// A revocation.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct RevocationRow {
    /// `revocations.session_id`.
    pub session_id: SessionId,
    /// `revocations.user_id`.
    pub user_id: UserId,
    /// `revocations.until`.
    pub until: Timestamp,
}

impl From<RevocationRow> for Revocation {
    fn from(row: RevocationRow) -> Self {
        Self { user_id: row.user_id, session_id: row.session_id, until: row.until }
    }
}

/// What a person's ban says of itself.
#[derive(Debug, Clone, FromRow)]
pub struct BanState {
    /// `bans.until`.
    pub until: Option<Timestamp>,
    /// `bans.reason`.
    pub reason: Option<String>,
}

impl BanState {
    /// Whether it is in force then.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// A ban with the people it is about.
#[derive(Debug, Clone, FromRow)]
pub struct BanRow {
    /// `bans.id`.
    pub id: BanId,
    /// `bans.until`.
    pub until: Option<Timestamp>,
    /// `bans.reason`.
    pub reason: Option<String>,
    /// `bans.created_at`.
    pub created_at: Timestamp,
    /// `users.id` of who is banned.
    pub user_id: UserId,
    /// `users.name`.
    pub user_name: String,
    /// `users.handle`.
    pub user_handle: String,
    /// `users.avatar_url`.
    pub user_avatar_url: Option<String>,
    /// `users.id` of who banned.
    pub by_id: Option<UserId>,
    /// `users.name`.
    pub by_name: Option<String>,
    /// `users.handle`.
    pub by_handle: Option<String>,
    /// `users.avatar_url`.
    pub by_avatar_url: Option<String>,
}

impl From<BanRow> for Ban {
    fn from(row: BanRow) -> Self {
        let user =
            UserRef { id: row.user_id, name: row.user_name, handle: row.user_handle, avatar_url: row.user_avatar_url };
        let by = match (row.by_id, row.by_name, row.by_handle) {
            (Some(id), Some(name), Some(handle)) => Some(UserRef { id, name, handle, avatar_url: row.by_avatar_url }),
            _ => None,
        };
        Self { id: row.id, user, until: row.until, reason: row.reason, by, created_at: row.created_at }
    }
}

/// A back end's key.
#[derive(Debug, Clone, FromRow)]
pub struct ApiKeyRow {
    /// `api_keys.id`.
    pub id: ApiKeyId,
    /// `api_keys.name`.
    pub name: String,
    /// `api_keys.scopes`: names with a space between.
    pub scopes: String,
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self { id: row.id, name: row.name, scopes: row.scopes.split(' ').map(str::to_owned).collect() }
    }
}
