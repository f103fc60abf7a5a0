//! An instance in a network of its own, whose link goes down: nobody is told, and every socket is half open.

use super::fleet::{Fleet, Instance, Place};
use super::report::lasts;
use super::services::privileged;
use crate::client::Phase;
use crate::support::server::Server;
use crate::support::wire::{Codec, Socket};
use crate::support::within;
use serde_json::json;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// A network with one link to this one; gone when dropped.
struct Network {
    name: String,
    /// This end of the link, and the other.
    ends: [Ipv4Addr; 2],
}

impl Network {
    /// A network whose link is up. Addresses are of the range kept for measuring networks, which is routed nowhere.
    async fn new() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let [.., high, low] = std::process::id().to_be_bytes();
        let index = NEXT.fetch_add(1, Ordering::Relaxed) % 64;
        let name = format!("belfry{high:02x}{low:02x}{index:02x}");
        let host = |last| Ipv4Addr::new(198, 18 + high % 2, low, 4 * index + last);
        let network = Self { name, ends: [host(1), host(2)] };
        let (name, near) = (&network.name, network.near());
        let [here, there] = network.ends.map(|end| format!("{end}/30"));
        ip(&["netns", "add", name]).await;
        ip(&["link", "add", &near, "type", "veth", "peer", "name", "far", "netns", name]).await;
        ip(&["address", "add", &here, "dev", &near]).await;
        ip(&["-n", name, "address", "add", &there, "dev", "far"]).await;
        ip(&["link", "set", &near, "up"]).await;
        ip(&["-n", name, "link", "set", "far", "up"]).await;
        network
    }

    fn near(&self) -> String {
        self.name.replace("belfry", "bf")
    }

    /// Takes the link down, or up. It is the far end's, so that this one keeps its route and nothing strays.
    async fn link(&self, state: &str) {
        ip(&["-n", &self.name, "link", "set", "far", state]).await;
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = std::process::Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}

async fn ip(arguments: &[&str]) {
    privileged(Command::new("ip").args(arguments)).await;
}

/// Sockets of clients that a server in its own network holds, by the kernel's word: it cannot be asked.
fn held(server: &Server) -> usize {
    let port = format!(":{:04X}", server.address.port());
    let table = std::fs::read_to_string(format!("/proc/{}/net/tcp", server.pid())).unwrap();
    let fields = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    // Those that no process holds any more have no inode; the one that listens is in state 0A.
    fields.filter(|fields| fields[1].ends_with(&port) && fields[3] != "0A" && fields[9] != "0").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_is_kept_when_a_link_goes_down() {
    let network = Network::new().await;
    let mut fleet = Fleet::of(1, &[]).await;
    let [here, there] = network.ends;
    let place = Place { network: Some((network.name.clone(), there)), outside: Some(here) };
    let far = Instance::over(&fleet.postgres, &fleet.redis, place, &[]).await;
    fleet.instances.push(far);
    let traffic = fleet.traffic().await;
    // A socket is held while its command is carried out, which a database out of reach keeps for longer: none is.
    traffic.pause().await;
    let server = fleet.instances[1].server();
    let mut reader = Socket::open(server.address, Codec::Json).await;
    reader.ask(json!({"type": "connect"})).await;
    let before = held(server);
    network.link("down").await;
    let begun = Instant::now();
    // Silence of two heartbeats, looked at every second; two seconds for an answer to the Close.
    let gone = within(Duration::from_secs(15), "dead sockets to be let go", async {
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        while held(server) > 0 {
            looks.tick().await;
        }
        begun.elapsed()
    })
    .await;
    traffic.run.phase.send_replace(Phase::Writing);
    sleep(lasts(Duration::from_secs(2), Duration::from_secs(30))).await;
    network.link("up").await;
    traffic.flow(100).await;
    let mut report = fleet.settle(traffic).await;
    report.demand(gone <= Duration::from_secs(8), &format!("{before} dead sockets were held for {gone:?}"));
    // A client gives up after 10 s of silence and comes back; what it was owed the others had long before.
    let report = report.within(Duration::from_secs(20)).clean(&fleet.instances).await;
    report.verdict("an instance without network, its sockets half open");
}
