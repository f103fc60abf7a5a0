//! Sessions, refresh tokens, revocations.

use super::transaction::{Transaction, Trouble};
use crate::model::event::SessionRevoked;
use crate::model::{Channel, EventData, SessionId, Timestamp, UserId};
use crate::store::rows::RefreshRow;
use crate::store::write::{
    EndSession, EndSessions, NewSession, OpenSession, Opened, REFRESH_GRACE, RotateRefresh, Rotation, SessionRef,
};
use crate::store::{Rejection, StoreError};
use serde::Serialize;

const INVALID: Rejection = Rejection::Unauthenticated("the refresh token is not valid");
const BANNED: Rejection = Rejection::Forbidden("this person is banned");

impl Transaction {
    pub(super) async fn open_session(&mut self, open: OpenSession) -> Result<Opened, Trouble> {
        let account = self.account(open.user_id).await?.ok_or(Rejection::NotFound("user"))?;
        let session_id = self.insert_session(open.user_id, &open.session).await?;
        Ok(Opened { account, session_id })
    }

    pub(super) async fn rotate_refresh(&mut self, rotate: RotateRefresh) -> Result<Rotation, Trouble> {
        let row: Option<RefreshRow> = sqlx::query_as(
            "select r.session_id, r.expires_at, r.spent_at, s.user_id, s.ended_at, s.in_body
               from refresh_tokens as r
               join sessions as s on s.id = r.session_id
              where r.hash = $1",
        )
        .bind(rotate.presented.as_slice())
        .fetch_optional(&mut self.connection)
        .await?;
        let row = row.filter(|row| row.ended_at.is_none() && row.expires_at > self.now).ok_or(INVALID)?;
        if self.is_banned(row.user_id).await? {
            return Err(BANNED.into());
        }
        match row.spent_at {
            None => {
                sqlx::query("update refresh_tokens set spent_at = $2 where hash = $1")
                    .bind(rotate.presented.as_slice())
                    .bind(self.now)
                    .execute(&mut self.connection)
                    .await?;
                self.insert_refresh(rotate.successor, row.session_id, rotate.refresh_expires_at).await?;
            }
            // Two tabs, or an answer that was lost: the same successor, which is derived from what was presented.
            Some(spent) if self.now < spent.plus(REFRESH_GRACE) => {}
            Some(_) => {
                self.end(row.session_id).await?;
                return Ok(Rotation::Reused);
            }
        }
        sqlx::query(
            "update sessions
                set last_access_exp = max(last_access_exp, $2),
                    ends_at         = max(ends_at, $2, $3)
              where id = $1",
        )
        .bind(row.session_id)
        .bind(rotate.access_expires_at)
        .bind(rotate.refresh_expires_at)
        .execute(&mut self.connection)
        .await?;
        let account = self.account(row.user_id).await?.ok_or(INVALID)?;
        Ok(Rotation::Rotated { opened: Opened { account, session_id: row.session_id }, in_body: row.in_body })
    }

    pub(super) async fn end_session(&mut self, end: EndSession) -> Result<(), Trouble> {
        match self.session(end.session).await? {
            Some((id, _)) => self.end(id).await,
            None => Ok(()),
        }
    }

    pub(super) async fn end_sessions(&mut self, end: EndSessions) -> Result<(), Trouble> {
        match self.session(end.session).await? {
            Some((_, user_id)) => self.end_all_of(user_id).await,
            None => Ok(()),
        }
    }

    /// Ends every session of a person that began here.
    pub(super) async fn end_all_of(&mut self, user_id: UserId) -> Result<(), Trouble> {
        let ids: Vec<SessionId> =
            sqlx::query_scalar("select id from sessions where user_id = $1 and ended_at is null order by id")
                .bind(user_id)
                .fetch_all(&mut self.connection)
                .await?;
        for id in ids {
            self.end(id).await?;
        }
        Ok(())
    }

    pub(super) async fn insert_session(&mut self, user: UserId, new: &NewSession) -> Result<SessionId, Trouble> {
        let refresh_end = new.refresh_hash.map_or(new.access_expires_at, |_| new.refresh_expires_at);
        let id: SessionId = sqlx::query_scalar(
            "insert into sessions (user_id, created_at, last_access_exp, ends_at, in_body)
             values ($1, $2, $3, max($3, $4), $5)
             returning id",
        )
        .bind(user)
        .bind(self.now)
        .bind(new.access_expires_at)
        .bind(refresh_end)
        .bind(new.in_body)
        .fetch_one(&mut self.connection)
        .await?;
        if let Some(hash) = new.refresh_hash {
            self.insert_refresh(hash, id, new.refresh_expires_at).await?;
        }
        Ok(id)
    }

    /// Appends to the internal channel an event whose facts are all it says.
    pub(super) async fn append_internal(
        &mut self,
        data: &EventData<'_>,
        subject_id: i64,
        facts: &impl Serialize,
    ) -> Result<(), Trouble> {
        let internal = Channel::Revocations;
        self.channel(internal).await?;
        let facts = serde_json::to_string(facts).map_err(|error| StoreError::Internal(error.to_string()))?;
        self.ledger.append(internal, data, Some(subject_id), None, Some(facts));
        Ok(())
    }

    async fn insert_refresh(&mut self, hash: [u8; 32], id: SessionId, expires_at: Timestamp) -> Result<(), Trouble> {
        sqlx::query("insert into refresh_tokens (hash, session_id, expires_at) values ($1, $2, $3)")
            .bind(hash.as_slice())
            .bind(id)
            .bind(expires_at)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    async fn session(&mut self, session: SessionRef) -> Result<Option<(SessionId, UserId)>, Trouble> {
        let found = match session {
            SessionRef::Id(id) => {
                sqlx::query_as("select id, user_id from sessions where id = $1")
                    .bind(id)
                    .fetch_optional(&mut self.connection)
                    .await?
            }
            SessionRef::RefreshHash(hash) => {
                sqlx::query_as(
                    "select s.id, s.user_id
                       from refresh_tokens as r
                       join sessions as s on s.id = r.session_id
                      where r.hash = $1",
                )
                .bind(hash.as_slice())
                .fetch_optional(&mut self.connection)
                .await?
            }
        };
        Ok(found)
    }

    /// Ends a session, unless it has ended: the row, the revocation, the event.
    async fn end(&mut self, session_id: SessionId) -> Result<(), Trouble> {
        let ended: Option<(UserId, Timestamp)> = sqlx::query_as(
            "update sessions set ended_at = $2 where id = $1 and ended_at is null returning user_id, last_access_exp",
        )
        .bind(session_id)
        .bind(self.now)
        .fetch_optional(&mut self.connection)
        .await?;
        let Some((user_id, until)) = ended else { return Ok(()) };
        sqlx::query("insert into revocations (session_id, user_id, until) values ($1, $2, $3)")
            .bind(session_id)
            .bind(user_id)
            .bind(until)
            .execute(&mut self.connection)
            .await?;
        let revoked = SessionRevoked { session_id, user_id, until };
        self.append_internal(&EventData::SessionRevoked(revoked), session_id.0, &revoked).await
    }
}
