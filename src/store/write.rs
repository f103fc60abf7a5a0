//! Every change the store can make, as a value, with what it answers.

pub use super::hosting::{EndHostSessions, EnsureHostPeople, HostAccount, HostPerson};
pub use super::inbox::{Dismiss, MarkRead, Notified, Notify, TakeBack, TakenBack, Unread};
pub use super::moderation::{Ban, LiftBan, Moderator, Whom};
pub use super::place::Place;
pub use super::posting::{ChangePage, CreatePage, CreatePost, DeletePost, Page, UpdatePost};
pub use super::reacting::{React, Reactions};
use crate::model::channel::Channel;
use crate::model::{Account, ApiKeyId, Comment, CommentId, Post, PostId, Role, SessionId, Timestamp, UserId};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;

/// How long a used idempotency key is kept.
pub const KEY_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a spent refresh token still answers its successor, for two tabs or a lost answer.
pub const REFRESH_GRACE: Duration = Duration::from_secs(10);

/// A change and the type of its answer.
pub trait Mutation: Into<Write> + Send + 'static {
    /// What the change answers.
    type Output: Send + 'static;

    /// Takes the answer out of the common type; `None` only if a back end answered something else.
    fn output(outcome: Outcome) -> Option<Self::Output>;
}

macro_rules! mutations {
    ($($name:ident => $output:ty),+ $(,)?) => {
        /// Any change.
        #[derive(Debug, Clone)]
        pub enum Write { $(#[doc = "See the type of the same name."] $name($name)),+ }

        /// The answer to any change.
        #[derive(Debug, Clone)]
        pub enum Outcome { $(#[doc = "The answer to the change of the same name."] $name($output)),+ }

        $(
            impl From<$name> for Write {
                fn from(change: $name) -> Self { Self::$name(change) }
            }
            impl Mutation for $name {
                type Output = $output;
                fn output(outcome: Outcome) -> Option<$output> {
                    match outcome { Outcome::$name(answer) => Some(answer), _ => None }
                }
            }
        )+
    };
}

mutations! {
    CreatePost => Applied<Versioned<Post>>,
    UpdatePost => Versioned<Post>,
    DeletePost => (),
    CreatePage => Page,
    ChangePage => Versioned<Post>,
    CreateComment => Applied<Comment>,
    EditComment => Comment,
    DeleteComment => Comment,
    React => Reactions,
    Publish => Applied<i64>,
    MarkRead => Unread,
    Dismiss => (),
    TakeBack => TakenBack,
    Notify => Applied<Notified>,
    Register => Opened,
    OpenSession => Opened,
    RotateRefresh => Rotation,
    EndSession => (),
    EndSessions => (),
    UpdateAccount => Account,
    EndHostSessions => (),
    EnsurePeople => Vec<Account>,
    EnsureHostPeople => Vec<HostAccount>,
    SetRole => Account,
    Ban => Account,
    LiftBan => Account,
    CreateApiKey => ApiKeyId,
    RenewEpoch => String,
    Prune => Pruned,
}

impl Write {
    /// The idempotency key it came with.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        match self {
            Self::CreatePost(w) => w.key.as_ref(),
            Self::CreateComment(w) => w.key.as_ref(),
            Self::Publish(w) => w.key.as_ref(),
            Self::Notify(w) => w.key.as_ref(),
            _ => None,
        }
    }
}

/// An answer, with whether an earlier request with the same key had caused it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied<T> {
    /// The subject as it is now.
    pub value: T,
    /// Whether nothing was written because the key had been used for the same before.
    pub replayed: bool,
}

/// A row together with the head of the channel that keeps it alive, read with or before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The row.
    pub value: T,
    /// The channel's head.
    pub seq: i64,
}

/// Makes a retry harmless: the same caller, action and key with the same content return what the first one caused; with
/// other content they are [`Rejection::Conflict`](super::Rejection::Conflict). Kept 7 days.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// Who asks: `u:{user}` or `k:{api key}`.
    pub caller: String,
    /// The kind of action: `post`, `comment`, `publish`, `notify`.
    pub action: &'static str,
    /// What the caller chose: 1–64 of ASCII 0x21–0x7E.
    pub key: String,
    /// SHA-256 of the content.
    pub fingerprint: [u8; 32],
}

