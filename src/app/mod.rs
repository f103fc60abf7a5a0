//! The composition root: settings become a store, a hub, services and a server. The only place that names a concrete
//! back end.

mod beside;
mod ears;
pub mod seed;

pub use beside::Beside;

use crate::bus::{Bus, LocalBus, RedisBus};
use crate::config::{Config, MetricsListen, Secret, StoreConfig};
use crate::domain::DomainError;
use crate::domain::accounts::{AccountRules, Accounts};
use crate::domain::bans::Bans;
use crate::domain::comments::Comments;
use crate::domain::history::History;
use crate::domain::host_people::HostPeople;
use crate::domain::host_tokens::HostTokens;
use crate::domain::hosts::{self, Hosts};
use crate::domain::limits::{Fleet, RateLimits};
use crate::domain::notifications::Notifications;
use crate::domain::notify::Notices;
use crate::domain::origins::Origins;
use crate::domain::posts::Posts;
use crate::domain::publish::Publishing;
use crate::domain::readiness::Readiness;
use crate::domain::revocations::Revocations;
use crate::domain::secrets::{self, NoSecret};
use crate::domain::takebacks::Takebacks;
use crate::http::{self, AppState};
use crate::hub::{self, Hub};
use crate::lifecycle::{self, Stop};
use crate::model::clock::{DatabaseClock, SetClock};
use crate::model::random::{SharedEntropy, SystemEntropy};
use crate::model::{Entropy, EpochCell};
use crate::protocol::codes::ErrorCode;
use crate::store::postgres::Postgres;
use crate::store::sqlite::{self, Sqlite};
use crate::store::{Backend, Store, StoreError};
use crate::ws::Sockets;
use axum::Router;
use ears::Ears;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

/// How long a store that cannot be reached is waited for.
const STORE_PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two attempts to reach it.
const STORE_PAUSE: Duration = Duration::from_millis(500);
/// Held by the one process that serves a data folder.
const LOCK: &str = "lock";

/// What a process is to its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The one that serves.
    Serve,
    /// A subcommand, beside one that may be serving.
    Beside,
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

/// Says what is wrong with the settings of a server before anything is opened; answers the origins they name.
pub fn check(config: &Config) -> Result<Origins, StartError> {
    config.check().map_err(StartError::Setting)?;
    let public_url = config.public_url.as_deref().filter(|url| !url.is_empty());
    let own = Origins::new(public_url, &[]);
    own.map_err(|error| StartError::Setting(format!("BELFRY_PUBLIC_URL: {error}")))?;
    let all = Origins::new(public_url, &config.origins);
    all.map_err(|error| StartError::Setting(format!("BELFRY_ORIGINS: {error}")))
}

/// Opens the database that the settings name, its schema brought up to date.
pub async fn open_backend(config: &StoreConfig, mode: Mode) -> Result<Arc<dyn Backend>, StartError> {
    config.check().map_err(StartError::Setting)?;
    if config.is_postgres() {
        let url = config.database_url.as_ref().map_or("", Secret::expose);
        return Ok(Arc::new(Postgres::connect(url, config.database_connections).await?));
    }
    let path = config.sqlite_path();
    for folder in
        [Some(config.data.as_path()), path.parent()].into_iter().flatten().filter(|f| !f.as_os_str().is_empty())
    {
        make_folder(folder)?;
    }
    let options = sqlite::Options {
        mode: match mode {
            Mode::Serve => sqlite::Mode::Serve,
            Mode::Beside => sqlite::Mode::Beside,
        },
        data: config.data.clone(),
        max_pages: config.sqlite_max_pages,
        readers: config.database_connections,
    };
    Ok(Arc::new(Sqlite::connect(&path, options).await?))
}

/// The secret that signs own tokens, unless the host's site has the same.
fn own_secret(config: &Config, entropy: &dyn Entropy) -> Result<Secret, StartError> {
    let secret = secrets::jwt_secret(&config.store, entropy)?;
    if hosts::shares_own_secret(&config.host, &secret) {
        return Err(StartError::Setting("BELFRY_HOST_SECRET must differ from the secret of own tokens".into()));
    }
    Ok(secret)
}

fn make_folder(folder: &Path) -> Result<(), StartError> {
    std::fs::create_dir_all(folder).map_err(|error| StartError::Cannot(format!("{}: {error}", folder.display())))
}

