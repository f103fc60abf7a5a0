//! The database's own state: epoch, time, revocations.

use crate::model::event::UserBanned;
use crate::model::{Channel, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::epoch::epoch_of;
use crate::store::read::{Control, Revocation, Revoked};
use crate::store::rows::RevocationRow;
use crate::store::write::Versioned;
use sqlx::FromRow;
use sqlx::postgres::PgConnection;

/// What tells this database from every other, and from itself before a fail-over or a restore.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(super) struct Identity {
    /// Stored; drawn anew on request.
    pub(super) random: Vec<u8>,
    /// The cluster, drawn by initdb.
    pub(super) system: i64,
    /// Rises with each promotion and each recovery to a point in time; none on a standby. Taken from the name of the
    /// log file written now: the control file learns of it a checkpoint later.
    pub(super) timeline: Option<String>,
    /// The database within its cluster, for copies made with `create database … template`.
    pub(super) database: i64,
    /// `channels`: another one after a dump was read back.
    pub(super) channels: i64,
    /// The database's time.
    pub(super) now: Timestamp,
}

impl Identity {
    pub(super) async fn read(db: &mut PgConnection) -> Result<Self, sqlx::Error> {
        sqlx::query_as(
            "select
                 meta.random,
                 (select system_identifier from pg_control_system()) as system,
                 case
                     when pg_is_in_recovery() then null
                     else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
                 end as timeline,
                 (select oid::bigint from pg_database where datname = current_database()) as database,
                 'channels'::regclass::oid::bigint as channels,
                 floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now
             from meta",
        )
        .fetch_one(db)
        .await
    }

    /// The epoch; unavailable on a standby, which has none of its own and takes no writes.
    pub(super) fn epoch(&self) -> Result<String, StoreError> {
        let standby = || StoreError::Unavailable("the database is a standby".into());
        let timeline = self.timeline.as_ref().ok_or_else(standby)?;
        Ok(epoch_of(&[
            &self.random,
            &self.system.to_be_bytes(),
            timeline.as_bytes(),
            &self.database.to_be_bytes(),
            &self.channels.to_be_bytes(),
        ]))
    }
}

/// The epoch and the time, in one statement.
pub(super) async fn control(db: &mut PgConnection) -> Result<Control, StoreError> {
    let identity = Identity::read(db).await?;
    Ok(Control { epoch: identity.epoch()?, now: identity.now })
}

/// Draws a new random; answers the new epoch.
pub(super) async fn renew_epoch(db: &mut PgConnection) -> Result<String, StoreError> {
    sqlx::query("update meta set random = uuid_send(gen_random_uuid())").execute(&mut *db).await?;
    Identity::read(db).await?.epoch()
}

/// Sessions revoked and people banned whose end is still to come.
pub(super) async fn revocations(db: &mut PgConnection) -> Result<Versioned<Revoked>, StoreError> {
    // The head first: what is ended in between comes again as an event, which does no harm.
    let seq: i64 = sqlx::query_scalar("select head from channels where name = $1")
        .bind(Channel::Revocations.name())
        .fetch_one(&mut *db)
        .await?;
    let rows: Vec<RevocationRow> = sqlx::query_as(
        "select session_id, user_id, until
         from revocations
         where until > floor(extract(epoch from statement_timestamp()) * 1000)::bigint
         order by session_id",
    )
    .fetch_all(&mut *db)
    .await?;
    let banned: Vec<(UserId, Option<Timestamp>)> = sqlx::query_as(
        "select user_id, until
         from bans
         where until is null or until > floor(extract(epoch from statement_timestamp()) * 1000)::bigint
         order by user_id",
    )
    .fetch_all(db)
    .await?;
    let sessions = rows.into_iter().map(Revocation::from).collect();
    let people = banned.into_iter().map(|(user_id, until)| UserBanned { user_id, until }).collect();
    Ok(Versioned { value: Revoked { sessions, people }, seq })
}
