//! Which servers there are, in which way each is published to, and how it is started. What it takes to speak to one
//! stands in `dialect`; what it takes to install one, in `.ci/peers`.

use crate::arguments::Failure;
use crate::server::{Running, at, free, listening, pinned};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A way for a message to reach everybody: a server, and how it is published to.
pub struct Way {
    /// Its name in `--ways` and in results.
    pub name: &'static str,
    /// Its name in tables.
    pub label: &'static str,
    /// The server.
    pub server: &'static str,
    /// `--dialect` and `--publish` of the load.
    pub speaks: (&'static str, &'static str),
}

/// All of them, in the order of tables.
pub const WAYS: [Way; 10] = [
    way("floor", "floor: a loop of `send(2)`", "floor", ("plain", "socket")),
    way("belfry", "**Belfry**, `signal`", "belfry", ("belfry", "signal")),
    way("belfry-publish", "**Belfry**, `/publish`, committed", "belfry", ("belfry", "rest")),
    way("uws", "uWebSockets.js", "uws", ("plain", "socket")),
    way("nchan", "Nchan", "nchan", ("nchan", "http")),
    way("ws", "ws", "ws", ("plain", "socket")),
    way("nats", "NATS", "nats", ("nats", "socket")),
    way("socket.io", "Socket.IO", "socket.io", ("socket.io", "socket")),
    way("centrifugo", "Centrifugo", "centrifugo", ("centrifugo", "socket")),
    way("centrifugo-http", "Centrifugo, HTTP API", "centrifugo", ("centrifugo", "http")),
];

/// What is measured where nothing else is asked for.
pub const USUAL: &str = "floor,belfry,belfry-publish,uws,nchan,ws,nats,socket.io,centrifugo";

const fn way(
    name: &'static str,
    label: &'static str,
    server: &'static str,
    speaks: (&'static str, &'static str),
) -> Way {
    Way { name, label, server, speaks }
}

/// The folder that `.ci/peers` fills.
pub struct Peers {
    folder: PathBuf,
    /// Server and version.
    pub versions: BTreeMap<String, String>,
    /// Server and why it is not here.
    pub missing: BTreeMap<String, String>,
}

impl Peers {
    /// Reads what is there; without a folder that is nothing.
    pub fn read(folder: Option<PathBuf>) -> Result<Self, Failure> {
        let mut peers = Self { folder: PathBuf::new(), versions: BTreeMap::new(), missing: BTreeMap::new() };
        let Some(folder) = folder else {
            let others = WAYS.iter().filter(|way| !["floor", "belfry"].contains(&way.server));
            peers.missing = others.map(|way| (way.server.to_owned(), "`.ci/peers` was not run".to_owned())).collect();
            return Ok(peers);
        };
        let state = std::fs::read_to_string(folder.join("state"))
            .map_err(|error| format!("{}: {error}; run .ci/peers", folder.display()))?;
        for line in state.lines() {
            let mut words = line.splitn(3, '\t').map(str::to_owned);
            let (Some(name), Some(is), Some(text)) = (words.next(), words.next(), words.next()) else { continue };
            if is == "here" { &mut peers.versions } else { &mut peers.missing }.insert(name, text);
        }
        peers.folder = folder.canonicalize()?;
        Ok(peers)
    }

    /// Starts a server that is here, with a folder for what it writes and seconds between two heartbeats.
    pub fn start(&self, server: &str, data: &Path, heartbeat: u64) -> Result<Running, Failure> {
        let [address, plain] = free()?;
        let fill = |file: &str| self.fill(file, data, heartbeat, address, plain);
        match server {
            "nchan" => {
                let mut command = self.command("nginx");
                command.arg("-p").arg(data).args(["-e", "stderr", "-c"]).arg(fill("nginx.conf")?);
                at(command, address)
            }
            "nats" => {
                let mut command = self.command("nats-server");
                command.arg("-c").arg(fill("nats.conf")?).stderr(Stdio::null());
                at(command, address)
            }
            "centrifugo" => {
                let mut command = self.command("centrifugo");
                command.arg("-c").arg(fill("centrifugo.json")?);
                at(command, address)
            }
            name => {
                let mut command = pinned(Path::new("node"));
                command.arg(self.folder.join(format!("{name}.mjs"))).env("HEARTBEAT_SECONDS", heartbeat.to_string());
                command.env("NODE_ENV", "production");
                listening(command)
            }
        }
    }

    fn command(&self, program: &str) -> Command {
        pinned(&self.folder.join("bin").join(program))
    }

    /// Writes a configuration whose gaps are filled.
    fn fill(
        &self,
        file: &str,
        data: &Path,
        heartbeat: u64,
        address: SocketAddr,
        plain: SocketAddr,
    ) -> Result<PathBuf, Failure> {
        let module = self.folder.join("bin/ngx_nchan_module.so");
        let gaps = [
            ("{port}", address.port().to_string()),
            ("{plain}", plain.port().to_string()),
            ("{folder}", data.display().to_string()),
            ("{module}", module.display().to_string()),
            ("{heartbeat}", heartbeat.to_string()),
            // Less than a heartbeat, as Centrifugo asks.
            ("{pong}", (heartbeat - 1).to_string()),
        ];
        let mut text = std::fs::read_to_string(self.folder.join(file))?;
        for (gap, value) in gaps {
            text = text.replace(gap, &value);
        }
        let path = data.join(file);
        std::fs::write(&path, text)?;
        Ok(path)
    }
}
