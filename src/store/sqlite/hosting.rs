//! People whom the host's site vouches for.

use super::accounts::accounts;
use super::transaction::{Transaction, Trouble};
use crate::model::event::SessionRevoked;
use crate::model::{Account, Channel, EventData, UserId};
use crate::store::rows::AccountRow;
use crate::store::write::{EndHostSessions, EnsureHostPeople, HostAccount, HostPerson};

impl Transaction {
    pub(super) async fn ensure_host_people(&mut self, ensure: EnsureHostPeople) -> Result<Vec<HostAccount>, Trouble> {
        let mut kept = Vec::with_capacity(ensure.people.len());
        for person in ensure.people {
            kept.push(match self.host_account(&person.external_id).await? {
                Some(account) => HostAccount { account: self.retell(account, &person).await?, made: false },
                None => HostAccount { account: self.make_host_person(person).await?, made: true },
            });
        }
        Ok(kept)
    }

    pub(super) async fn end_host_sessions(&mut self, end: EndHostSessions) -> Result<(), Trouble> {
        let user_id = end.user_id;
        for (session_id, until) in end.sessions {
            let inserted = sqlx::query(
                "insert into revocations (session_id, user_id, until)
                 values ($1, $2, $3)
                     on conflict (session_id) do nothing",
            )
            .bind(session_id)
            .bind(user_id)
            .bind(until)
            .execute(&mut self.connection)
            .await?;
            if inserted.rows_affected() == 1 {
                let revoked = SessionRevoked { session_id, user_id, until };
                self.append_internal(&EventData::SessionRevoked(revoked), session_id.0, &revoked).await?;
            }
        }
        if end.everywhere {
            self.end_all_of(user_id).await?;
        }
        Ok(())
    }

    /// Replaces what the host's site says otherwise now.
    async fn retell(&mut self, before: Account, person: &HostPerson) -> Result<Account, Trouble> {
        let account = person.applied_to(before.clone());
        if account != before {
            sqlx::query("update users set name = $2, avatar_url = $3, host_email = $4 where id = $1")
                .bind(account.user.id)
                .bind(&account.user.name)
                .bind(&account.user.avatar_url)
                .bind(&account.email)
                .execute(&mut self.connection)
                .await?;
        }
        Ok(account)
    }

    async fn make_host_person(&mut self, person: HostPerson) -> Result<Account, Trouble> {
        let taken = self.handle_taken(&person.base_handle).await?;
        // The id is needed to make the handle; until then a name stands there that nobody can have.
        let id: UserId = sqlx::query_scalar(
            "insert into users (name, handle, avatar_url, host_email, external_id, created_at)
             values ($1, $2, $3, $4, $5, $6)
             returning id",
        )
        .bind(&person.name)
        .bind(if taken { "" } else { &person.base_handle })
        .bind(person.avatar_url.flatten())
        .bind(person.email.flatten())
        .bind(&person.external_id)
        .bind(self.now)
        .fetch_one(&mut self.connection)
        .await?;
        if taken {
            self.give_free_handle(&person.base_handle, id).await?;
        }
        self.open_channel(Channel::User(id)).await?;
        self.person(&crate::store::write::Whom::Id(id)).await
    }

    async fn host_account(&mut self, external_id: &str) -> Result<Option<Account>, Trouble> {
        let row: Option<AccountRow> = sqlx::query_as(accounts!("where external_id = $1"))
            .bind(external_id)
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(row.map(Account::try_from).transpose()?)
    }
}
