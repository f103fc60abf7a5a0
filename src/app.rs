//! The composition root: settings become a store, services and a server. The only place that names a database.

use crate::config::{Config, Secret, StoreConfig};
use crate::domain::accounts::{AccountRules, Accounts};
use crate::domain::comments::Comments;
use crate::domain::limits::RateLimits;
use crate::domain::origins::Origins;
use crate::domain::posts::Posts;
use crate::domain::publish::Publishing;
use crate::domain::readiness::Readiness;
use crate::domain::revocations::Revocations;
use crate::domain::secrets::{self, NoSecret};
use crate::domain::{DomainError, credentials};
use crate::http::AppState;
use crate::model::EpochCell;
use crate::model::clock::{DatabaseClock, SharedClock};
use crate::model::random::{SharedEntropy, SystemEntropy};
use crate::model::{Account, Event, Role};
use crate::protocol::codes::ErrorCode;
use crate::store::postgres::Postgres;
use crate::store::write::{RenewEpoch, SetRole};
use crate::store::{Backend, CommitSink, Store, StoreError, sqlite};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What a process is to its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The one that serves.
    Serve,
    /// A subcommand, beside one that may be serving.
    Beside,
}

impl From<Mode> for sqlite::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Serve => Self::Serve,
            Mode::Beside => Self::Beside,
        }
    }
}

/// Why nothing was started, or nothing done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used (exit code 2).
    #[error("{0}")]
    Setting(String),
    /// The settings are fine, the world is not (exit code 1).
    #[error("{0}")]
    Cannot(String),
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Cannot(error.to_string())
    }
}

impl From<DomainError> for StartError {
    fn from(error: DomainError) -> Self {
        match error.code {
            ErrorCode::BadRequest | ErrorCode::Unprocessable => Self::Setting(error.detail),
            _ => Self::Cannot(error.detail),
        }
    }
}

impl From<NoSecret> for StartError {
    fn from(error: NoSecret) -> Self {
        match error {
            NoSecret::Setting(complaint) => Self::Setting(complaint),
            NoSecret::Folder(complaint) => Self::Cannot(complaint),
        }
    }
}

/// Opens the database that the settings name, its schema brought up to date.
pub async fn open_backend(config: &StoreConfig, mode: Mode) -> Result<Arc<dyn Backend>, StartError> {
    config.check().map_err(StartError::Setting)?;
    if config.is_postgres() {
        let url = config.database_url.as_ref().map_or("", Secret::expose);
        return Ok(Arc::new(Postgres::connect(url, config.database_connections).await?));
    }
    let path = config.sqlite_path();
    let usable = |folder: &Path| {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|error| StartError::Cannot(format!("{}: {error}", folder.display())))
    };
    usable(&config.data)?;
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or(Ok(()), usable)?;
    let mut options = sqlite::Options::new(mode.into(), &config.data);
    options.max_pages = config.sqlite_max_pages;
    options.readers = config.database_connections;
    Ok(Arc::new(sqlite::Sqlite::connect(&path, options).await?))
}

/// Says what is wrong with the settings of a server before anything is opened; answers the origins they name.
pub fn check(config: &Config) -> Result<Origins, StartError> {
    config.check().map_err(StartError::Setting)?;
    let public_url = config.public_url.as_deref().filter(|url| !url.is_empty());
    let own = Origins::new(public_url, &[]).map_err(|error| StartError::Setting(format!("BELFRY_PUBLIC_URL: {error}")));
    let all = Origins::new(public_url, &config.origins);
    own.and(all.map_err(|error| StartError::Setting(format!("BELFRY_ORIGINS: {error}"))))
}

/// Checks the settings and puts the services of a server together. `revocations` must be loaded before the first request
/// and fed with every event of the internal channel.
pub fn state(
    config: Config,
    store: Arc<Store>,
    clock: SharedClock,
    entropy: SharedEntropy,
    revocations: Arc<Revocations>,
    epoch: &str,
) -> Result<AppState, StartError> {
    let origins = check(&config)?;
    let secret = secrets::jwt_secret(&config.store, entropy.as_ref())?;
    let rules = AccountRules {
        registration: config.registration.0,
        access_ttl: config.access_ttl,
        refresh_ttl: config.refresh_ttl,
        max_name_chars: config.limits.max_name_chars,
    };
    let accounts = Accounts::new(
        store.clone(),
        clock.clone(),
        entropy.clone(),
        revocations,
        secret.expose().as_bytes(),
        config.password_threads,
        rules,
    );
    let limits = Arc::new(RateLimits::new(&config.limits, clock.clone()));
    Ok(AppState {
        posts: Arc::new(Posts::new(store.clone(), config.limits.clone())),
        comments: Arc::new(Comments::new(store.clone(), config.limits.clone(), limits.clone())),
        publishing: Arc::new(Publishing::new(store.clone(), config.limits.clone())),
        epoch: EpochCell::new(epoch),
        readiness: Arc::new(Readiness::new(clock.clone())),
        config: Arc::new(config),
        clock,
        entropy,
        store,
        accounts: Arc::new(accounts),
        limits,
        origins: Arc::new(origins),
    })
}

/// Serves until it is told to stop.
pub async fn serve(config: Config) -> Result<(), StartError> {
    check(&config)?;
    Err(StartError::Cannot("there is no server yet".into()))
}

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
        let store = Arc::new(Store::start(backend, clock.clone(), Arc::new(Nobody)));
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

    /// Gives a person a role.
    pub async fn set_role(&self, handle: String, role: Role) -> Result<Account, StartError> {
        Ok(self.store.write(SetRole { handle, role }).await?)
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
