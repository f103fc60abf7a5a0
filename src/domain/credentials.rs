//! Credentials that an operator hands out on the command line: tokens of people, keys of back ends.

use super::accounts::{API_KEY_PREFIX, Accounts, hash};
use super::tokens::Tokens;
use super::{DomainError, profile};
use crate::model::Account;
use crate::store::write::{CreateApiKey, EnsurePeople, NewSession, OpenSession};
use std::time::Duration;

/// Every scope of an API key.
pub const SCOPES: [&str; 4] = ["publish", "notify", "posts", "users"];
/// Characters of a name on the command line, whatever the server's setting.
pub const MAX_NAME_CHARS: usize = 60;
/// People made in one write; more go in several.
const CHUNK: usize = 256;

impl Accounts {
    /// One token each, in order, for the person called `name`, or with a count for the people `{name} 1` to `{name} N`:
    /// found by handle, made where missing. The tokens live for `ttl` and cannot be refreshed.
    pub async fn people(&self, name: &str, count: Option<u32>, ttl: Duration) -> Result<Vec<String>, DomainError> {
        let people = self.called(name, count)?;
        let mut tokens = Vec::with_capacity(people.len());
        for some in people.chunks(CHUNK) {
            let accounts = self.store.write(EnsurePeople { people: some.to_vec() }).await?;
            // Together, so that they share transactions.
            tokens
                .extend(futures_util::future::try_join_all(accounts.into_iter().map(|who| self.lend(who, ttl))).await?);
        }
        Ok(tokens)
    }

    /// Handle and name of each.
    fn called(&self, name: &str, count: Option<u32>) -> Result<Vec<(String, String)>, DomainError> {
        let Some(count) = count else {
            let name = profile::name(name, self.rules.max_name_chars)?;
            return Ok(vec![(profile::handle_from(&name, profile::MAX_HANDLE), name)]);
        };
        let numbered = |number: u32| {
            let name = profile::name(&format!("{} {number}", name.trim()), self.rules.max_name_chars)?;
            let number = number.to_string();
            // The base is cut, never the number: that is what tells them apart.
            let room = profile::MAX_HANDLE - 1 - number.len();
            let base = name.strip_suffix(&number).unwrap_or(&name);
            Ok((format!("{}_{number}", profile::handle_from(base, room)), name))
        };
        (1..=count).map(numbered).collect()
    }

    async fn lend(&self, account: Account, ttl: Duration) -> Result<String, DomainError> {
        let now = self.clock.now();
        let ends = Tokens::end(now, ttl);
        let session =
            NewSession { refresh_hash: None, refresh_expires_at: ends, access_expires_at: ends, in_body: true };
        let opened = self.store.write(OpenSession { user_id: account.user.id, session }).await?;
        self.tokens.issue(&opened.account, opened.session_id, now, ends)
    }

    /// A new key for a back end. It is told once: only its hash is stored.
    pub async fn make_api_key(&self, name: &str, scopes: Vec<String>) -> Result<String, DomainError> {
        let name = profile::name(name, self.rules.max_name_chars)?;
        if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
            return Err(DomainError::unprocessable("/scopes", format!("there is no scope `{unknown}`")));
        }
        let key = format!("{API_KEY_PREFIX}{}", self.random());
        self.store.write(CreateApiKey { name, hash: hash(&key), scopes }).await?;
        Ok(key)
    }
}