/// Makes this process the one that serves the data folder, for as long as the file is open.
fn lock_folder(config: &StoreConfig) -> Result<Option<File>, StartError> {
    if config.is_postgres() {
        return Ok(None);
    }
    make_folder(&config.data)?;
    let path = config.data.join(LOCK);
    let cannot = |error: String| StartError::Cannot(format!("{}: {error}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| cannot(error.to_string()))?;
    file.try_lock().map_err(|_| cannot("another process serves this data folder".into()))?;
    Ok(Some(file))
}

/// One instance: its services and its hub.
pub struct App {
    /// What handlers use.
    pub state: AppState,
    /// Who delivers.
    pub hub: Arc<Hub>,
    tasks: TaskTracker,
    _lock: Option<File>,
}

/// What an instance is given rather than makes.
pub struct World {
    /// The database.
    pub backend: Arc<dyn Backend>,
    /// The way to other instances.
    pub bus: Arc<dyn Bus>,
    /// Chance.
    pub entropy: SharedEntropy,
    /// The database's time.
    pub clock: Arc<dyn SetClock>,
    /// The database's epoch, which the bus shares; nothing was read yet.
    pub epoch: EpochCell,
    /// Tasks that write to sockets.
    pub shards: usize,
}

impl World {
    /// As many tasks that write to sockets as there are cores to run them.
    pub fn shards() -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }
}

impl App {
    /// Puts an instance together and loads what it must know before it is ready.
    pub async fn start(config: Config, world: World) -> Result<Self, StartError> {
        let origins = check(&config)?;
        let World { backend, bus, entropy, clock, epoch, shards } = world;
        let secret = own_secret(&config, entropy.as_ref())?;
        let host_keys = hosts::keys(&config.host, clock.clone()).map_err(StartError::Setting)?;
        let control = backend.control().await?;
        clock.set(control.now);
        epoch.set(&control.epoch);
        let tasks = TaskTracker::new();
        let revocations = Arc::new(Revocations::default());
        let readiness = Arc::new(Readiness::new(clock.clone(), bus.clone()));
        let ears =
            Arc::new(Ears::new(revocations.clone(), readiness.clone(), backend.clone(), clock.clone(), tasks.clone()));
        let parts = hub::Parts {
            config: config.sockets.clone(),
            store: backend.clone(),
            bus,
            clock: clock.clone(),
            entropy: entropy.clone(),
            epoch: epoch.clone(),
            observer: ears.clone(),
            shards,
        };
        let tally = parts.bus.clone().tally();
        let hub = Arc::new(Hub::start(parts, &tasks));
        ears.hear(&hub);
        hub.hear_revocations().await;
        let revoked = backend.revocations().await?;
        revocations.load(&revoked.value, revoked.seq);
        hub.follow_revocations(revoked.seq);
        let gathered = config.sockets.hot.reaction_window;
        let store = Arc::new(Store::start(backend, clock.clone(), hub.clone(), gathered));
        let rules = AccountRules {
            registration: config.registration.0,
            access_ttl: config.access_ttl,
            refresh_ttl: config.refresh_ttl,
            max_name_chars: config.limits.max_name_chars,
        };
        let fleet = Fleet { tally, instances: config.instances(), secret: secret.expose().as_bytes().to_vec() };
        let limits = Arc::new(RateLimits::new(&config.limits, clock.clone(), fleet));
        let max_name_chars = config.limits.max_name_chars;
        let hosts = Arc::new(Hosts {
            tokens: host_keys.map(|keys| HostTokens::new(keys, config.host.host_aud.clone(), max_name_chars)),
            people: HostPeople::new(
                store.clone(),
                clock.clone(),
                epoch.clone(),
                max_name_chars,
                config.host.host_people,
            ),
        });
        let accounts = Accounts::new(
            store.clone(),
            clock.clone(),
            entropy.clone(),
            revocations.clone(),
            secret.expose().as_bytes(),
            config.password_threads,
            rules,
        );
        let accounts = Arc::new(accounts.with_hosts(hosts.clone()));
        let comments = Arc::new(Comments::new(store.clone(), config.limits.clone(), limits.clone()));
        let notifications = Arc::new(Notifications::new(store.clone(), config.limits.clone()));
        let takebacks = Arc::new(Takebacks::new(store.clone()));
        ears::take_back(takebacks.clone(), &hub, &tasks);
        let config = Arc::new(config);
        let sockets =
            Sockets::new(hub.clone(), accounts.clone(), comments.clone(), notifications.clone(), config.clone());
        let state = AppState {
            hosts,
            bans: Arc::new(Bans::new(store.clone(), clock.clone(), &config.limits)),
            posts: Arc::new(Posts::new(store.clone(), config.limits.clone(), limits.clone(), takebacks)),
            notices: Arc::new(Notices::new(store.clone(), config.limits.clone())),
            history: Arc::new(History::new(store.clone())),
            publishing: Arc::new(Publishing::new(store.clone(), config.limits.clone())),
            origins: Arc::new(origins),
            clock,
            entropy,
            store,
            accounts,
            limits,
            comments,
            notifications,
            epoch,
            sockets,
            readiness: readiness.clone(),
            document: Arc::default(),
            config,
        };
        ears::keep_house(&state, revocations, &hub, &tasks);
        ears::tell_ages(readiness.clone(), &hub, &tasks);
        readiness.swept();
        readiness.started();
        Ok(Self { state, hub, tasks, _lock: None })
    }

    /// Everything that is served over HTTP.
    pub fn router(&self) -> Router {
        http::router(self.state.clone())
    }

    /// Finishes writes that wait, ends all tasks, lets the database go.
    pub async fn close(self) {
        self.state.store.close().await;
        self.hub.farewell().await;
        self.hub.end();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Serves until `stop`: what `belfry serve` does.
pub async fn serve(config: Config, stop: Stop) -> Result<(), StartError> {
    check(&config)?;
    // Secrets and keys are looked for first: without them nothing is even opened.
    own_secret(&config, &SystemEntropy)?;
    hosts::keys(&config.host, Arc::new(DatabaseClock::new())).map_err(StartError::Setting)?;
    let lock = lock_folder(&config.store)?;
    let listener = bind(config.listen)?;
    let metrics_listener = match config.metrics_listen {
        MetricsListen::Off => None,
        // Only what is asked for is counted: observations that nobody takes away pile up.
        MetricsListen::At(address) => Some((bind(address)?, crate::metrics::install())),
    };
    if !config.limits.rate_limits.0 {
        tracing::warn!("BELFRY_RATE_LIMITS=off: for load tests only");
    }
    let backend = tokio::select! {
        backend = reach(&config.store) => backend?,
        () = stop.wished() => return Ok(()),
    };
    let world = world(&config, backend)?;
    let mut app = App::start(config, world).await?;
    app._lock = lock;
    if let Some((listener, metrics)) = metrics_listener {
        say(&format!("metrics at http://{}/metrics", address(&listener)?));
        app.tasks.spawn(lifecycle::run_metrics(listener, metrics, app.hub.ended()));
    }
    say(&format!("listening on http://{}", address(&listener)?));
    lifecycle::run(app, listener, stop).await;
    Ok(())
}

/// Everything real, and the bus that the settings name.
fn world(config: &Config, backend: Arc<dyn Backend>) -> Result<World, StartError> {
    let (entropy, epoch): (SharedEntropy, _) = (Arc::new(SystemEntropy), EpochCell::default());
    let clock = Arc::new(DatabaseClock::new());
    let bus: Arc<dyn Bus> = match config.redis_url.as_ref().map(Secret::expose).filter(|url| !url.is_empty()) {
        Some(url) => RedisBus::start(url, epoch.clone(), clock.clone(), &entropy)
            .map_err(|error| StartError::Setting(format!("REDIS_URL: {error}")))?,
        None => LocalBus::new().join(),
    };
    Ok(World { backend, bus, entropy, clock, epoch, shards: World::shards() })
}

/// Opens the database, waiting for one that cannot be reached yet.
async fn reach(config: &StoreConfig) -> Result<Arc<dyn Backend>, StartError> {
    let deadline = Instant::now() + STORE_PATIENCE;
    loop {
        match open_backend(config, Mode::Serve).await {
            Err(StartError::Cannot(error)) if Instant::now() < deadline && config.is_postgres() => {
                tracing::warn!(%error, "the store cannot be reached yet");
                sleep(STORE_PAUSE).await;
            }
            result => return result,
        }
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    lifecycle::listen(address).map_err(|error| StartError::Cannot(format!("cannot listen on {address}: {error}")))
}

fn address(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|error| StartError::Cannot(error.to_string()))
}

/// A line for whoever started this; nobody may be reading.
fn say(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
