//! People whom the host's site vouches for.

use super::accounts::{self, accounts};
use super::failure::Failure;
use super::hot::storable;
use super::log::open_channel;
use super::sessions::{append_internal, end_all_of};
use crate::model::event::SessionRevoked;
use crate::model::{Account, Channel, EventData, UserId};
use crate::store::error::StoreError;
use crate::store::handles::{SPELLINGS, derived_handle};
use crate::store::ledger::Ledger;
use crate::store::rows::{AccountRow, RevocationRow};
use crate::store::write::{EndHostSessions, EnsureHostPeople, HostAccount, HostPerson};
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

/// A person by the host's own name for them.
pub(super) async fn account(db: &mut PgConnection, external_id: &str) -> Result<Option<Account>, StoreError> {
    let row: Option<AccountRow> =
        sqlx::query_as(accounts!("where external_id = $1")).bind(external_id).fetch_optional(db).await?;
    row.map(Account::try_from).transpose()
}

/// Finds people and makes those that are missing. They are gone through in the order of their names there, so that two
/// that tell of the same people wait for each other one way only.
pub(super) async fn ensure(
    db: &mut PgConnection,
    ledger: &Ledger,
    w: &EnsureHostPeople,
) -> Result<Vec<HostAccount>, Failure> {
    for (text, pointer) in w.people.iter().flat_map(HostPerson::texts) {
        storable(text, pointer)?;
    }
    let mut known = known(db, &w.people).await?;
    let mut order: Vec<usize> = (0..w.people.len()).collect();
    order.sort_by_key(|place| &w.people[*place].external_id);
    let mut kept: Vec<Option<HostAccount>> = vec![None; w.people.len()];
    for place in order {
        let person = &w.people[place];
        let one = match known.remove(&person.external_id) {
            Some(before) => HostAccount { account: retell(db, before, person).await?, made: false },
            None => make(db, ledger, person).await?,
        };
        known.insert(person.external_id.clone(), one.account.clone());
        kept[place] = Some(one);
    }
    Ok(kept.into_iter().flatten().collect())
}

/// Ends tokens of the host's site.
pub(super) async fn end(db: &mut PgConnection, ledger: &mut Ledger, w: &EndHostSessions) -> Result<(), Failure> {
    let (sessions, ends): (Vec<i64>, Vec<i64>) = w.sessions.iter().map(|(id, until)| (id.0, until.0)).unzip();
    let ended: Vec<RevocationRow> = sqlx::query_as(
        "with revoked as (
             insert into revocations (session_id, user_id, until)
             select distinct on (id) id, $3::bigint, until
             from unnest($1::bigint[], $2::bigint[]) as ended (id, until)
             order by id
             on conflict (session_id) do nothing
             returning session_id, user_id, until
         )
         select session_id, user_id, until from revoked order by session_id",
    )
    .bind(sessions)
    .bind(ends)
    .bind(w.user_id)
    .fetch_all(&mut *db)
    .await?;
    for RevocationRow { session_id, user_id, until } in ended {
        let revoked = SessionRevoked { session_id, user_id, until };
        append_internal(ledger, &EventData::SessionRevoked(revoked), session_id.0, &revoked)?;
    }
    if w.everywhere { end_all_of(db, ledger, w.user_id).await } else { Ok(()) }
}

async fn known(db: &mut PgConnection, people: &[HostPerson]) -> Result<HashMap<String, Account>, StoreError> {
    let ids: Vec<&str> = people.iter().map(|person| person.external_id.as_str()).collect();
    let rows: Vec<AccountRow> =
        sqlx::query_as(accounts!("where external_id = any($1) order by external_id for no key update"))
            .bind(ids)
            .fetch_all(db)
            .await?;
    let named = |row: AccountRow| Account::try_from(row).map(|account| Some((account.external_id.clone()?, account)));
    rows.into_iter().filter_map(|row| named(row).transpose()).collect()
}

/// Replaces what the host's site says otherwise now.
async fn retell(db: &mut PgConnection, before: Account, person: &HostPerson) -> Result<Account, Failure> {
    let account = person.applied_to(before.clone());
    if account != before {
        sqlx::query("update users set name = $2, avatar_url = $3, host_email = $4 where id = $1")
            .bind(account.user.id)
            .bind(&account.user.name)
            .bind(&account.user.avatar_url)
            .bind(&account.email)
            .execute(db)
            .await?;
    }
    Ok(account)
}

/// Makes somebody who was not there. Whoever is about to make the same person, or take the same handle, is waited for.
async fn make(db: &mut PgConnection, ledger: &Ledger, person: &HostPerson) -> Result<HostAccount, Failure> {
    let id: UserId = sqlx::query_scalar("select nextval('users_id_seq')").fetch_one(&mut *db).await?;
    for spelling in 0..SPELLINGS {
        let inserted = sqlx::query(
            "insert into users (id, name, handle, avatar_url, host_email, external_id, created_at)
             overriding system value
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict do nothing",
        )
        .bind(id)
        .bind(&person.name)
        .bind(derived_handle(&person.base_handle, id, spelling))
        .bind(person.avatar_url.as_ref().and_then(Option::as_ref))
        .bind(person.email.as_ref().and_then(Option::as_ref))
        .bind(&person.external_id)
        .bind(ledger.now())
        .execute(&mut *db)
        .await?;
        if inserted.rows_affected() == 1 {
            open_channel(db, Channel::User(id)).await?;
            let account = accounts::account(db, id).await?.ok_or(accounts::NOT_FOUND)?;
            return Ok(HostAccount { account, made: true });
        }
        if let Some(before) = account(db, &person.external_id).await? {
            return Ok(HostAccount { account: retell(db, before, person).await?, made: false });
        }
    }
    // Others of this write may have been made: the whole of it is taken back.
    Err(Failure::Statement(StoreError::Internal(format!("no handle is left for {:?}", person.base_handle))))
}
