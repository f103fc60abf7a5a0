//! Sessions, refresh tokens, revocations.

use super::accounts::{self, account};
use super::bans;
use super::failure::Failure;
use crate::model::event::SessionRevoked;
use crate::model::{Channel, EventData, SessionId, Timestamp, UserId};
use crate::store::error::{Rejection, StoreError};
use crate::store::ledger::Ledger;
use crate::store::rows::{RefreshRow, RevocationRow};
use crate::store::write::{
    EndSession, EndSessions, NewSession, OpenSession, Opened, REFRESH_GRACE, RotateRefresh, Rotation, SessionRef,
};
use serde::Serialize;
use sqlx::postgres::PgConnection;

const INVALID: Rejection = Rejection::Unauthenticated("the refresh token is not valid");
const BANNED: Rejection = Rejection::Forbidden("this person is banned");

/// Signs a known person in.
pub(super) async fn open(db: &mut PgConnection, ledger: &Ledger, w: &OpenSession) -> Result<Opened, Failure> {
    let account = account(db, w.user_id).await?.ok_or(accounts::NOT_FOUND)?;
    let session_id = insert_session(db, ledger.now(), w.user_id, &w.session).await?;
    Ok(Opened { account, session_id })
}

/// Spends a refresh token for its successor. The session's row is locked with the token's: whoever ends the session
/// comes before or after all of this.
pub(super) async fn rotate(db: &mut PgConnection, ledger: &mut Ledger, w: &RotateRefresh) -> Result<Rotation, Failure> {
    let now = ledger.now();
    let row: Option<RefreshRow> = sqlx::query_as(
        "select r.session_id, r.expires_at, r.spent_at, s.user_id, s.ended_at, s.in_body
         from refresh_tokens as r
         join sessions as s on s.id = r.session_id
         where r.hash = $1
         for no key update",
    )
    .bind(w.presented.as_slice())
    .fetch_optional(&mut *db)
    .await?;
    let row = row.filter(|row| row.ended_at.is_none() && row.expires_at > now).ok_or(INVALID)?;
    if bans::holds(db, row.user_id, now).await? {
        return Err(BANNED.into());
    }
    match row.spent_at {
        None => {
            sqlx::query("update refresh_tokens set spent_at = $2 where hash = $1")
                .bind(w.presented.as_slice())
                .bind(now)
                .execute(&mut *db)
                .await?;
            insert_refresh(db, w.successor, row.session_id, w.refresh_expires_at).await?;
        }
        // Two tabs, or an answer that was lost: the same successor, which is derived from what was presented.
        Some(spent) if now < spent.plus(REFRESH_GRACE) => {}
        // It was not spent when the locks were chosen: once more, with the internal channel.
        Some(_) if ledger.row(Channel::Revocations).is_none() => return Err(Failure::Moved),
        Some(_) => {
            end_all(db, ledger, &[row.session_id]).await?;
            return Ok(Rotation::Reused);
        }
    }
    sqlx::query(
        "update sessions
         set last_access_exp = greatest(last_access_exp, $2), ends_at = greatest(ends_at, $2, $3)
         where id = $1",
    )
    .bind(row.session_id)
    .bind(w.access_expires_at)
    .bind(w.refresh_expires_at)
    .execute(&mut *db)
    .await?;
    let account = account(db, row.user_id).await?.ok_or(INVALID)?;
    Ok(Rotation::Rotated { opened: Opened { account, session_id: row.session_id }, in_body: row.in_body })
}

/// Ends one session.
pub(super) async fn end(db: &mut PgConnection, ledger: &mut Ledger, w: &EndSession) -> Result<(), Failure> {
    match session(db, w.session).await? {
        Some((id, _)) => end_all(db, ledger, &[id]).await,
        None => Ok(()),
    }
}

/// Ends every session of a person.
pub(super) async fn end_of_person(db: &mut PgConnection, ledger: &mut Ledger, w: &EndSessions) -> Result<(), Failure> {
    match session(db, w.session).await? {
        Some((_, user_id)) => end_all_of(db, ledger, user_id).await,
        None => Ok(()),
    }
}

