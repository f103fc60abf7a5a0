//! A connection to Redis that is used until it breaks and never again: what becomes of it is seen at once, nothing is sent
//! twice behind our back, and a new one begins with everything subscribed anew.

use crate::bus::BusError;
use fred::clients::Client;
use fred::interfaces::{ClientLike, ClusterInterface};
use fred::types::Value;
use fred::types::config::{Config, ConnectionConfig, PerformanceConfig, TcpConfig, UnresponsiveConfig};
use fred::types::{Builder, RespVersion};
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// Time for an answer. Redis answers within milliseconds: after this it is frozen or gone, and the sweep carries anyway.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// How often a connection is looked at for answers that are overdue; at most half of [`PATIENCE`].
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Arrivals fred keeps for us. Its default of 32 loses bursts; more than this would only hide that we are too slow. Fred
/// sets aside room for so many of each kind of news, a few hundred bytes each.
const READ_AHEAD: usize = 4_096;
/// Commands that may wait within fred: a batch of either kind and what stands beside it.
const MOST_COMMANDS: usize = 4_096;

/// An address of Redis, read.
#[derive(Clone)]
pub struct Address(Config);

impl Address {
    /// Reads `redis://[[user:]password@]host[:port]` or `redis-cluster://…[?node=host:port&node=…]`. The complaint does not
    /// repeat the address, which may hold a password.
    pub fn read(url: &str) -> Result<Self, BusError> {
        let config = if url.starts_with("redis-cluster://") {
            Config::from_url_clustered(url)
        } else if url.starts_with("redis://") {
            Config::from_url_centralized(url)
        } else {
            return Err(BusError("an address begins with redis:// or redis-cluster://".into()));
        };
        let mut config = config.map_err(|_| BusError("the address cannot be read".into()))?;
        // Answers and messages of one connection are told apart only in the newer version.
        config.version = RespVersion::RESP3;
        Ok(Self(config))
    }

    /// Whether it is a cluster's.
    pub fn is_cluster(&self) -> bool {
        self.0.server.is_clustered()
    }
}

/// A connection; of a cluster, one to each of its nodes.
pub struct Link {
    /// What commands are sent through.
    pub client: Client,
    running: AbortOnDropHandle<Result<(), fred::error::Error>>,
}

impl Link {
    /// Begins to connect; commands wait until that is done. Without a policy fred does not connect again by itself.
    pub fn open(address: &Address) -> Result<Self, BusError> {
        let client = Builder::from_config(address.0.clone())
            .with_performance_config(|performance: &mut PerformanceConfig| {
                performance.default_command_timeout = PATIENCE;
                performance.broadcast_channel_capacity = READ_AHEAD;
            })
            .with_connection_config(|connection: &mut ConnectionConfig| {
                connection.connection_timeout = PATIENCE;
                connection.internal_command_timeout = PATIENCE;
                connection.max_command_attempts = 1;
                connection.max_command_buffer_len = MOST_COMMANDS;
                connection.unresponsive = UnresponsiveConfig { max_timeout: Some(PATIENCE), interval: LOOK_EVERY };
                connection.tcp = TcpConfig { nodelay: Some(true), ..TcpConfig::default() };
            })
            .build()
            .map_err(failed)?;
        let running = AbortOnDropHandle::new(client.connect());
        Ok(Self { client, running })
    }

    /// Completes when the connection is over.
    pub async fn ended(&mut self) -> BusError {
        match (&mut self.running).await {
            Ok(Err(error)) => failed(error),
            Ok(Ok(())) | Err(_) => BusError("the connection ended".into()),
        }
    }
}

/// Which node of a cluster has which slots, in a form that can be compared.
pub async fn slots(client: &Client) -> Result<Vec<(i64, i64, String)>, BusError> {
    let answer: Value = client.cluster_slots().await.map_err(failed)?;
    let mut slots: Vec<_> = answer.into_array().into_iter().filter_map(owned).collect();
    slots.sort_unstable();
    Ok(slots)
}

/// First and last slot of a range, and the id of the node that has it.
fn owned(range: Value) -> Option<(i64, i64, String)> {
    let range = range.into_array();
    let node = range.get(2)?.clone().into_array();
    Some((range.first()?.as_i64()?, range.get(1)?.as_i64()?, node.get(2)?.as_string()?))
}

/// What fred says of a failure, without what was sent.
pub fn failed(error: fred::error::Error) -> BusError {
    BusError(format!("{:?}: {}", error.kind(), error.details()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_one_server_or_of_a_cluster_and_a_complaint_keeps_its_password() {
        assert!(!Address::read("redis://:swordfish@bus:6380").unwrap().is_cluster());
        assert!(Address::read("redis-cluster://a:7000?node=b:7001&node=c:7002").unwrap().is_cluster());
        for bad in ["rediss://:swordfish@bus", "redis://:swordfish@bus:port", "http://bus", "redis://", ""] {
            let complaint = Address::read(bad).err().unwrap_or_else(|| panic!("{bad} was read")).to_string();
            assert!(!complaint.contains("swordfish"), "{complaint}");
        }
    }
}
