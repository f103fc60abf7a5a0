//! Instances in the test's own process, over one database that is watched.

mod client;
mod steered;
mod watching;

pub use client::{CODECS, Came, Client, pipe, upgrade};
pub use steered::Steered;
pub use watching::Watching;

use belfry::app::{App, Mode, World, open_backend};
use belfry::bus::{Bus, LocalBus, RedisBus};
use belfry::config::Config;
use belfry::http::AppState;
use belfry::hub::Hub;
use belfry::lifecycle::{self, Stop};
use belfry::model::clock::DatabaseClock;
use belfry::model::random::{SharedEntropy, SystemEntropy};
use belfry::model::{Channel, Comment, CommentId, EpochCell, Event, PostId, UserId};
use belfry::store::write::{
    Actor, CreateComment, CreatePost, DeleteComment, DeletePost, EditComment, EnsurePeople, Publish,
};
use belfry::store::{CommitSink, Store};
use clap::Parser;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// How long a test waits for what should have happened long before.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something.
pub async fn within<T>(what: &str, wanted: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, wanted).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Waits until something is so that cannot be waited for.
pub async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(2));
    // A look may take longer than that: what is waited for must have its turn in between.
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    within(what, async {
        while !is_so() {
            looks.tick().await;
        }
    })
    .await;
}

#[derive(Parser)]
#[command(args_override_self = true)]
struct Settings {
    #[command(flatten)]
    config: Config,
}

/// A database and the settings of whoever serves it.
pub struct House {
    pub store: Arc<Watching>,
    config: Config,
    folder: TempDir,
}

impl House {
    pub async fn with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::in_folder(folder, settings).await
    }

    async fn in_folder(folder: TempDir, settings: &[&str]) -> Self {
        let data = folder.path().to_str().unwrap();
        let always = ["belfry", "--data", data, "--rate-limits", "off", "--drain", "100ms", "--drain-delay", "0s"];
        let at_once = ["--drain-window", "0s", "--resync-window", "0s"];
        let config = Settings::parse_from(always.iter().chain(&at_once).chain(settings)).config;
        let store = Watching::new(open_backend(&config.store, Mode::Serve).await.unwrap());
        Self { store, config, folder }
    }

    /// Closes the database and opens it again, as after the end of its only process.
    pub async fn reopened(self) -> Self {
        self.store.end().await;
        Self::in_folder(self.folder, &[]).await
    }

    /// One more instance, on this bus.
    pub async fn instance(&self, bus: Arc<dyn Bus>) -> Instance {
        self.begin(EpochCell::default(), Arc::new(Steered::default()), bus).await
    }

    /// One more instance, over a Redis.
    pub async fn over(&self, redis: &str) -> Instance {
        let (epoch, clock) = (EpochCell::default(), Arc::new(Steered::default()));
        let entropy: SharedEntropy = Arc::new(SystemEntropy);
        let bus = RedisBus::start(redis, epoch.clone(), clock.clone(), &entropy).unwrap();
        self.begin(epoch, clock, bus).await
    }

    async fn begin(&self, epoch: EpochCell, clock: Arc<Steered>, bus: Arc<dyn Bus>) -> Instance {
        let clock_of = clock.clone();
        let (backend, entropy) = (self.store.clone(), Arc::new(SystemEntropy));
        let world = World { backend, bus, entropy, clock: clock_of, epoch, shards: World::shards() };
        let app = App::start(self.config.clone(), world).await.unwrap();
        let (state, hub) = (app.state.clone(), app.hub.clone());
        let listener = lifecycle::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::default();
        let served = tokio::spawn(lifecycle::run(app, listener, stop.clone()));
        Instance { state, hub, clock, address, stop, served }
    }

    /// One more instance, which hears of others only by looking.
    pub async fn alone(&self) -> Instance {
        self.instance(LocalBus::new().join()).await
    }

    /// Writes of which no instance hears.
    pub fn unheard(&self) -> Store {
        struct Deaf;
        impl CommitSink for Deaf {
            fn committed(&self, _: Vec<Event>) {}
        }
        Store::start(self.store.clone(), Arc::new(DatabaseClock::new()), Arc::new(Deaf), Duration::ZERO)
    }
}

