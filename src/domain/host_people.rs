//! People of the host's site: known by what its tokens and its back end say of them.
//!
//! Who is known and unchanged costs no query: they are remembered for a while, so many at most. All others are looked up
//! together (`host_lookups`).

use super::host_lookups::{Lookups, Together};
use super::host_tokens::{HostToken, external_id};
use super::{DomainError, Identity, profile};
use crate::model::clock::SharedClock;
use crate::model::{Account, EpochCell, Timestamp};
use crate::store::Store;
use crate::store::write::{EnsureHostPeople, HostAccount, HostPerson};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long what was read of a person is believed. Roles are heard of; handles are not.
const BELIEVED: Duration = Duration::from_secs(600);
/// How much later than its event says a changed role may have become visible to who read the row.
const ROLE_MARGIN: Duration = Duration::from_secs(10);

/// What a host's back end says of a person.
#[derive(Debug, Clone)]
pub struct NewHostPerson {
    /// The host's own name for them.
    pub external_id: String,
    /// The name shown.
    pub name: String,
    /// A picture; `None` says nothing of it, `Some(None)` that there is none.
    pub avatar_url: Option<Option<String>>,
    /// An address, in the same way.
    pub email: Option<Option<String>>,
}

/// Finds people of the host's site, and makes those that are new.
pub struct HostPeople {
    desk: Arc<Desk>,
    lookups: Lookups,
    max_name_chars: usize,
}

/// Where people are looked up.
pub(super) struct Desk {
    pub(super) store: Arc<Store>,
    clock: SharedClock,
    epoch: EpochCell,
    remembered: Mutex<Remembered>,
}

/// When something began to be read, and of which database.
pub(super) struct Reading {
    epoch: Arc<str>,
    read: Instant,
    role_at: Timestamp,
}

/// What was read of a person.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) account: Account,
    /// When the token was signed that was last believed.
    signed_at: Timestamp,
    read: Instant,
    /// When the role was read, or a little earlier.
    role_at: Timestamp,
}

/// People in two generations: the older one goes when the younger one is half of what there may be.
struct Remembered {
    /// The database they are people of.
    epoch: Arc<str>,
    half: usize,
    young: HashMap<String, Known>,
    old: HashMap<String, Known>,
}

impl HostPeople {
    /// People in a store, at most `remembered` of them in memory.
    pub fn new(
        store: Arc<Store>,
        clock: SharedClock,
        epoch: EpochCell,
        max_name_chars: usize,
        remembered: usize,
    ) -> Self {
        let desk = Arc::new(Desk::new(store, clock, epoch, remembered));
        Self { lookups: Lookups::start(desk.clone(), Together::default()), desk, max_name_chars }
    }

    /// The person that a good token speaks of, made when first seen; what it says of them is kept, unless a token
    /// signed later has said otherwise here. `unavailable` while too many wait for it.
    pub async fn identify(&self, token: HostToken) -> Result<Identity, DomainError> {
        let known = self.desk.answer(&token);
        let known = match known {
            Some(known) => known,
            None => self.lookups.ask(token.clone()).await?,
        };
        Ok(identity(token, known))
    }

    /// Keeps what a host's back end says of a person; what it does not say stays.
    ///
    /// # Errors
    /// `unprocessable` for a field that cannot be used.
    pub async fn put(&self, new: NewHostPerson) -> Result<HostAccount, DomainError> {
        let external_id = external_id("/external_id", &new.external_id)?;
        let name = profile::name(&new.name, self.max_name_chars)?;
        let usable = |text: Option<Option<String>>, rule: fn(&str) -> Result<String, DomainError>| match text {
            Some(Some(text)) => rule(&text).map(|text| Some(Some(text))),
            other => Ok(other),
        };
        let avatar_url = usable(new.avatar_url, profile::avatar_url)?;
        let email = usable(new.email, profile::email)?;
        let base_handle = profile::handle_from(&name, profile::MAX_HANDLE);
        let kept = self.desk.keep(HostPerson { external_id, name, base_handle, avatar_url, email }).await?;
        self.forget(&kept.account);
        Ok(kept)
    }

