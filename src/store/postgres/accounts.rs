//! People and the keys of back ends.

use super::failure::Failure;
use super::hot::storable;
use super::log::open_channel;
use super::sessions::insert_session;
use crate::model::event::RoleChanged;
use crate::model::{Account, ApiKeyId, Channel, EventData, UserId, UserRef};
use crate::store::error::{Rejection, StoreError};
use crate::store::handles::{SPELLINGS, derived_handle};
use crate::store::ledger::Ledger;
use crate::store::read::ApiKey;
use crate::store::rows::{AccountRow, ApiKeyRow};
use crate::store::write::{CreateApiKey, EnsurePeople, Opened, Register, SetRole, UpdateAccount, Whom};
use sqlx::postgres::PgConnection;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

pub(super) const NOT_FOUND: Rejection = Rejection::NotFound("user");
const EMAIL_TAKEN: Rejection = Rejection::Conflict(Cow::Borrowed("email"));
const HANDLE_TAKEN: Rejection = Rejection::Conflict(Cow::Borrowed("handle"));

macro_rules! accounts {
    ($rest:literal) => {
        concat!(
            "select id, name, handle, avatar_url, coalesce(email, host_email) as email, external_id, role, created_at \
             from users ",
            $rest
        )
    };
}
pub(super) use accounts;

/// A person.
pub(super) async fn account(db: &mut PgConnection, id: UserId) -> Result<Option<Account>, StoreError> {
    let row: Option<AccountRow> = sqlx::query_as(accounts!("where id = $1")).bind(id).fetch_optional(db).await?;
    row.map(Account::try_from).transpose()
}

/// The person that is meant.
pub(super) async fn person(db: &mut PgConnection, whom: &Whom) -> Result<Account, Failure> {
    let row: Option<AccountRow> = match whom {
        Whom::Id(id) => sqlx::query_as(accounts!("where id = $1")).bind(id).fetch_optional(db).await?,
        Whom::Handle(handle) => sqlx::query_as(accounts!("where handle = $1")).bind(handle).fetch_optional(db).await?,
    };
    Ok(Account::try_from(row.ok_or(NOT_FOUND)?)?)
}

/// People as others see them.
pub(super) async fn people(db: &mut PgConnection, ids: &BTreeSet<i64>) -> Result<HashMap<UserId, UserRef>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<AccountRow> = sqlx::query_as(accounts!("where id = any($1)"))
        .bind(ids.iter().copied().collect::<Vec<_>>())
        .fetch_all(db)
        .await?;
    rows.into_iter().map(|row| Ok((row.id, Account::try_from(row)?.user))).collect()
}

/// A person and their password hash, by address.
pub(super) async fn credentials(db: &mut PgConnection, email: &str) -> Result<Option<(UserId, String)>, StoreError> {
    Ok(sqlx::query_as("select id, password_hash from users where email = $1 and password_hash is not null")
        .bind(email.to_lowercase())
        .fetch_optional(db)
        .await?)
}

/// The key with this hash.
pub(super) async fn api_key(db: &mut PgConnection, hash: [u8; 32]) -> Result<Option<ApiKey>, StoreError> {
    let row: Option<ApiKeyRow> = sqlx::query_as("select id, name, scopes from api_keys where hash = $1")
        .bind(hash.as_slice())
        .fetch_optional(db)
        .await?;
    Ok(row.map(ApiKey::from))
}

/// Creates a person with an account, a channel and a session. Whoever is about to take the same address or handle is
/// waited for; nothing is written before both are ours.
pub(super) async fn register(db: &mut PgConnection, ledger: &Ledger, w: &Register) -> Result<Opened, Failure> {
    storable(&w.name, "/name")?;
    let email = w.email.to_lowercase();
    let id: UserId = sqlx::query_scalar("select nextval('users_id_seq')").fetch_one(&mut *db).await?;
    let spellings = if w.handle.is_some() { 1 } else { SPELLINGS };
    for spelling in 0..spellings {
        let handle = w.handle.clone().unwrap_or_else(|| derived_handle(&w.base_handle, id, spelling));
        let inserted = sqlx::query(
            "insert into users (id, name, handle, email, password_hash, created_at)
             overriding system value
             values ($1, $2, $3, $4, $5, $6)
             on conflict do nothing",
        )
        .bind(id)
        .bind(&w.name)
        .bind(handle)
        .bind(&email)
        .bind(&w.password_hash)
        .bind(ledger.now())
        .execute(&mut *db)
        .await?;
        if inserted.rows_affected() == 1 {
            open_channel(db, Channel::User(id)).await?;
            let session_id = insert_session(db, ledger.now(), id, &w.session).await?;
            let account = account(db, id).await?.ok_or(NOT_FOUND)?;
            return Ok(Opened { account, session_id });
        }
        let known: bool = sqlx::query_scalar("select exists (select from users where email = $1)")
            .bind(&email)
            .fetch_one(&mut *db)
            .await?;
        if known {
            return Err(EMAIL_TAKEN.into());
        }
    }
    Err(HANDLE_TAKEN.into())
}

