//! Accounts: who may sign in, what their tokens are good for, and for how long.

use super::api_keys::ApiKeys;
use super::hosts::Hosts;
use super::passwords::Passwords;
use super::revocations::Revocations;
use super::tokens::Tokens;
use super::{DomainError, Identity, profile};
use crate::model::clock::SharedClock;
use crate::model::random::SharedEntropy;
use crate::model::{Account, Timestamp, UserId};
use crate::store::read::ApiKey;
use crate::store::write::{
    EndSession, EndSessions, NewSession, OpenSession, Opened, Register, RotateRefresh, Rotation, SessionRef,
    UpdateAccount,
};
use crate::store::{Rejection, Store, StoreError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// What begins a back end's key, so that it is never taken for a person's token.
pub const API_KEY_PREFIX: &str = "bk_";

/// What the settings say of accounts.
#[derive(Debug, Clone, Copy)]
pub struct AccountRules {
    /// Whether people may sign up.
    pub registration: bool,
    /// How long an access token lives.
    pub access_ttl: Duration,
    /// How long an unused refresh token lives.
    pub refresh_ttl: Duration,
    /// Characters of a name.
    pub max_name_chars: usize,
}

/// Everything about accounts.
pub struct Accounts {
    pub(super) store: Arc<Store>,
    pub(super) clock: SharedClock,
    pub(super) entropy: SharedEntropy,
    pub(super) tokens: Tokens,
    pub(super) rules: AccountRules,
    pub(super) revocations: Arc<Revocations>,
    pub(super) hosts: Option<Arc<Hosts>>,
    passwords: Passwords,
    api_keys: ApiKeys,
    /// Derives each refresh token from the one before it, so that a retry gets the same successor from any instance.
    succession: Hmac<Sha256>,
}

/// Somebody who wants an account. Not to be printed: it bears the password.
#[derive(Clone)]
pub struct NewAccount {
    /// The name shown.
    pub name: String,
    /// The address to sign in with.
    pub email: String,
    /// The password.
    pub password: String,
    /// The unique name; made from the name where none is asked for.
    pub handle: Option<String>,
}

/// What a person changes of themselves; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The name shown.
    pub name: Option<String>,
    /// The unique name.
    pub handle: Option<String>,
    /// A picture; `Some(None)` takes it away.
    pub avatar_url: Option<Option<String>>,
}

/// Somebody who just signed in, or stayed so. Not to be printed: it bears both tokens.
#[derive(Clone)]
pub struct SignedIn {
    /// Who, as they are now.
    pub account: Account,
    /// Good until it ends or its session does.
    pub access_token: String,
    /// How long that is.
    pub expires_in: Duration,
    /// Good once, for the next of both.
    pub refresh_token: String,
    /// Whether refresh tokens of this session travel in bodies rather than in the cookie.
    pub in_body: bool,
}

impl Accounts {
    /// With the secret that all instances share, and at most `password_threads` passwords hashed at a time.
    pub fn new(
        store: Arc<Store>,
        clock: SharedClock,
        entropy: SharedEntropy,
        revocations: Arc<Revocations>,
        secret: &[u8],
        password_threads: usize,
        rules: AccountRules,
    ) -> Self {
        let passwords = Passwords::new(password_threads, entropy.clone());
        let api_keys = ApiKeys::new(store.clone(), clock.clone());
        let succession = keyed(key_for("succession of refresh tokens", secret));
        Self {
            store,
            clock,
            entropy,
            tokens: Tokens::new(secret),
            rules,
            revocations,
            hosts: None,
            passwords,
            api_keys,
            succession,
        }
    }

    /// The same, with people of a host's site.
    pub fn with_hosts(self, hosts: Arc<Hosts>) -> Self {
        Self { hosts: Some(hosts), ..self }
    }