/// Ends every session of a person that began here.
pub(super) async fn end_all_of(db: &mut PgConnection, ledger: &mut Ledger, user_id: UserId) -> Result<(), Failure> {
    let ids: Vec<SessionId> = sqlx::query_scalar("select id from sessions where user_id = $1 and ended_at is null")
        .bind(user_id)
        .fetch_all(&mut *db)
        .await?;
    end_all(db, ledger, &ids).await
}

/// Begins a session, with its first refresh token if there is refreshing.
pub(super) async fn insert_session(
    db: &mut PgConnection,
    now: Timestamp,
    user: UserId,
    new: &NewSession,
) -> Result<SessionId, Failure> {
    let refresh_end = new.refresh_hash.map_or(new.access_expires_at, |_| new.refresh_expires_at);
    let id: SessionId = sqlx::query_scalar(
        "insert into sessions (user_id, created_at, last_access_exp, ends_at, in_body)
         values ($1, $2, $3, $4, $5)
         returning id",
    )
    .bind(user)
    .bind(now)
    .bind(new.access_expires_at)
    .bind(new.access_expires_at.max(refresh_end))
    .bind(new.in_body)
    .fetch_one(&mut *db)
    .await?;
    if let Some(hash) = new.refresh_hash {
        insert_refresh(db, hash, id, new.refresh_expires_at).await?;
    }
    Ok(id)
}

/// Appends to the internal channel an event whose facts are all it says.
pub(super) fn append_internal(
    ledger: &mut Ledger,
    data: &EventData<'_>,
    subject_id: i64,
    facts: &impl Serialize,
) -> Result<(), StoreError> {
    let facts = serde_json::to_string(facts).map_err(|error| StoreError::Internal(error.to_string()))?;
    ledger.append(Channel::Revocations, data, Some(subject_id), None, Some(facts));
    Ok(())
}

async fn insert_refresh(
    db: &mut PgConnection,
    hash: [u8; 32],
    id: SessionId,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query("insert into refresh_tokens (hash, session_id, expires_at) values ($1, $2, $3)")
        .bind(hash.as_slice())
        .bind(id)
        .bind(expires_at)
        .execute(db)
        .await
        .map(drop)
}

async fn session(db: &mut PgConnection, session: SessionRef) -> Result<Option<(SessionId, UserId)>, sqlx::Error> {
    match session {
        SessionRef::Id(id) => {
            sqlx::query_as("select id, user_id from sessions where id = $1").bind(id).fetch_optional(db).await
        }
        SessionRef::RefreshHash(hash) => {
            sqlx::query_as(
                "select s.id, s.user_id
                 from refresh_tokens as r
                 join sessions as s on s.id = r.session_id
                 where r.hash = $1",
            )
            .bind(hash.as_slice())
            .fetch_optional(db)
            .await
        }
    }
}

/// Ends sessions that have not ended: their rows, the revocations, the events. Rows are taken in the order of their ids.
async fn end_all(db: &mut PgConnection, ledger: &mut Ledger, ids: &[SessionId]) -> Result<(), Failure> {
    let ended: Vec<RevocationRow> = sqlx::query_as(
        "with taken as (
             select id from sessions where id = any($1) and ended_at is null order by id for no key update
         ),
         ended as (
             update sessions set ended_at = $2 where id in (select id from taken)
             returning id, user_id, last_access_exp
         ),
         revoked as (
             insert into revocations (session_id, user_id, until)
             select id, user_id, last_access_exp from ended
             returning session_id, user_id, until
         )
         select session_id, user_id, until from revoked order by session_id",
    )
    .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind(ledger.now())
    .fetch_all(db)
    .await?;
    for RevocationRow { session_id, user_id, until } in ended {
        let revoked = SessionRevoked { session_id, user_id, until };
        append_internal(ledger, &EventData::SessionRevoked(revoked), session_id.0, &revoked)?;
    }
    Ok(())
}
