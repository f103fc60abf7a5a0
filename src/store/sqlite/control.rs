//! The database's own state: epoch, time, revocations.

use super::Sqlite;
use super::transaction::{Transaction, Trouble};
use crate::model::event::UserBanned;
use crate::model::{Ban, BanId, Channel, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::epoch::epoch_of;
use crate::store::read::{Control, ReadControl, Revocation, Revoked};
use crate::store::rows::RevocationRow;
use crate::store::write::Versioned;
use async_trait::async_trait;

impl Transaction {
    pub(super) async fn renew_epoch(&mut self) -> Result<String, Trouble> {
        let random: Vec<u8> = sqlx::query_scalar("update meta set random = randomblob(16) returning random")
            .fetch_one(&mut self.connection)
            .await?;
        Ok(epoch_of(&[&random]))
    }
}

#[async_trait]
impl ReadControl for Sqlite {
    async fn control(&self) -> Result<Control, StoreError> {
        let (random, now): (Vec<u8>, Timestamp) =
            sqlx::query_as("select random, cast(round(unixepoch('subsec') * 1000) as integer) from meta")
                .fetch_one(&self.readers)
                .await?;
        Ok(Control { epoch: epoch_of(&[&random]), now })
    }

    async fn revocations(&self) -> Result<Versioned<Revoked>, StoreError> {
        // The head first: what is ended in between comes again as an event, which does no harm.
        let seq: i64 = sqlx::query_scalar("select head from channels where name = $1")
            .bind(Channel::Revocations.name())
            .fetch_one(&self.readers)
            .await?;
        let rows: Vec<RevocationRow> = sqlx::query_as(
            "select session_id, user_id, until
               from revocations
              where until > cast(round(unixepoch('subsec') * 1000) as integer)
              order by session_id",
        )
        .fetch_all(&self.readers)
        .await?;
        let banned: Vec<(UserId, Option<Timestamp>)> = sqlx::query_as(
            "select user_id, until
               from bans
              where until is null or until > cast(round(unixepoch('subsec') * 1000) as integer)
              order by user_id",
        )
        .fetch_all(&self.readers)
        .await?;
        let sessions = rows.into_iter().map(Revocation::from).collect();
        let people = banned.into_iter().map(|(user_id, until)| UserBanned { user_id, until }).collect();
        Ok(Versioned { value: Revoked { sessions, people }, seq })
    }

    async fn bans(&self, now: Timestamp, before: Option<BanId>, limit: i64) -> Result<Vec<Ban>, StoreError> {
        self.list_bans(now, before, limit).await
    }
}
