//! Instances over one Postgres and one Redis, each with ways of its own to both that can be made bad.

use super::balancer::Balancer;
use super::postgres::Postgres;
use super::proxy::Proxy;
use super::report::Report;
use super::services::{Service, redis};
use crate::support::server::{Server, Setup};
use crate::traffic::Traffic;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::net::{Ipv4Addr, SocketAddr};
use tempfile::TempDir;

/// More than traffic and a fault make of an instance that keeps its bounds; what it takes at its start is not counted.
const MOST_GROWN_KIB: u64 = 48 * 1_024;

/// One instance and its ways.
pub struct Instance {
    /// How it is started.
    pub setup: Setup,
    /// Its process; none while it is down.
    pub server: Option<Server>,
    /// Where it listens, whenever it does.
    pub address: SocketAddr,
    ways: Option<Ways>,
    /// Its process and its size in KiB, when it was weighed.
    weight: Option<(u32, u64)>,
}

struct Ways {
    database: Proxy,
    bus: Proxy,
}

/// Where an instance lives.
#[derive(Debug, Default, Clone)]
pub struct Place {
    /// The network it is in, by its name, and its address there; none for this one.
    pub network: Option<(String, Ipv4Addr)>,
    /// Where it finds its ways to Postgres and Redis.
    pub outside: Option<Ipv4Addr>,
}

impl Instance {
    /// Starts one over these.
    pub async fn over(postgres: &Postgres, redis: &Service, place: Place, settings: &[(&str, &str)]) -> Self {
        let outside = place.outside.unwrap_or(Ipv4Addr::LOCALHOST);
        let database = Proxy::from(outside, postgres.service.address).await;
        let bus = Proxy::from(outside, redis.address).await;
        let mut setup = setup();
        setup.set("BELFRY_JWT_SECRET", "a secret of thirty-two bytes or more");
        setup.set("DATABASE_URL", &Postgres::url(database.address));
        setup.set("REDIS_URL", &format!("redis://{}", bus.address));
        if let Some((network, address)) = &place.network {
            setup.set("BELFRY_LISTEN", &format!("{address}:0"));
            setup.set("BELFRY_METRICS_LISTEN", &format!("{address}:0"));
            setup.behind(&["ip", "netns", "exec", network]);
        }
        settings.iter().for_each(|(name, value)| setup.set(name, value));
        Self { ways: Some(Ways { database, bus }), ..Self::alone(setup).await }
    }

    /// Starts one that depends on nothing.
    pub async fn alone(mut setup: Setup) -> Self {
        let server = setup.start().await;
        let address = server.address;
        setup.set("BELFRY_LISTEN", &address.to_string());
        Self { setup, server: Some(server), address, ways: None, weight: None }
    }

    /// Its way to Postgres.
    pub fn database(&self) -> &Proxy {
        &self.ways.as_ref().expect("it is one of a fleet").database
    }

    /// Its way to Redis.
    pub fn bus(&self) -> &Proxy {
        &self.ways.as_ref().expect("it is one of a fleet").bus
    }

    /// Its process.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    /// Notes how large it is while it works, for [`Self::grown`].
    pub fn weigh(&mut self) {
        self.weight = self.server.as_ref().map(|server| (server.pid(), server.resident_kib()));
    }

    /// What is wrong with its memory: the same process, by much larger than it was.
    pub fn grown(&self) -> Option<String> {
        let (pid, before) = self.weight.filter(|(pid, _)| *pid == self.server().pid())?;
        let grown = self.server().resident_kib().saturating_sub(before);
        (grown > MOST_GROWN_KIB).then(|| format!("instance {pid} has grown by {grown} KiB"))
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill().await;
        }
    }

    /// Starts it again where it was.
    pub async fn start(&mut self) {
        self.server = Some(self.setup.start().await);
    }
}

/// How instances are started here: dead sockets and channels without readers are soon found.
pub fn setup() -> Setup {
    Setup::new(&[
        ("BELFRY_RATE_LIMITS", "off"),
        ("BELFRY_HEARTBEAT", "1s"),
        ("BELFRY_CHANNEL_LINGER", "1s"),
        ("BELFRY_METRICS_LISTEN", "127.0.0.1:0"),
    ])
}

/// All of it.
pub struct Fleet {
    /// The database.
    pub postgres: Postgres,
    /// The bus.
    pub redis: Service,
    _redis_folder: TempDir,
    /// The instances.
    pub instances: Vec<Instance>,
}

impl Fleet {
    /// So many instances, with these settings besides.
    pub async fn of(count: usize, settings: &[(&str, &str)]) -> Self {
        Self::over(Postgres::start().await, count, settings).await
    }

    /// The same over this Postgres.
    pub async fn over(postgres: Postgres, count: usize, settings: &[(&str, &str)]) -> Self {
        let (redis, folder) = redis().await;
        let mut fleet = Self { postgres, redis, _redis_folder: folder, instances: Vec::new() };
        for _ in 0..count {
            fleet.join(settings).await;
        }
        fleet
    }

    /// One more instance.
    pub async fn join(&mut self, settings: &[(&str, &str)]) {
        let instance = Instance::over(&self.postgres, &self.redis, Place::default(), settings).await;
        self.instances.push(instance);
    }

    /// Where the instances listen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.instances.iter().map(|instance| instance.address).collect()
    }

    /// Clients on all instances, at work.
    pub async fn traffic(&mut self) -> Traffic {
        let addresses = self.addresses();
        self.traffic_at(&addresses).await
    }

    /// Clients that connect at these addresses, at work. What the instances weigh now is what they may weigh in the end.
    pub async fn traffic_at(&mut self, addresses: &[SocketAddr]) -> Traffic {
        let mut random = StdRng::seed_from_u64(rand::random());
        let traffic = Traffic::begin(&self.instances[0].setup, addresses, &mut random).await;
        traffic.flow(100).await;
        self.instances.iter_mut().for_each(Instance::weigh);
        traffic
    }

    /// Lets traffic come to rest, and holds what came of it to the promises.
    pub async fn settle(&self, traffic: Traffic) -> Report {
        let (history, worst) = traffic.settle(self.instances[0].address).await;
        Report::of(&history, worst)
    }

    /// A balancer before all of them.
    pub async fn balancer(&self) -> Balancer {
        Balancer::before(self.addresses()).await
    }
}
