//! People and the keys of back ends.

use super::Sqlite;
use super::transaction::{Transaction, Trouble};
use crate::model::event::RoleChanged;
use crate::model::{Account, ApiKeyId, Channel, EventData, UserId, UserRef};
use crate::store::handles::{SPELLINGS, derived_handle};
use crate::store::read::{ApiKey, ReadAccounts};
use crate::store::rows::{AccountRow, ApiKeyRow};
use crate::store::write::{CreateApiKey, EnsurePeople, Opened, Register, SetRole, UpdateAccount, Whom};
use crate::store::{Rejection, StoreError};
use async_trait::async_trait;
use std::borrow::Cow;
use std::collections::HashMap;

const NOT_FOUND: Rejection = Rejection::NotFound("user");
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

impl Transaction {
    pub(super) async fn register(&mut self, register: Register) -> Result<Opened, Trouble> {
        let email = register.email.to_lowercase();
        let known: bool = sqlx::query_scalar("select exists (select 1 from users where email = $1)")
            .bind(&email)
            .fetch_one(&mut self.connection)
            .await?;
        if known {
            return Err(EMAIL_TAKEN.into());
        }
        let asked = register.handle.is_some();
        let handle = register.handle.unwrap_or_else(|| register.base_handle.clone());
        let taken = self.handle_taken(&handle).await?;
        if taken && asked {
            return Err(HANDLE_TAKEN.into());
        }
        // The id is needed to make the handle; until then a name stands there that nobody can have.
        let id: UserId = sqlx::query_scalar(
            "insert into users (name, handle, email, password_hash, created_at)
             values ($1, $2, $3, $4, $5)
             returning id",
        )
        .bind(&register.name)
        .bind(if taken { "" } else { &handle })
        .bind(&email)
        .bind(&register.password_hash)
        .bind(self.now)
        .fetch_one(&mut self.connection)
        .await?;
        if taken {
            self.give_free_handle(&register.base_handle, id).await?;
        }
        self.open_channel(Channel::User(id)).await?;
        let session_id = self.insert_session(id, &register.session).await?;
        let account = self.account(id).await?.ok_or(NOT_FOUND)?;
        Ok(Opened { account, session_id })
    }

    pub(super) async fn update_account(&mut self, update: UpdateAccount) -> Result<Account, Trouble> {
        let mut account = self.account(update.user_id).await?.ok_or(NOT_FOUND)?;
        let user = &mut account.user;
        if let Some(name) = update.name {
            user.name = name;
        }
        if let Some(avatar_url) = update.avatar_url {
            user.avatar_url = avatar_url;
        }
        if let Some(handle) = update.handle.filter(|handle| *handle != user.handle) {
            if self.handle_taken(&handle).await? {
                return Err(HANDLE_TAKEN.into());
            }
            user.handle = handle;
        }
        sqlx::query("update users set name = $2, handle = $3, avatar_url = $4 where id = $1")
            .bind(user.id)
            .bind(&user.name)
            .bind(&user.handle)
            .bind(&user.avatar_url)
            .execute(&mut self.connection)
            .await?;
        Ok(account)
    }

    pub(super) async fn ensure_people(&mut self, ensure: EnsurePeople) -> Result<Vec<Account>, Trouble> {
        let people = serde_json::json!(ensure.people).to_string();
        sqlx::query(
            "insert into users (handle, name, created_at)
             select value ->> 0, value ->> 1, $2
               from json_each($1)
              where true
                 on conflict (handle) do nothing",
        )
        .bind(&people)
        .bind(self.now)
        .execute(&mut self.connection)
        .await?;
        sqlx::query(
            "insert into channels (name)
             select 'user:' || u.id
               from json_each($1)
               join users as u on u.handle = value ->> 0
              where true
                 on conflict (name) do nothing",
        )
        .bind(&people)
        .execute(&mut self.connection)
        .await?;
        let rows: Vec<AccountRow> =
            sqlx::query_as(accounts!("where handle in (select value ->> 0 from json_each($1))"))
                .bind(&people)
                .fetch_all(&mut self.connection)
                .await?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in rows {
            found.insert(row.handle.clone(), Account::try_from(row)?);
        }
        ensure.people.iter().map(|(handle, _)| found.get(handle).cloned().ok_or_else(|| NOT_FOUND.into())).collect()
    }

    pub(super) async fn set_role(&mut self, set: SetRole) -> Result<Account, Trouble> {
        let row: Option<AccountRow> = sqlx::query_as(accounts!("where handle = $1"))
            .bind(&set.handle)
            .fetch_optional(&mut self.connection)
            .await?;
        let mut account = Account::try_from(row.ok_or(NOT_FOUND)?)?;
        if account.role == set.role {
            return Ok(account);
        }
        account.role = set.role;
        let user_id = account.user.id;
        sqlx::query("update users set role = $2 where id = $1")
            .bind(user_id)
            .bind(set.role.name())
            .execute(&mut self.connection)
            .await?;
        let changed = RoleChanged { user_id, role: set.role };
        self.append_internal(&EventData::RoleChanged(changed), user_id.0, &changed).await?;
        Ok(account)
    }