/// Changes what a person says of themselves.
pub(super) async fn update(db: &mut PgConnection, w: &UpdateAccount) -> Result<Account, Failure> {
    let row: Option<AccountRow> =
        sqlx::query_as(accounts!("where id = $1 for no key update")).bind(w.user_id).fetch_optional(&mut *db).await?;
    let mut account = Account::try_from(row.ok_or(NOT_FOUND)?)?;
    let before = account.clone();
    if let Some(name) = &w.name {
        storable(name, "/name")?;
        account.user.name.clone_from(name);
    }
    if let Some(avatar_url) = &w.avatar_url {
        account.user.avatar_url.clone_from(avatar_url);
    }
    if let Some(handle) = w.handle.as_ref().filter(|handle| **handle != account.user.handle) {
        // Whoever takes it between this look and the update fails the group; one by one, this look finds them.
        let taken: bool = sqlx::query_scalar("select exists (select from users where handle = $1)")
            .bind(handle)
            .fetch_one(&mut *db)
            .await?;
        if taken {
            return Err(HANDLE_TAKEN.into());
        }
        account.user.handle.clone_from(handle);
    }
    if account != before {
        sqlx::query("update users set name = $2, handle = $3, avatar_url = $4 where id = $1")
            .bind(w.user_id)
            .bind(&account.user.name)
            .bind(&account.user.handle)
            .bind(&account.user.avatar_url)
            .execute(db)
            .await?;
    }
    Ok(account)
}

/// Finds people by handle and makes those that are missing.
pub(super) async fn ensure(db: &mut PgConnection, ledger: &Ledger, w: &EnsurePeople) -> Result<Vec<Account>, Failure> {
    for (_, name) in &w.people {
        storable(name, "/name")?;
    }
    let handles: Vec<&str> = w.people.iter().map(|(handle, _)| handle.as_str()).collect();
    let names: Vec<&str> = w.people.iter().map(|(_, name)| name.as_str()).collect();
    // Sorted, so that two that make the same people wait for each other one way only.
    sqlx::query(
        "with made as (
             insert into users (handle, name, created_at)
             select handle, name, $3
             from unnest($1::text[], $2::text[]) as asked (handle, name)
             order by handle collate \"C\"
             on conflict do nothing
             returning id
         )
         insert into channels (name)
         select 'user:' || id from made",
    )
    .bind(&handles)
    .bind(names)
    .bind(ledger.now())
    .execute(&mut *db)
    .await?;
    let rows: Vec<AccountRow> =
        sqlx::query_as(accounts!("where handle = any($1)")).bind(&handles).fetch_all(db).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        found.insert(row.handle.clone(), Account::try_from(row)?);
    }
    Ok(handles.iter().map(|handle| found.get(*handle).cloned().ok_or(NOT_FOUND)).collect::<Result<_, _>>()?)
}

/// Gives a person a role.
pub(super) async fn set_role(db: &mut PgConnection, ledger: &mut Ledger, w: &SetRole) -> Result<Account, Failure> {
    let row: Option<AccountRow> = sqlx::query_as(accounts!("where handle = $1 for no key update"))
        .bind(&w.handle)
        .fetch_optional(&mut *db)
        .await?;
    let mut account = Account::try_from(row.ok_or(NOT_FOUND)?)?;
    if account.role == w.role {
        return Ok(account);
    }
    account.role = w.role;
    let user_id = account.user.id;
    sqlx::query("update users set role = $2 where id = $1").bind(user_id).bind(w.role.name()).execute(db).await?;
    let changed = RoleChanged { user_id, role: w.role };
    super::sessions::append_internal(ledger, &EventData::RoleChanged(changed), user_id.0, &changed)?;
    Ok(account)
}

/// Stores the hash of a back end's key.
pub(super) async fn create_api_key(
    db: &mut PgConnection,
    ledger: &Ledger,
    w: &CreateApiKey,
) -> Result<ApiKeyId, Failure> {
    storable(&w.name, "/name")?;
    Ok(sqlx::query_scalar("insert into api_keys (name, hash, scopes, created_at) values ($1, $2, $3, $4) returning id")
        .bind(&w.name)
        .bind(w.hash.as_slice())
        .bind(w.scopes.join(" "))
        .bind(ledger.now())
        .fetch_one(db)
        .await?)
}
