//! The bus over a cluster of Redis: the contract, slots that move, a node that is killed.

use super::testing::server::RedisServer;
use super::testing::{connected, ends, is_up, pair, until};
use crate::bus::Bus;
use crate::bus::conformance::{self, Ends, event, events, room, seqs};
use crate::bus::tally_conformance;
use crate::model::Channel;

/// Three nodes with a third of the slots each.
struct Cluster {
    nodes: Vec<RedisServer>,
}

impl Cluster {
    async fn start() -> Option<Self> {
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(RedisServer::with(&["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]).await?);
        }
        let cluster = Self { nodes };
        for (at, node) in cluster.nodes.iter().enumerate() {
            let (first, last) = (at * 5_462, ((at + 1) * 5_462 - 1).min(16_383));
            node.ask(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
            node.ask(&["CLUSTER", "MEET", "127.0.0.1", &cluster.nodes[0].port.to_string()]);
        }
        cluster.agrees().await;
        Some(cluster)
    }

    async fn agrees(&self) {
        until("the nodes to agree", || {
            self.nodes.iter().all(|node| {
                let info = node.ask(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })
        })
        .await;
    }

    fn url(&self) -> String {
        let others = self.nodes[1..].iter().map(|node| format!("node=127.0.0.1:{}", node.port));
        let others = others.collect::<Vec<_>>().join("&");
        format!("redis-cluster://127.0.0.1:{}?{others}", self.nodes[0].port)
    }

    /// The node that has the slot of a channel of Redis, and the slot.
    fn owner(&self, name: &str) -> (usize, String) {
        let slot = self.nodes[0].ask(&["CLUSTER", "KEYSLOT", name]).trim().to_owned();
        let has = |node: &RedisServer| node.ask(&["PUBSUB", "SHARDCHANNELS", name]).contains(name);
        (self.nodes.iter().position(has).unwrap(), slot)
    }

    /// Gives a slot from one node to another, as at the end of a migration.
    fn give(&self, slot: &str, from: usize, to: usize) {
        let id = self.nodes[to].ask(&["CLUSTER", "MYID"]);
        for node in [to, from, 3 - to - from] {
            assert_eq!(self.nodes[node].ask(&["CLUSTER", "SETSLOT", slot, "NODE", id.trim()]).trim(), "OK");
        }
    }

    fn channels(&self) -> usize {
        self.nodes.iter().map(RedisServer::channels).sum()
    }
}

#[tokio::test]
async fn a_cluster_keeps_the_contract() {
    let Some(cluster) = Cluster::start().await else { return };
    let url = cluster.url();
    let two = async || {
        let (a, b) = ends(&url).await;
        let ends: Ends = (a, b);
        ends
    };
    conformance::clauses!(in turn two);
}

#[tokio::test]
async fn a_cluster_counts_as_one_redis_does() {
    let Some(cluster) = Cluster::start().await else { return };
    let url = cluster.url();
    let two = async || {
        let (a, b) = ends(&url).await;
        let ends: tally_conformance::Ends = (a, b);
        ends
    };
    tally_conformance::clauses!(in turn two);
    let keys = |node: &RedisServer| node.ask(&["DBSIZE"]).trim().trim_start_matches("(integer) ").parse::<u32>();
    let spread: Vec<u32> = cluster.nodes.iter().map(|node| keys(node).unwrap()).collect();
    assert!(spread.iter().sum::<u32>() >= 6, "{spread:?}");
}

#[tokio::test]
async fn subscriptions_are_spread_over_the_nodes_and_none_stays_behind() {
    let Some(cluster) = Cluster::start().await else { return };
    let (_a, b, _incoming) = pair(&cluster.url()).await;
    let rooms: Vec<Channel> = (1..=300).map(room).collect();
    b.subscribe(&rooms).await.unwrap();
    assert_eq!(cluster.channels(), 300);
    assert!(cluster.nodes.iter().all(|node| node.channels() > 50));
    b.unsubscribe(&rooms[1..]).await;
    until("all but one to be left", || cluster.channels() == 1).await;
}

#[tokio::test]
async fn a_channel_is_heard_again_after_its_slot_has_moved() {
    let Some(cluster) = Cluster::start().await else { return };
    let (a, b, mut incoming) = pair(&cluster.url()).await;
    b.subscribe(&[room(1), room(2)]).await.unwrap();
    let name = super::wire::name(&b.shared.epoch.get(), room(1));
    let (from, slot) = cluster.owner(&name);
    let to = (from + 1) % 3;
    cluster.give(&slot, from, to);
    assert_eq!(seqs(&mut incoming, 1).await, [None]);
    assert!(cluster.nodes[to].ask(&["PUBSUB", "SHARDCHANNELS", &name]).contains(&name));
    connected(&a).await;
    a.publish(event(room(1), 7));
    assert_eq!(events(&mut incoming, 1).await, [(room(1), 7)]);
}

#[tokio::test]
async fn after_a_node_was_killed_and_is_back_everything_is_heard_again() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let (a, b, mut incoming) = pair(&cluster.url()).await;
    let rooms: Vec<Channel> = (1..=100).map(room).collect();
    b.subscribe(&rooms).await.unwrap();
    cluster.nodes[1].kill();
    until("the loss to be noticed", || !is_up(&a) && !is_up(&b)).await;
    assert!(b.subscribe(&[room(101)]).await.is_err());
    cluster.nodes[1].start_again().await;
    cluster.agrees().await;
    assert_eq!(seqs(&mut incoming, 1).await, [None]);
    connected(&a).await;
    assert_eq!(cluster.channels(), 101);
    (1..=101).for_each(|id| a.publish(event(room(id), 3)));
    assert_eq!(events(&mut incoming, 101).await.len(), 101);
}