    pub(super) async fn create_api_key(&mut self, create: CreateApiKey) -> Result<ApiKeyId, Trouble> {
        let id = sqlx::query_scalar(
            "insert into api_keys (name, hash, scopes, created_at) values ($1, $2, $3, $4) returning id",
        )
        .bind(&create.name)
        .bind(create.hash.as_slice())
        .bind(create.scopes.join(" "))
        .bind(self.now)
        .fetch_one(&mut self.connection)
        .await?;
        Ok(id)
    }

    /// A person as this transaction will leave them.
    pub(super) async fn account(&mut self, id: UserId) -> Result<Option<Account>, Trouble> {
        let row: Option<AccountRow> =
            sqlx::query_as(accounts!("where id = $1")).bind(id).fetch_optional(&mut self.connection).await?;
        Ok(row.map(Account::try_from).transpose()?)
    }

    /// The person that is meant; `NotFound` where there is none.
    pub(super) async fn person(&mut self, whom: &Whom) -> Result<Account, Trouble> {
        let row: Option<AccountRow> = match whom {
            Whom::Id(id) => {
                sqlx::query_as(accounts!("where id = $1")).bind(id).fetch_optional(&mut self.connection).await?
            }
            Whom::Handle(handle) => {
                sqlx::query_as(accounts!("where handle = $1")).bind(handle).fetch_optional(&mut self.connection).await?
            }
        };
        Ok(Account::try_from(row.ok_or(NOT_FOUND)?)?)
    }

    /// A person as others see them; `NotFound` where there is none.
    pub(super) async fn user_ref(&mut self, id: UserId) -> Result<UserRef, Trouble> {
        let account = self.account(id).await?;
        Ok(account.ok_or(NOT_FOUND)?.user)
    }

    /// Those of these people who are there, as others see them.
    pub(super) async fn people(&mut self, ids: impl Iterator<Item = UserId>) -> Result<Vec<UserRef>, Trouble> {
        let rows: Vec<AccountRow> = sqlx::query_as(accounts!("where id in (select value from json_each($1))"))
            .bind(serde_json::json!(ids.collect::<Vec<_>>()).to_string())
            .fetch_all(&mut self.connection)
            .await?;
        rows.into_iter().map(|row| Ok(Account::try_from(row)?.user)).collect()
    }

    pub(super) async fn handle_taken(&mut self, handle: &str) -> Result<bool, Trouble> {
        let taken = sqlx::query_scalar("select exists (select 1 from users where handle = $1)")
            .bind(handle)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(taken)
    }

    /// Gives a person the first spelling of a taken handle that nobody has.
    pub(super) async fn give_free_handle(&mut self, base: &str, id: UserId) -> Result<(), Trouble> {
        for spelling in 1..SPELLINGS {
            let handle = derived_handle(base, id, spelling);
            if !self.handle_taken(&handle).await? {
                sqlx::query("update users set handle = $2 where id = $1")
                    .bind(id)
                    .bind(&handle)
                    .execute(&mut self.connection)
                    .await?;
                return Ok(());
            }
        }
        Err(HANDLE_TAKEN.into())
    }
}

#[async_trait]
impl ReadAccounts for Sqlite {
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        let row: Option<AccountRow> =
            sqlx::query_as(accounts!("where id = $1")).bind(id).fetch_optional(&self.readers).await?;
        row.map(Account::try_from).transpose()
    }

    async fn host_people(&self, external_ids: &[String]) -> Result<Vec<Account>, StoreError> {
        let rows: Vec<AccountRow> = sqlx::query_as(accounts!("where external_id in (select value from json_each($1))"))
            .bind(serde_json::json!(external_ids).to_string())
            .fetch_all(&self.readers)
            .await?;
        rows.into_iter().map(Account::try_from).collect()
    }

    async fn credentials(&self, email: &str) -> Result<Option<(UserId, String)>, StoreError> {
        let found =
            sqlx::query_as("select id, password_hash from users where email = $1 and password_hash is not null")
                .bind(email.to_lowercase())
                .fetch_optional(&self.readers)
                .await?;
        Ok(found)
    }

    async fn api_key(&self, hash: [u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        let row: Option<ApiKeyRow> = sqlx::query_as("select id, name, scopes from api_keys where hash = $1")
            .bind(hash.as_slice())
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.map(ApiKey::from))
    }
}
