//! Instances over one Postgres and one Redis, each with ways of its own to both that can be made bad.

use super::balancer::Balancer;
use super::proxy::Proxy;
use super::report::Report;
use super::services::{Postgres, Service, redis};
use crate::support::server::{Server, Setup};
use crate::traffic::Traffic;
use rand::rngs::StdRng;
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;

/// One instance and its ways.
pub struct Instance {
    /// How it is started.
    pub setup: Setup,
    /// Its process; none while it is down.
    pub server: Option<Server>,
    /// Where it listens, whenever it does.
    pub address: SocketAddr,
    /// Its way to Postgres.
    pub database: Proxy,
    /// Its way to Redis.
    pub bus: Proxy,
}

impl Instance {
    /// Its process.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    /// Sockets it still holds, once those that left had time to be forgotten.
    pub async fn sockets_left(&self) -> u64 {
        let metrics = self.server().started.iter().find_map(|line| line.strip_prefix("metrics at ")).expect("metrics");
        let mut left = u64::MAX;
        let gone = async {
            let mut looks = tokio::time::interval(Duration::from_millis(50));
            while left > 0 {
                looks.tick().await;
                let text = reqwest::get(metrics).await.unwrap().text().await.unwrap();
                let line = text.lines().find_map(|line| line.strip_prefix("belfry_sockets "));
                left = line.map_or(0, |count| count.parse().unwrap());
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(10), gone).await;
        left
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
        let postgres = Postgres::start().await;
        let (redis, folder) = redis().await;
        let mut fleet = Self { postgres, redis, _redis_folder: folder, instances: Vec::new() };
        for _ in 0..count {
            fleet.join(settings).await;
        }
        fleet
    }

    /// One more instance.
    pub async fn join(&mut self, settings: &[(&str, &str)]) {
        let database = Proxy::to(self.postgres.service.address).await;
        let bus = Proxy::to(self.redis.address).await;
        let mut setup = Setup::new(&[("BELFRY_RATE_LIMITS", "off"), ("BELFRY_HEARTBEAT", "1s")]);
        setup.set("BELFRY_METRICS_LISTEN", "127.0.0.1:0");
        setup.set("BELFRY_JWT_SECRET", "a secret of thirty-two bytes or more");
        setup.set("DATABASE_URL", &Postgres::url(database.address));
        setup.set("REDIS_URL", &format!("redis://{}", bus.address));
        settings.iter().for_each(|(name, value)| setup.set(name, value));
        let server = setup.start().await;
        let address = server.address;
        setup.set("BELFRY_LISTEN", &address.to_string());
        self.instances.push(Instance { setup, server: Some(server), address, database, bus });
    }

    /// Where the instances listen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.instances.iter().map(|instance| instance.address).collect()
    }

    /// Clients on all instances.
    pub async fn traffic(&self, random: &mut StdRng) -> Traffic {
        Traffic::begin(&self.instances[0].setup, &self.addresses(), random).await
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
