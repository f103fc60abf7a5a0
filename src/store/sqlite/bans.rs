//! Who is kept out.

use super::Sqlite;
use super::transaction::{Transaction, Trouble};
use crate::model::event::{UserBanned, UserUnbanned};
use crate::model::{Account, Ban as Listed, BanId, EventData, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::moderation::may_keep_out;
use crate::store::rows::{BanRow, BanState};
use crate::store::write::{Ban, LiftBan, Moderator, Whom};

impl Transaction {
    pub(super) async fn ban(&mut self, ban: Ban) -> Result<Account, Trouble> {
        let (account, before) = self.kept_out(&ban.whom, ban.by).await?;
        let user_id = account.user.id;
        let in_force = before.as_ref().filter(|before| before.holds_at(self.now));
        if in_force.is_some_and(|before| before.until == ban.until && before.reason == ban.reason) {
            return Ok(account);
        }
        let told = in_force.is_some_and(|before| before.until == ban.until);
        self.forget_ban(user_id).await?;
        sqlx::query("insert into bans (user_id, until, reason, by_user, created_at) values ($1, $2, $3, $4, $5)")
            .bind(user_id)
            .bind(ban.until)
            .bind(&ban.reason)
            .bind(ban.by.map(|by| by.user_id))
            .bind(self.now)
            .execute(&mut self.connection)
            .await?;
        if !told {
            let banned = UserBanned { user_id, until: ban.until };
            self.append_internal(&EventData::UserBanned(banned), user_id.0, &banned).await?;
        }
        Ok(account)
    }

    pub(super) async fn lift_ban(&mut self, lift: LiftBan) -> Result<Account, Trouble> {
        let (account, before) = self.kept_out(&lift.whom, lift.by).await?;
        let user_id = account.user.id;
        if let Some(before) = before {
            self.forget_ban(user_id).await?;
            if before.holds_at(self.now) {
                let unbanned = UserUnbanned { user_id };
                self.append_internal(&EventData::UserUnbanned(unbanned), user_id.0, &unbanned).await?;
            }
        }
        Ok(account)
    }

    /// Whether this person is banned now.
    pub(super) async fn is_banned(&mut self, id: UserId) -> Result<bool, Trouble> {
        Ok(self.ban_of(id).await?.is_some_and(|ban| ban.holds_at(self.now)))
    }

    /// The person, with their ban if there is one; refused where they are not this moderator's to keep out.
    async fn kept_out(&mut self, whom: &Whom, by: Option<Moderator>) -> Result<(Account, Option<BanState>), Trouble> {
        let account = self.person(whom).await?;
        may_keep_out(by, &account)?;
        let before = self.ban_of(account.user.id).await?;
        Ok((account, before))
    }

    async fn ban_of(&mut self, id: UserId) -> Result<Option<BanState>, Trouble> {
        Ok(sqlx::query_as("select until, reason from bans where user_id = $1")
            .bind(id)
            .fetch_optional(&mut self.connection)
            .await?)
    }

    async fn forget_ban(&mut self, id: UserId) -> Result<(), Trouble> {
        sqlx::query("delete from bans where user_id = $1").bind(id).execute(&mut self.connection).await?;
        Ok(())
    }
}

impl Sqlite {
    /// Bans in force, newest first.
    pub(super) async fn list_bans(
        &self,
        now: Timestamp,
        before: Option<BanId>,
        limit: i64,
    ) -> Result<Vec<Listed>, StoreError> {
        let rows: Vec<BanRow> = sqlx::query_as(
            "select b.id, b.until, b.reason, b.created_at,
                    u.id as user_id, u.name as user_name, u.handle as user_handle, u.avatar_url as user_avatar_url,
                    m.id as by_id, m.name as by_name, m.handle as by_handle, m.avatar_url as by_avatar_url
               from bans as b
               join users as u on u.id = b.user_id
               left join users as m on m.id = b.by_user
              where b.id < $2 and (b.until is null or b.until > $1)
              order by b.id desc
              limit $3",
        )
        .bind(now)
        .bind(before.map_or(i64::MAX, |id| id.0))
        .bind(limit.max(0))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Listed::from).collect())
    }
}