/// An instance.
pub struct Instance {
    pub state: AppState,
    pub hub: Arc<Hub>,
    pub clock: Arc<Steered>,
    pub address: SocketAddr,
    stop: Stop,
    served: JoinHandle<()>,
}

impl Instance {
    /// An instance of its own database.
    pub async fn open() -> (House, Self) {
        Self::with(&[]).await
    }

    pub async fn with(settings: &[&str]) -> (House, Self) {
        let house = House::with(settings).await;
        let instance = house.alone().await;
        (house, instance)
    }

    /// The wish that it end: `wish` is SIGTERM, `wish_hasty` SIGINT.
    pub fn wish_to_stop(&self) -> &Stop {
        &self.stop
    }

    /// Ends it as SIGTERM would.
    pub async fn stop(self) {
        self.stop.wish();
        self.ended().await;
    }

    /// Waits for its end.
    pub async fn ended(self) {
        within("the instance to end", self.served).await.unwrap();
    }

    pub fn epoch(&self) -> String {
        self.state.epoch.get().to_string()
    }

    /// A token of a person, each of a session of its own.
    pub async fn person(&self, name: &str) -> String {
        self.state.accounts.people(name, None, Duration::from_secs(600)).await.unwrap().remove(0)
    }

    /// A post of somebody.
    pub async fn room(&self) -> Room {
        room_in(&self.state.store).await
    }
}

/// A post to write below.
#[derive(Clone, Copy)]
pub struct Room {
    pub post: PostId,
    pub author: UserId,
}

async fn room_in(store: &Store) -> Room {
    let ensure = EnsurePeople { people: vec![("ada".into(), "Ada".into())] };
    let author = store.write(ensure).await.unwrap()[0].user.id;
    let post = CreatePost {
        author,
        title: "A room".into(),
        body: "b".into(),
        html: "<p>b</p>".into(),
        tags: Vec::new(),
        key: None,
    };
    Room { post: store.write(post).await.unwrap().value.value.id, author }
}

impl Room {
    pub fn channel(self) -> Channel {
        Channel::Post(self.post)
    }

    pub fn name(self) -> String {
        self.channel().name()
    }

    fn actor(self) -> Actor {
        Actor { user_id: self.author, moderates: false }
    }

    /// Appends an event; its seq.
    pub async fn publish(self, store: &Store, data: Value) -> i64 {
        let (kind, data) = ("custom.tick".to_owned(), Arc::from(to_raw_value(&data).unwrap()));
        store.write(Publish { channel: self.channel(), kind, data, key: None }).await.unwrap().value
    }

    /// Appends events numbered as their seqs.
    pub async fn fill(self, store: &Store, seqs: std::ops::RangeInclusive<i64>) {
        for seq in seqs {
            assert_eq!(self.publish(store, json!(seq)).await, seq);
        }
    }

    pub async fn comment(self, store: &Store, body: &str) -> Comment {
        let (post_id, author, html) = (self.post, self.author, format!("<p>{body}</p>"));
        let (body, mentions) = (body.into(), Vec::new());
        let new = CreateComment { post_id, parent_id: None, author, body, html, mentions, key: None };
        store.write(new).await.unwrap().value
    }

    pub async fn edit(self, store: &Store, comment_id: CommentId, body: &str) {
        let (actor, html) = (self.actor(), format!("<p>{body}</p>"));
        let (body, mentions) = (body.into(), Vec::new());
        store.write(EditComment { comment_id, actor, body, html, mentions }).await.unwrap();
    }

    pub async fn delete(self, store: &Store, comment_id: CommentId) {
        store.write(DeleteComment { comment_id, actor: self.actor() }).await.unwrap();
    }

    pub async fn end(self, store: &Store) {
        store.write(DeletePost { post_id: self.post, actor: self.actor() }).await.unwrap();
    }
}