/// Who asks to change something of somebody, and whether they may change what others wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The person.
    pub user_id: UserId,
    /// Whether they moderate.
    pub moderates: bool,
}

/// Writes a comment: `comment.created`, with `comment_count` of the channel and `reply_count` of the parent one higher.
/// The event changes the parent too, so it is the parent's `updated_seq`. `notification.created` for those it tells:
/// people mentioned, the parent's author, the post's author; each once, its own author never.
/// `NotFound` for a post that is not there; `Unprocessable` at `/parent_id` for a parent that is not on that post;
/// `Conflict` for one that is deleted.
#[derive(Debug, Clone)]
pub struct CreateComment {
    /// Below which post.
    pub post_id: PostId,
    /// In answer to which comment.
    pub parent_id: Option<CommentId>,
    /// Who writes.
    pub author: UserId,
    /// Markdown.
    pub body: String,
    /// The body rendered.
    pub html: String,
    /// Handles that the body names; unknown ones are text.
    pub mentions: Vec<String>,
    /// Makes a retry harmless; also kept in the comment's row and told to everyone.
    pub key: Option<IdempotencyKey>,
}

/// Changes a comment's text: `comment.updated`. Only its author may (`Forbidden`); a deleted one is a `Conflict`. The
/// same text again appends nothing. People it now mentions and who have not been told of it are.
#[derive(Debug, Clone)]
pub struct EditComment {
    /// Which comment.
    pub comment_id: CommentId,
    /// Who asks.
    pub actor: Actor,
    /// Markdown.
    pub body: String,
    /// The body rendered.
    pub html: String,
    /// Handles that the body names now; unknown ones are text.
    pub mentions: Vec<String>,
}

/// Makes a comment a tombstone: `comment.deleted`, with `comment_count` one lower; the parent's `reply_count` stays. Text
/// and author leave the answers, the text leaves the row; what it told people is taken back: `notification.deleted`.
/// Deleting it again appends nothing and is no error.
#[derive(Debug, Clone)]
pub struct DeleteComment {
    /// Which comment.
    pub comment_id: CommentId,
    /// The author or a moderator.
    pub actor: Actor,
}

/// Appends an event that a back end made; answers its seq. `NotFound` for a channel that is not there or closed.
#[derive(Debug, Clone)]
pub struct Publish {
    /// Whose log.
    pub channel: Channel,
    /// Begins with `custom.`.
    pub kind: String,
    /// JSON text, kept as it came.
    pub data: Arc<RawValue>,
    /// Makes a retry harmless.
    pub key: Option<IdempotencyKey>,
}

/// The beginning of a session: what is stored of its first refresh token and how long both live.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// SHA-256 of the refresh token; none where there is no refreshing (command line).
    pub refresh_hash: Option<[u8; 32]>,
    /// When an unused refresh token ends.
    pub refresh_expires_at: Timestamp,
    /// When the access token issued now ends: a revocation is kept until the last of them.
    pub access_expires_at: Timestamp,
    /// Whether refresh tokens of this session travel in bodies rather than in the cookie.
    pub in_body: bool,
}

/// Creates a person with a built-in account, the channel `user:{id}` and a first session. A known address (in any case)
/// is a `Conflict` whose detail is `email`, a taken handle that was asked for one whose detail is `handle`; a handle made
/// from the name gets `_` and the person's id when taken, the base cut to fit 30 characters.
#[derive(Debug, Clone)]
pub struct Register {
    /// The name shown.
    pub name: String,
    /// In lower case.
    pub email: String,
    /// Argon2id, PHC string.
    pub password_hash: String,
    /// Asked for, or none.
    pub handle: Option<String>,
    /// Made from the name, for when none was asked for.
    pub base_handle: String,
    /// The session it begins with.
    pub session: NewSession,
}

