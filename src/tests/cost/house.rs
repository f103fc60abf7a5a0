//! One instance over a database of its own, whose clock is the runtime's: both stand still once they are told to.

use belfry::app::{App, Mode, World, open_backend};
use belfry::bus::LocalBus;
use belfry::config::Config;
use belfry::http::AppState;
use belfry::hub::Hub;
use belfry::lifecycle::{self, Stop};
use belfry::model::clock::{Clock, SetClock};
use belfry::model::random::SystemEntropy;
use belfry::model::{EpochCell, Timestamp};
use clap::Parser;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long something that was asked for may take, by the clock on the wall.
const PATIENCE: Duration = Duration::from_secs(60);
/// Turns given to tasks that have something to do when what was waited for has come.
const TURNS: usize = 64;

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    config: Config,
}

/// The runtime's time.
struct RuntimeClock;

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000)
    }

    fn instant(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

impl SetClock for RuntimeClock {
    fn set(&self, _: Timestamp) {}
}

/// The instance.
pub struct House {
    pub state: AppState,
    pub hub: Arc<Hub>,
    pub address: SocketAddr,
    _folder: TempDir,
}

impl House {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = ["belfry", "--data", folder.path().to_str().unwrap(), "--rate-limits", "off"];
        let config = Settings::parse_from(settings.iter().chain(&["--database-connections", "1"])).config;
        let world = World {
            backend: open_backend(&config.store, Mode::Serve).await.unwrap(),
            bus: LocalBus::new().join(),
            entropy: Arc::new(SystemEntropy),
            clock: Arc::new(RuntimeClock),
            epoch: EpochCell::default(),
            shards: 1,
        };
        let app = App::start(config, world).await.unwrap();
        let (state, hub) = (app.state.clone(), app.hub.clone());
        let listener = lifecycle::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(lifecycle::run(app, listener, Stop::default()));
        Self { state, hub, address, _folder: folder }
    }
}

/// Lets the instance work until something is so, and until it has nothing more to do.
#[expect(clippy::disallowed_methods, reason = "the runtime's time stands still")]
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::task::yield_now().await;
    }
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}
