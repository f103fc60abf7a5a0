//! Who is kept out. All of it is changed under the row of the internal channel, so a ban needs no lock of its own.

use super::accounts::person;
use super::failure::Failure;
use super::hot::storable;
use super::sessions::append_internal;
use crate::model::event::{UserBanned, UserUnbanned};
use crate::model::{Account, Ban as Listed, BanId, EventData, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::ledger::Ledger;
use crate::store::moderation::may_keep_out;
use crate::store::rows::{BanRow, BanState};
use crate::store::write::{Ban, LiftBan, Moderator, Whom};
use sqlx::postgres::PgConnection;

/// Keeps a person out.
pub(super) async fn ban(db: &mut PgConnection, ledger: &mut Ledger, w: &Ban) -> Result<Account, Failure> {
    storable(w.reason.as_deref().unwrap_or_default(), "/reason")?;
    let (account, before) = kept_out(db, &w.whom, w.by).await?;
    let user_id = account.user.id;
    let in_force = before.as_ref().filter(|before| before.holds_at(ledger.now()));
    if in_force.is_some_and(|before| before.until == w.until && before.reason == w.reason) {
        return Ok(account);
    }
    let told = in_force.is_some_and(|before| before.until == w.until);
    forget(db, user_id).await?;
    sqlx::query("insert into bans (user_id, until, reason, by_user, created_at) values ($1, $2, $3, $4, $5)")
        .bind(user_id)
        .bind(w.until)
        .bind(&w.reason)
        .bind(w.by.map(|by| by.user_id))
        .bind(ledger.now())
        .execute(db)
        .await?;
    if !told {
        let banned = UserBanned { user_id, until: w.until };
        append_internal(ledger, &EventData::UserBanned(banned), user_id.0, &banned)?;
    }
    Ok(account)
}

/// Lets a person in again.
pub(super) async fn lift(db: &mut PgConnection, ledger: &mut Ledger, w: &LiftBan) -> Result<Account, Failure> {
    let (account, before) = kept_out(db, &w.whom, w.by).await?;
    let user_id = account.user.id;
    if let Some(before) = before {
        forget(db, user_id).await?;
        if before.holds_at(ledger.now()) {
            let unbanned = UserUnbanned { user_id };
            append_internal(ledger, &EventData::UserUnbanned(unbanned), user_id.0, &unbanned)?;
        }
    }
    Ok(account)
}

/// Whether this person is banned now.
pub(super) async fn holds(db: &mut PgConnection, id: UserId, now: Timestamp) -> Result<bool, sqlx::Error> {
    Ok(ban_of(db, id).await?.is_some_and(|ban| ban.holds_at(now)))
}

/// Bans in force, newest first.
pub(super) async fn list(
    db: &mut PgConnection,
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
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Listed::from).collect())
}

/// The person, with their ban if there is one; refused where they are not this moderator's to keep out.
async fn kept_out(
    db: &mut PgConnection,
    whom: &Whom,
    by: Option<Moderator>,
) -> Result<(Account, Option<BanState>), Failure> {
    let account = person(db, whom).await?;
    may_keep_out(by, &account)?;
    let before = ban_of(db, account.user.id).await?;
    Ok((account, before))
}

async fn ban_of(db: &mut PgConnection, id: UserId) -> Result<Option<BanState>, sqlx::Error> {
    sqlx::query_as("select until, reason from bans where user_id = $1").bind(id).fetch_optional(db).await
}

async fn forget(db: &mut PgConnection, id: UserId) -> Result<(), sqlx::Error> {
    sqlx::query("delete from bans where user_id = $1").bind(id).execute(db).await.map(drop)
}
