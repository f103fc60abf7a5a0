//! One transaction: the write lock from the beginning, a savepoint per member, one ledger.

use super::ahead::Ahead;
use super::keys;
use crate::model::{Channel, PostId, Timestamp, UserId};
use crate::store::backend::{Committed, GroupResult};
use crate::store::ledger::Ledger;
use crate::store::rows::{ChannelRow, NamedChannelRow, stored_channel};
use crate::store::write::{Outcome, Place, Write};
use crate::store::{Rejection, StoreError};
use sqlx::{Connection, SqliteConnection};

/// Why a member was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The rows say no, or make no sense: this member is taken back, its neighbours are not touched.
    Member(StoreError),
    /// The database failed: nothing of the transaction can be relied on.
    Transaction(StoreError),
}

impl From<Rejection> for Trouble {
    fn from(rejection: Rejection) -> Self {
        Self::Member(rejection.into())
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Transaction(error),
            _ => Self::Member(error),
        }
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind::Other;
        let member = match &error {
            sqlx::Error::Database(database) => database.kind() != Other,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound => true,
            _ => false,
        };
        if member { Self::Member(error.into()) } else { Self::Transaction(error.into()) }
    }
}

/// A transaction under way.
pub(super) struct Transaction {
    pub(super) connection: SqliteConnection,
    pub(super) ledger: Ledger,
    pub(super) now: Timestamp,
    pub(super) ahead: Ahead,
    /// Comments that came (1) or went (-1), by post and author; written at the end.
    pub(super) parts: Vec<(PostId, UserId, i64)>,
    /// Some member has begun.
    savepoint: bool,
    /// The present one has.
    begun: bool,
}

impl Transaction {
    /// Takes the write lock.
    pub(super) async fn begin(mut connection: SqliteConnection, now: Timestamp) -> Result<Self, StoreError> {
        if let Err(error) = run(&mut connection, "begin immediate").await {
            let _ = connection.close().await;
            return Err(error.into());
        }
        let (ledger, ahead, parts) = (Ledger::new(now), Ahead::default(), Vec::new());
        Ok(Self { connection, ledger, now, ahead, parts, savepoint: false, begun: false })
    }

    /// Applies the members in order. An error means that the transaction is lost.
    pub(super) async fn apply(&mut self, group: Vec<Write>) -> Result<GroupResult, StoreError> {
        self.read_ahead(&group).await?;
        self.read_comments_ahead(&group).await?;
        let channels = self.reacted_channels(&group).await?;
        let mut results: Vec<Option<Result<Committed, StoreError>>> = group.iter().map(|_| None).collect();
        let mut group: Vec<Option<Write>> = group.into_iter().map(Some).collect();
        for member in 0..group.len() {
            if let Some(Write::React(_)) = group[member] {
                for (member, decided) in self.reacts(member, &group, &channels).await? {
                    results[member] = Some(decided);
                    group[member] = None;
                }
            } else if let Some(write) = group[member].take() {
                results[member] = Some(self.member(write).await?);
            }
        }
        let undecided = || Err(StoreError::Internal("a member that nobody decided".into()));
        Ok(results.into_iter().map(|result| result.unwrap_or_else(undecided)).collect())
    }

    /// Writes down the ledger and commits; gives the connection back with the id of the last event.
    pub(super) async fn commit(mut self) -> Result<(SqliteConnection, Option<i64>), StoreError> {
        match self.settle().await {
            Ok(last_event) => Ok((self.connection, last_event)),
            Err(error) => {
                self.abandon().await;
                Err(error)
            }
        }
    }

    /// Closes the connection, which rolls back whatever is left of the transaction.
    pub(super) async fn abandon(self) {
        let _ = self.connection.close().await;
    }

    /// A channel's row as it will be; none where the channel is not there.
    pub(super) async fn channel(&mut self, channel: Channel) -> Result<Option<ChannelRow>, Trouble> {
        if let Some(row) = self.ledger.row(channel) {
            return Ok(Some(row));
        }
        let row: Option<ChannelRow> =
            sqlx::query_as("select head, floor, comment_count, unread, closed from channels where name = $1")
                .bind(channel.name())
                .fetch_optional(&mut self.connection)
                .await?;
        if let Some(row) = row {
            self.ledger.hold(channel, row);
        }
        Ok(row)
    }

    /// Makes a channel at head 0.
    pub(super) async fn open_channel(&mut self, channel: Channel) -> Result<(), Trouble> {
        sqlx::query("insert into channels (name) values ($1)")
            .bind(channel.name())
            .execute(&mut self.connection)
            .await?;
        self.ledger.hold(channel, ChannelRow::default());
        Ok(())
    }

    /// One member, between savepoints: the next one's beginning ends this one, and the commit ends the last.
    async fn member(&mut self, write: Write) -> Result<Result<Committed, StoreError>, StoreError> {
        self.begun = false;
        match &write {
            // A publication changes the ledger only, which needs no savepoint; a comment begins with its row.
            Write::Publish(_) | Write::CreateComment(_) => {}
            Write::EditComment(_) | Write::DeleteComment(_) => self.begin_member().await?,
            _ => {
                self.ahead = Ahead::default();
                self.begin_member().await?;
            }
        }
        let (mark, parts) = (self.ledger.mark(), self.parts.len());
        match self.change(write).await {
            Ok(outcome) => Ok(Ok(Committed { outcome, events: self.ledger.take_events() })),
            Err(Trouble::Member(error)) => {
                if self.begun {
                    self.take_back().await?;
                }
                self.ledger.undo(mark);
                self.parts.truncate(parts);
                Ok(Err(error))
            }
            Err(Trouble::Transaction(error)) => Err(error),
        }
    }

