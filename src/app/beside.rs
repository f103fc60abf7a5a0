//! The store as subcommands use it, beside a server that hears of their writes by looking.

use super::{Mode, StartError, open_backend};
use crate::config::StoreConfig;
use crate::domain::accounts::{AccountRules, Accounts};
use crate::domain::bans::Bans;
use crate::domain::{credentials, secrets};
use crate::model::clock::{DatabaseClock, SetClock, SharedClock};
use crate::model::random::{SharedEntropy, SystemEntropy};
use crate::model::{Account, Event, Role, Timestamp};
use crate::store::write::{EnsurePeople, RenewEpoch, SetRole};
use crate::store::{CommitSink, Store};
use std::sync::Arc;
use std::time::Duration;

/// The store as a subcommand uses it, beside a server that hears of its writes by looking.
pub struct Beside {
    config: StoreConfig,
    store: Arc<Store>,
    clock: SharedClock,
    entropy: SharedEntropy,
}

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: Vec<Event>) {}
}

impl Beside {
    /// Opens the database and takes its time.
    pub async fn open(config: &StoreConfig) -> Result<Self, StartError> {
        let backend = open_backend(config, Mode::Beside).await?;
        let clock = Arc::new(DatabaseClock::new());
        clock.set(backend.control().await?.now);
        let store = Arc::new(Store::start(backend, clock.clone(), Arc::new(Nobody), Duration::ZERO));
        Ok(Self { config: config.clone(), store, clock, entropy: Arc::new(SystemEntropy) })
    }

    /// What hands out credentials.
    pub fn accounts(&self) -> Result<Accounts, StartError> {
        let secret = secrets::jwt_secret(&self.config, self.entropy.as_ref())?;
        // Nobody signs in through this one: the rules of sign-ups and sessions are the server's.
        let rules = AccountRules {
            registration: false,
            access_ttl: Duration::from_secs(1),
            refresh_ttl: Duration::from_secs(1),
            max_name_chars: credentials::MAX_NAME_CHARS,
        };
        let (store, clock, entropy) = (self.store.clone(), self.clock.clone(), self.entropy.clone());
        Ok(Accounts::new(store, clock, entropy, Arc::default(), secret.expose().as_bytes(), 1, rules))
    }

    /// The store itself.
    pub fn store(&self) -> Arc<Store> {
        self.store.clone()
    }

    /// The database's time.
    pub fn clock(&self) -> SharedClock {
        self.clock.clone()
    }

    /// Finds people by handle, or makes them; handle and name of each.
    pub async fn people(&self, people: Vec<(String, String)>) -> Result<Vec<Account>, StartError> {
        Ok(self.store.write(EnsurePeople { people }).await?)
    }

    /// Gives a person a role.
    pub async fn set_role(&self, handle: String, role: Role) -> Result<Account, StartError> {
        Ok(self.store.write(SetRole { handle, role }).await?)
    }

    /// Who is kept out; reasons have at most so many characters.
    pub fn bans(&self, max_reason_chars: usize) -> Bans {
        Bans::bounded(self.store.clone(), self.clock.clone(), max_reason_chars)
    }

    /// The time by the database.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The epoch of the database.
    pub async fn epoch(&self) -> Result<String, StartError> {
        Ok(self.store.read().control().await?.epoch)
    }

    /// Draws a new one.
    pub async fn renew_epoch(&self) -> Result<String, StartError> {
        Ok(self.store.write(RenewEpoch).await?)
    }

    /// Lets the database go.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
