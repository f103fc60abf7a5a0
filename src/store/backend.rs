//! What a database must provide.

use super::StoreError;
use super::read::{ReadAccounts, ReadComments, ReadControl, ReadLog, ReadNotifications, ReadPosts};
use super::write::{Outcome, Write};
use crate::model::{Channel, Event, Timestamp};
use async_trait::async_trait;

/// What one committed write answers, and the events it appended, in order.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The answer.
    pub outcome: Outcome,
    /// Its events, composed with the subject as of each.
    pub events: Vec<Event>,
}

/// The result of each member of a group, in the order given.
pub type GroupResult = Vec<Result<Committed, StoreError>>;

/// A database.
#[async_trait]
pub trait Backend:
    ReadAccounts + ReadPosts + ReadComments + ReadNotifications + ReadLog + ReadControl + 'static
{
    /// Commits a group as one transaction, members in the order given, `now` as the time of all their rows and events.
    ///
    /// **Guarantees.** When this returns, every member that is `Ok` is durable with all its events, each with its
    /// channel's next seq (1, 2, 3 … without holes, in commit order across processes). A member that is rejected leaves
    /// nothing and spoils no neighbour. If the database fails the transaction, it is rolled back and the members go one
    /// by one; if the answer to a COMMIT is lost, every member gets [`StoreError::Unavailable`] and nobody retries but the
    /// client. Channel rows are taken first, in byte order of their names, then idempotency keys, sorted, then the rest.
    /// Members one of whose channel rows is held by another process, and later ones of the same room, come back as
    /// [`Grouped::Held`] and have changed nothing.
    async fn commit(&self, group: Vec<Write>, now: Timestamp) -> Vec<Grouped>;

    /// Commits members that were held: as [`commit`](Self::commit), but waits for their rows (at most the lock time-out,
    /// 5 s; then [`StoreError::Unavailable`]).
    async fn commit_waiting(&self, group: Vec<Write>, now: Timestamp) -> GroupResult;

    /// The channel a write appends to ([`Write::place`](super::write::Write::place), with a comment's post looked up), for
    /// keeping later writes of a held channel behind earlier ones; `None` for a write that appends to none, or about a
    /// comment that is not there. May read the database.
    async fn channel_of(&self, write: &Write) -> Result<Option<Channel>, StoreError>;

    /// Lets connections go.
    async fn close(&self);
}

/// What became of a member of a group.
#[derive(Debug, Clone)]
pub enum Grouped {
    /// It was decided.
    Done(Result<Committed, StoreError>),
    /// Another process holds a row it needs; nothing was changed.
    Held(Write),
}

/// Who is told of what was committed, before those who asked for it are answered.
pub trait CommitSink: Send + Sync + 'static {
    /// Takes the events of one committed group, in commit order for each channel. Must not block, nor panic.
    fn committed(&self, events: Vec<Event>);
}
