//! The host's site: its people, and the tokens by which they come.

use super::accounts::Accounts;
use super::host_people::{HostPeople, is_the_hosts};
use super::host_tokens::{self, HostTokens, Keys};
use super::jwks::KeyFile;
use super::{DomainError, Identity};
use crate::config::{HostConfig, Secret};
use crate::model::clock::SharedClock;
use crate::model::{SessionId, Timestamp, UserId};
use crate::store::write::{EndHostSessions, SessionRef};
use jsonwebtoken::DecodingKey;

/// What is known of the host's site.
pub struct Hosts {
    /// Its tokens, if any are good here.
    pub tokens: Option<HostTokens>,
    /// Its people.
    pub people: HostPeople,
}

/// What verifies the host's tokens, as the settings say; none where there are none.
///
/// # Errors
/// The setting that cannot be used and why, in a line.
pub fn keys(config: &HostConfig, clock: SharedClock) -> Result<Option<Keys>, String> {
    if let Some(secret) = &config.host_secret {
        return Ok(Some(Keys::Secret(DecodingKey::from_secret(secret.expose().as_bytes()))));
    }
    let file = config.jwks_file.as_deref().map(|path| KeyFile::open(path, clock));
    Ok(file.transpose()?.map(Keys::File))
}

/// Whether the host could sign own tokens: the two secrets are the same.
pub fn shares_own_secret(config: &HostConfig, own: &Secret) -> bool {
    config.host_secret.as_ref().is_some_and(|secret| secret == own)
}

impl Accounts {
    /// What judges a token that is not an own one; none where the host's are not good here.
    pub(super) fn hosts_for(&self, token: &str) -> Option<(&Hosts, &HostTokens)> {
        let hosts = self.hosts.as_deref()?;
        let tokens = hosts.tokens.as_ref()?;
        (!host_tokens::is_for_own(token)).then_some((hosts, tokens))
    }

    /// Whom a token of the host's site vouches for.
    pub(super) async fn host_identity(
        &self,
        hosts: &Hosts,
        tokens: &HostTokens,
        token: &str,
        now: Timestamp,
    ) -> Result<Identity, DomainError> {
        let token = tokens.read(token, now).await?;
        // Before anybody is looked for or made.
        self.revocations.check_session(token.session_id)?;
        hosts.people.identify(token).await
    }

    /// Ends the bearer's session; with `others`, which are the sessions of the person's sockets here, also those of
    /// them that are of the host's tokens, and every session that began here.
    pub async fn sign_out(
        &self,
        bearer: &Identity,
        others: Option<Vec<(SessionId, Timestamp)>>,
    ) -> Result<(), DomainError> {
        let everywhere = others.is_some();
        if !everywhere && !bearer.session_id.is_of_host() {
            return self.logout(SessionRef::Id(bearer.session_id), false).await;
        }
        let own = (bearer.session_id, bearer.expires_at);
        let sessions = [own].into_iter().chain(others.into_iter().flatten());
        let sessions = sessions.filter(|(session, _)| session.is_of_host()).collect();
        self.store.write(EndHostSessions { user_id: bearer.user_id, sessions, everywhere }).await?;
        Ok(())
    }

    /// `forbidden` at a field that is the host's to tell, for a person of its site.
    pub(super) async fn check_own_to_change(&self, user: UserId, fields: [(&str, bool); 2]) -> Result<(), DomainError> {
        let Some((field, _)) = fields.into_iter().find(|(_, changes)| *changes) else { return Ok(()) };
        if self.account(user).await?.external_id.is_some() { Err(is_the_hosts(field)) } else { Ok(()) }
    }
}