/// Signs a known person in.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// Who.
    pub user_id: UserId,
    /// What it begins with.
    pub session: NewSession,
}

/// A person and the session that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Who.
    pub account: Account,
    /// Which session.
    pub session_id: SessionId,
}

/// Spends a refresh token for its successor. Unknown, expired, or of an ended session: `Unauthenticated`. Of a banned
/// person: `Forbidden`, and it stays as good as it was. Spent less than 10 s ago: the same successor again. Spent earlier than that: the session is ended as by [`EndSession`] and that is
/// committed; the answer is [`Rotation::Reused`].
#[derive(Debug, Clone)]
pub struct RotateRefresh {
    /// SHA-256 of what was presented.
    pub presented: [u8; 32],
    /// SHA-256 of what is derived from it.
    pub successor: [u8; 32],
    /// When the successor ends if it is not used.
    pub refresh_expires_at: Timestamp,
    /// When the access token issued with it ends.
    pub access_expires_at: Timestamp,
}

/// What became of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The successor is good now (or was already, within the grace).
    Rotated {
        /// Who, as they are now.
        opened: Opened,
        /// Whether the session's refresh tokens travel in bodies.
        in_body: bool,
    },
    /// It had been spent before: somebody else has it. The session is ended.
    Reused,
}

/// Ends one session: a revocation until the last access token issued in it ends, `session.revoked` on the internal
/// channel. An ended or unknown one appends nothing and is no error.
#[derive(Debug, Clone)]
pub struct EndSession {
    /// By its id, or by the hash of any refresh token of it.
    pub session: SessionRef,
}

/// How a session is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionRef {
    /// Its id.
    Id(SessionId),
    /// SHA-256 of one of its refresh tokens, spent or not.
    RefreshHash([u8; 32]),
}

/// Ends every session of the person whose session is named, one revocation and one event for each.
#[derive(Debug, Clone)]
pub struct EndSessions {
    /// One of them; unknown: nothing happens.
    pub session: SessionRef,
}

/// Changes what a person says of themselves. A taken handle is a `Conflict` whose detail is `handle`.
#[derive(Debug, Clone)]
pub struct UpdateAccount {
    /// Who.
    pub user_id: UserId,
    /// The new name.
    pub name: Option<String>,
    /// The new handle.
    pub handle: Option<String>,
    /// The new picture; `Some(None)` takes it away.
    pub avatar_url: Option<Option<String>>,
}

/// Finds people by handle and makes those that are missing (with their channels), in the order asked for. They have no
/// password and no address.
#[derive(Debug, Clone)]
pub struct EnsurePeople {
    /// Handle and name of each.
    pub people: Vec<(String, String)>,
}

/// Gives a person a role: `role.changed` on the internal channel if it differs. `NotFound` for an unknown handle.
#[derive(Debug, Clone)]
pub struct SetRole {
    /// Who.
    pub handle: String,
    /// What they become.
    pub role: Role,
}

/// Stores the hash of a back end's key.
#[derive(Debug, Clone)]
pub struct CreateApiKey {
    /// What people call it.
    pub name: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// `publish`, `notify`, `posts`, `users`.
    pub scopes: Vec<String>,
}

/// Draws a new random for the epoch; answers the new epoch.
#[derive(Debug, Clone)]
pub struct RenewEpoch;

/// Deletes what has outlived its use, a bounded number of rows a call: the oldest events of channels (only ever a prefix;
/// the channel's floor moves with it), idempotency keys after 7 days, revocations, refresh tokens, sessions and bans past
/// their end.
#[derive(Debug, Clone)]
pub struct Prune {
    /// Events older than this go.
    pub events_before: Timestamp,
    /// Events further than this behind their channel's head go.
    pub events_per_channel: i64,
    /// Most rows of each kind to delete in this call.
    pub at_most: i64,
}

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Rows deleted; as many as `at_most` of any kind means there may be more.
    pub rows: i64,
    /// Whether there may be more.
    pub more: bool,
}