    pub(super) async fn begin_member(&mut self) -> Result<(), StoreError> {
        let statement = self.begin_with("savepoint member", "release member; savepoint member");
        Ok(run(&mut self.connection, statement).await?)
    }

    /// Begins a member with its first statement, in one way to the database: which of both, the first member of all or
    /// one after others.
    pub(super) fn begin_with(&mut self, first: &'static str, next: &'static str) -> &'static str {
        self.begun = true;
        if std::mem::replace(&mut self.savepoint, true) { next } else { first }
    }

    pub(super) async fn take_back(&mut self) -> Result<(), StoreError> {
        Ok(run(&mut self.connection, "rollback to member").await?)
    }

    async fn change(&mut self, write: Write) -> Result<Outcome, Trouble> {
        Ok(match write {
            Write::CreatePost(w) => Outcome::CreatePost(self.create_post(w).await?),
            Write::UpdatePost(w) => Outcome::UpdatePost(self.update_post(w).await?),
            Write::DeletePost(w) => Outcome::DeletePost(self.delete_post(w).await?),
            Write::CreatePage(w) => Outcome::CreatePage(self.create_page(w).await?),
            Write::ChangePage(w) => Outcome::ChangePage(self.change_page(w).await?),
            Write::CreateComment(w) => Outcome::CreateComment(self.create_comment(w).await?),
            Write::EditComment(w) => Outcome::EditComment(self.edit_comment(w).await?),
            Write::DeleteComment(w) => Outcome::DeleteComment(self.delete_comment(w).await?),
            Write::React(_) => return Err(StoreError::Internal("a reaction that went alone".into()).into()),
            Write::Publish(w) => Outcome::Publish(self.publish(w).await?),
            Write::Register(w) => Outcome::Register(self.register(w).await?),
            Write::OpenSession(w) => Outcome::OpenSession(self.open_session(w).await?),
            Write::RotateRefresh(w) => Outcome::RotateRefresh(self.rotate_refresh(w).await?),
            Write::EndSession(w) => Outcome::EndSession(self.end_session(w).await?),
            Write::EndSessions(w) => Outcome::EndSessions(self.end_sessions(w).await?),
            Write::MarkRead(w) => Outcome::MarkRead(self.mark_read(w).await?),
            Write::Dismiss(w) => Outcome::Dismiss(self.dismiss(w).await?),
            Write::TakeBack(w) => Outcome::TakeBack(self.take_back_some(w).await?),
            Write::Notify(w) => Outcome::Notify(self.announce(w).await?),
            Write::UpdateAccount(w) => Outcome::UpdateAccount(self.update_account(w).await?),
            Write::EnsurePeople(w) => Outcome::EnsurePeople(self.ensure_people(w).await?),
            Write::EnsureHostPeople(w) => Outcome::EnsureHostPeople(self.ensure_host_people(w).await?),
            Write::EndHostSessions(w) => Outcome::EndHostSessions(self.end_host_sessions(w).await?),
            Write::SetRole(w) => Outcome::SetRole(self.set_role(w).await?),
            Write::Ban(w) => Outcome::Ban(self.ban(w).await?),
            Write::LiftBan(w) => Outcome::LiftBan(self.lift_ban(w).await?),
            Write::CreateApiKey(w) => Outcome::CreateApiKey(self.create_api_key(w).await?),
            Write::RenewEpoch(_) => Outcome::RenewEpoch(self.renew_epoch().await?),
            Write::Prune(w) => Outcome::Prune(self.prune(w).await?),
        })
    }

    /// Reads in one go the channels and keys that members name.
    async fn read_ahead(&mut self, group: &[Write]) -> Result<(), StoreError> {
        let mut names: Vec<String> = group
            .iter()
            .filter_map(|write| match write.place() {
                Place::Channel(channel) => Some(channel.name()),
                _ => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        if !names.is_empty() {
            let rows: Vec<NamedChannelRow> = sqlx::query_as(
                "select name, head, floor, comment_count, unread, closed
                   from channels
                  where name in (select value from json_each($1))",
            )
            .bind(serde_json::json!(names).to_string())
            .fetch_all(&mut self.connection)
            .await?;
            for NamedChannelRow { name, row } in rows {
                self.ledger.hold(stored_channel(&name)?, row);
            }
        }
        keys::read(&mut self.connection, group, &mut self.ledger).await
    }

    async fn settle(&mut self) -> Result<Option<i64>, StoreError> {
        self.write_parts().await?;
        let last_event = self.write_log().await?;
        keys::write(&mut self.connection, &mut self.ledger, self.now).await?;
        run(&mut self.connection, "commit").await?;
        Ok(last_event)
    }
}

async fn run(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(connection).await.map(drop)
}