    /// The person a token vouches for, as of now: `unauthenticated` for a bad or ended one, `forbidden` for one of an ended
    /// session or a banned person. An own token asks no database; nor does one of the host's site, of a person who is known
    /// here and of whom it says nothing new.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, DomainError> {
        let now = self.clock.now();
        let mut identity = match self.hosts_for(token) {
            Some((hosts, tokens)) => Box::pin(self.host_identity(hosts, tokens, token, now)).await?,
            None => self.tokens.read(token, now)?,
        };
        identity.role = self.revocations.check(&identity, now)?;
        Ok(identity)
    }

    /// What the bearer of a token that was good before may do now; `forbidden` if the session has ended since or the
    /// person is banned, `unauthenticated` if the token has ended.
    pub fn recheck(&self, identity: &Identity) -> Result<crate::model::Role, DomainError> {
        let now = self.clock.now();
        if identity.expires_at <= now {
            return Err(DomainError::unauthenticated("the token has ended"));
        }
        self.revocations.check(identity, now)
    }

    /// The back end whose key this is; `unauthenticated` for an unknown one.
    pub async fn api_key(&self, key: &str) -> Result<ApiKey, DomainError> {
        let known = self.api_keys.find(hash(key)).await?;
        known.ok_or_else(|| DomainError::unauthenticated("the API key is not known"))
    }

    /// Makes an account and signs it in. `forbidden` while nobody may sign up, `unprocessable` for a field that cannot be
    /// used, `conflict` for a known address or a taken handle. `admit` is waited for once everything else is well, before
    /// anything costs much.
    pub async fn register(
        &self,
        new: NewAccount,
        in_body: bool,
        admit: impl Future<Output = Result<(), DomainError>>,
    ) -> Result<SignedIn, DomainError> {
        if !self.rules.registration {
            return Err(DomainError::forbidden("nobody may sign up here"));
        }
        let name = profile::name(&new.name, self.rules.max_name_chars)?;
        let email = profile::email(&new.email)?;
        profile::password(&new.password)?;
        let handle = new.handle.as_deref().map(profile::handle).transpose()?;
        admit.await?;
        let password_hash = self.passwords.hash(new.password).await?;
        let base_handle = profile::handle_from(&name, profile::MAX_HANDLE);
        let (refresh_token, session) = self.begin(in_body);
        let access_ends = session.access_expires_at;
        let register = Register { name, email, password_hash, handle, base_handle, session };
        let opened = self.store.write(register).await.map_err(taken)?;
        self.signed_in(opened, refresh_token, access_ends, in_body)
    }

    /// Signs somebody in. `unauthenticated` for an unknown address and for a wrong password alike; `forbidden` for a
    /// banned person who knows theirs.
    pub async fn login(&self, email: &str, password: String, in_body: bool) -> Result<SignedIn, DomainError> {
        let known = match profile::email(email) {
            Ok(email) => self.store.read().credentials(&email).await?,
            // No database is asked about what nobody can have signed up with.
            Err(_) => None,
        };
        let (user_id, hash) = known.unzip();
        let fits = self.passwords.verify(password, hash).await?;
        let user_id = user_id.filter(|_| fits);
        let user_id = user_id.ok_or_else(|| DomainError::unauthenticated("the address or the password is wrong"))?;
        self.revocations.admits(user_id, self.clock.now())?;
        let (refresh_token, session) = self.begin(in_body);
        let access_ends = session.access_expires_at;
        let opened = self.store.write(OpenSession { user_id, session }).await?;
        self.signed_in(opened, refresh_token, access_ends, in_body)
    }

    /// Spends a refresh token for its successor and a fresh access token. For a short while the spent one returns the same
    /// successor, for answers that got lost; after that it ends the session. `unauthenticated` for every token that is not
    /// good, and for one that came in a body where the session's travel in the cookie, or the other way round. `forbidden`
    /// for a banned person, whose token stays as good as it was.
    pub async fn refresh(&self, presented: &str, in_body: bool) -> Result<SignedIn, DomainError> {
        let not_good = || DomainError::unauthenticated("the refresh token is not good");
        let successor = self.successor(presented);
        let now = self.clock.now();
        let access_ends = Tokens::end(now, self.rules.access_ttl);
        let rotate = RotateRefresh {
            presented: hash(presented),
            successor: hash(&successor),
            refresh_expires_at: now.plus(self.rules.refresh_ttl),
            access_expires_at: access_ends,
        };
        match self.store.write(rotate).await? {
            Rotation::Rotated { opened, in_body: kept } if kept == in_body => {
                self.signed_in(opened, successor, access_ends, in_body)
            }
            Rotation::Rotated { .. } | Rotation::Reused => Err(not_good()),
        }
    }

    /// Ends a session, or all of its person's. An ended or unknown one is no error.
    pub async fn logout(&self, session: SessionRef, everywhere: bool) -> Result<(), DomainError> {
        if everywhere {
            self.store.write(EndSessions { session }).await?;
        } else {
            self.store.write(EndSession { session }).await?;
        }
        Ok(())
    }

    /// A person as they see themselves.
    pub async fn account(&self, id: UserId) -> Result<Account, DomainError> {
        let account = self.store.read().account(id).await?;
        account.ok_or_else(|| DomainError::unauthenticated("this account is no more"))
    }

    /// Changes what a person says of themselves. `unprocessable` for a field that cannot be used, `conflict` for a taken
    /// handle, `forbidden` for name and picture of a person of the host's site.
    pub async fn update(&self, user_id: UserId, changes: Changes) -> Result<Account, DomainError> {
        let name = changes.name.map(|name| profile::name(&name, self.rules.max_name_chars)).transpose()?;
        let handle = changes.handle.as_deref().map(profile::handle).transpose()?;
        let avatar_url = match changes.avatar_url {
            Some(Some(url)) => Some(Some(profile::avatar_url(&url)?)),
            other => other,
        };
        if name.is_none() && handle.is_none() && avatar_url.is_none() {
            return self.account(user_id).await;
        }
        self.check_own_to_change(user_id, [("/name", name.is_some()), ("/avatar_url", avatar_url.is_some())]).await?;
        let changed = self.store.write(UpdateAccount { user_id, name, handle, avatar_url }).await.map_err(taken)?;
        if let Some(hosts) = &self.hosts {
            hosts.people.forget(&changed);
        }
        Ok(changed)
    }

    /// The session that a refresh token belongs to, as the store knows it.
    pub fn session_of(refresh_token: &str) -> SessionRef {
        SessionRef::RefreshHash(hash(refresh_token))
    }

    /// How long refresh tokens live while they are not used.
    pub fn refresh_ttl(&self) -> Duration {
        self.rules.refresh_ttl
    }

    fn begin(&self, in_body: bool) -> (String, NewSession) {
        let now = self.clock.now();
        let refresh_token = self.random();
        let session = NewSession {
            refresh_hash: Some(hash(&refresh_token)),
            refresh_expires_at: now.plus(self.rules.refresh_ttl),
            access_expires_at: Tokens::end(now, self.rules.access_ttl),
            in_body,
        };
        (refresh_token, session)
    }

    fn signed_in(
        &self,
        opened: Opened,
        refresh_token: String,
        access_ends: Timestamp,
        in_body: bool,
    ) -> Result<SignedIn, DomainError> {
        let Opened { account, session_id } = opened;
        let access_token = self.tokens.issue(&account, session_id, self.clock.now(), access_ends)?;
        Ok(SignedIn { account, access_token, expires_in: self.rules.access_ttl, refresh_token, in_body })
    }

    /// 32 random bytes as text.
    pub(super) fn random(&self) -> String {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn successor(&self, token: &str) -> String {
        let mut succession = self.succession.clone();
        succession.update(token.as_bytes());
        URL_SAFE_NO_PAD.encode(succession.finalize().into_bytes())
    }
}

/// SHA-256: what is stored of a refresh token or an API key.
pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// A key of its own for one purpose, drawn from the secret.
pub(super) fn key_for(purpose: &str, secret: &[u8]) -> [u8; 32] {
    let mut hmac = keyed(Sha256::digest(secret).into());
    hmac.update(purpose.as_bytes());
    hmac.finalize().into_bytes().into()
}

/// What hashes with a key.
pub(super) fn keyed(key: [u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block[..32].copy_from_slice(&key);
    Hmac::new(&block.into())
}

/// Says at which field what is unique was taken.
fn taken(error: StoreError) -> DomainError {
    let (pointer, detail) = match &error {
        StoreError::Rejected(Rejection::Conflict(what)) if what == "email" => ("/email", "this address has an account"),
        StoreError::Rejected(Rejection::Conflict(what)) if what == "handle" => ("/handle", "this handle is taken"),
        _ => return error.into(),
    };
    DomainError { fields: vec![(pointer.into(), detail.into())], ..DomainError::conflict(detail) }
}