    /// Reads a person anew when they are next seen.
    pub fn forget(&self, account: &Account) {
        if let Some(external_id) = &account.external_id {
            let mut remembered = self.desk.remembered.lock();
            remembered.young.remove(external_id);
            remembered.old.remove(external_id);
        }
    }
}

impl Desk {
    /// Over this store; at most so many people are remembered.
    pub(super) fn new(store: Arc<Store>, clock: SharedClock, epoch: EpochCell, remembered: usize) -> Self {
        let remembered = Mutex::new(Remembered {
            epoch: epoch.get(),
            half: (remembered / 2).max(1),
            young: HashMap::new(),
            old: HashMap::new(),
        });
        Self { store, clock, epoch, remembered }
    }

    fn answer(&self, token: &HostToken) -> Option<Known> {
        let epoch = self.epoch.get();
        self.remembered.lock().answer(token, &epoch, self.clock.instant())
    }

    /// To be asked for before reading.
    pub(super) fn begin(&self) -> Reading {
        let role_at = self.clock.now().minus(ROLE_MARGIN);
        Reading { epoch: self.epoch.get(), read: self.clock.instant(), role_at }
    }

    /// Remembers what was read of a person, whose token was believed.
    pub(super) fn remember(&self, reading: &Reading, token: &HostToken, account: Account) -> Known {
        let known = Known { account, signed_at: token.signed_at, read: reading.read, role_at: reading.role_at };
        self.remembered.lock().put(&token.external_id, &reading.epoch, known.clone());
        known
    }

    async fn keep(&self, person: HostPerson) -> Result<HostAccount, DomainError> {
        let kept = self.store.write(EnsureHostPeople { people: vec![person] }).await?;
        kept.into_iter().next().ok_or_else(|| DomainError::not_found("user not found"))
    }
}

impl Remembered {
    /// What is known of a token's person, if it says nothing new of them; a later one that says the same counts as
    /// such.
    fn answer(&mut self, token: &HostToken, epoch: &Arc<str>, now: Instant) -> Option<Known> {
        let mut known = self.get(&token.external_id, epoch, now)?;
        if token.signed_at < known.signed_at {
            return Some(known);
        }
        if !says(token, &known.account) {
            return None;
        }
        if token.signed_at > known.signed_at {
            known.signed_at = token.signed_at;
            self.put(&token.external_id, epoch, known.clone());
        }
        Some(known)
    }

    fn get(&mut self, external_id: &str, epoch: &Arc<str>, now: Instant) -> Option<Known> {
        if self.epoch != *epoch {
            (self.young, self.old) = (HashMap::new(), HashMap::new());
            self.epoch = epoch.clone();
        }
        let known = self.young.get(external_id).or_else(|| self.old.get(external_id))?;
        (now.saturating_duration_since(known.read) < BELIEVED).then(|| known.clone())
    }

    /// Remembers what was read while the database had this epoch.
    fn put(&mut self, external_id: &str, epoch: &Arc<str>, known: Known) {
        if self.epoch != *epoch {
            return;
        }
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(external_id.to_owned(), known);
    }
}

/// Whether a token says of a person what is kept.
pub(super) fn says(token: &HostToken, account: &Account) -> bool {
    token.name == account.user.name && token.picture.as_ref().is_none_or(|picture| *picture == account.user.avatar_url)
}

pub(super) fn host_person(token: &HostToken) -> HostPerson {
    HostPerson {
        external_id: token.external_id.clone(),
        name: token.name.clone(),
        base_handle: profile::handle_from(&token.name, profile::MAX_HANDLE),
        avatar_url: token.picture.clone(),
        email: None,
    }
}

fn identity(token: HostToken, known: Known) -> Identity {
    let user = known.account.user;
    Identity {
        user_id: user.id,
        name: token.name,
        handle: user.handle,
        avatar_url: token.picture.unwrap_or(user.avatar_url),
        role: known.account.role,
        session_id: token.session_id,
        issued_at: known.role_at,
        expires_at: token.expires_at,
    }
}

/// What a person of the host's site may not change here, as the site says it.
pub(super) fn is_the_hosts(field: &str) -> DomainError {
    let detail = "this comes from the site that the account is of";
    DomainError { fields: vec![(field.into(), detail.into())], ..DomainError::forbidden(detail) }
}

#[cfg(test)]
#[path = "host_people_tests.rs"]
mod tests;
