//! Everything in turns, servers and generator each on a core of their own, round after round.

use crate::arguments::{Arguments, Failure};
use crate::belfry::Belfry;
use crate::peers::{Peers, USUAL, WAYS, Way};
use crate::report;
use crate::results::{Results, machine};
use crate::server::{listening, loading, pinned};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;

/// Seconds between two heartbeats while messages are published, and while nothing else happens.
const HEARTBEAT: u64 = 25;
const IDLE_HEARTBEAT: u64 = 8;
/// The longest of a measurement, and two and a half of the idle heartbeats.
const SECONDS: u64 = 4;
const IDLE_SECONDS: u64 = 20;
/// Sockets in each of many rooms.
const ROOM: usize = 10;

/// What is measured.
struct Plan {
    ways: Vec<&'static Way>,
    sizes: Vec<usize>,
    rounds: usize,
    idle: usize,
    rooms: usize,
    rate: u32,
    codec: String,
}

/// A crowd in front of a fresh server, and what is measured of it.
struct Scene {
    subscribers: usize,
    rooms: usize,
    modes: String,
    heartbeat: u64,
    seconds: u64,
}

/// Runs all; `--belfry` is the binary, `--data` an empty folder, `--peers` what `.ci/peers` filled. Results are written to
/// `--results`, and from there into `--readme` and `--plots`.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let binary: PathBuf = arguments.need("belfry")?;
    let data: PathBuf = arguments.need("data")?;
    let peers = Peers::read(arguments.take("peers")?)?;
    let results: PathBuf = arguments.or("results", data.join("results.json"))?;
    let (readme, plots) = (arguments.take::<PathBuf>("readme")?, arguments.take::<PathBuf>("plots")?);
    let plan = Plan::take(arguments)?;
    arguments.done()?;
    if std::thread::available_parallelism()?.get() < 2 {
        return Err("server and generator need a core each".into());
    }
    let people = plan.sizes.iter().copied().chain([plan.idle, plan.rooms * ROOM]).max().unwrap_or(0) + 1;
    let belfry = Belfry::prepare(binary, &data, people, plan.rooms.max(1))?;
    let mut bench = Bench { belfry, peers, data, plan, measures: Vec::new(), failures: Vec::new() };
    bench.peers.versions.insert("belfry".into(), bench.belfry.version()?);
    for round in 1..=bench.plan.rounds {
        bench.round(round)?;
    }
    let found = Results(json!({
        "machine": machine(), "rounds": bench.plan.rounds, "rate": bench.plan.rate, "measures": bench.measures,
        "versions": bench.peers.versions, "missing": bench.peers.missing, "failures": bench.failures,
        "ways": bench.plan.ways.iter().map(|way| way.name).collect::<Vec<_>>(),
    }));
    found.write(&results)?;
    report::publish(&found, readme.as_deref(), plots.as_deref())
}

impl Plan {
    fn take(arguments: &mut Arguments) -> Result<Self, Failure> {
        let (ways, sizes): (String, String) =
            (arguments.or("ways", USUAL.into())?, arguments.or("subscribers", "100,1000,10000".into())?);
        let find = |name| WAYS.iter().find(|way| way.name == name).ok_or_else(|| format!("--ways: no {name}"));
        Ok(Self {
            ways: ways.split(',').map(find).collect::<Result<_, _>>()?,
            sizes: sizes.split(',').map(str::parse).collect::<Result<_, _>>()?,
            rounds: arguments.or("rounds", 3)?,
            idle: arguments.or("idle", 10_000)?,
            rooms: arguments.or("rooms", 1_000)?,
            rate: arguments.or("rate", 50)?,
            codec: arguments.or("codec", "both".into())?,
        })
    }

    /// What a way goes through in a round.
    fn scenes(&self, way: &Way, round: usize) -> Vec<Scene> {
        let scene = |subscribers, modes: &str| Scene {
            subscribers,
            rooms: 1,
            modes: modes.to_owned(),
            heartbeat: HEARTBEAT,
            seconds: SECONDS,
        };
        let mut scenes = Vec::new();
        for size in &self.sizes {
            let modes =
                if *size == 1_000 { format!("one,burst,rate:{},saturation", self.rate) } else { "one,burst".into() };
            scenes.push(scene(*size, &modes));
        }
        if self.rooms > 0 {
            scenes.push(Scene { rooms: self.rooms, ..scene(self.rooms * ROOM, "saturation") });
        }
        // Memory hardly differs between rounds, and depends on the server alone.
        if self.idle > 0 && round == 1 && way.name != "floor" && way.speaks.1 != "rest" {
            scenes.push(Scene { heartbeat: IDLE_HEARTBEAT, seconds: IDLE_SECONDS, ..scene(self.idle, "idle") });
        }
        scenes
    }
}

/// What all measurements share.
struct Bench {
    belfry: Belfry,
    peers: Peers,
    data: PathBuf,
    plan: Plan,
    measures: Vec<Value>,
    failures: Vec<String>,
}

impl Bench {
    /// Every way once, for each scene in turn, so that what is compared was measured at about the same time.
    fn round(&mut self, round: usize) -> Result<(), Failure> {
        let scenes: Vec<_> = self.plan.ways.iter().map(|way| (*way, self.plan.scenes(way, round))).collect();
        let most = scenes.iter().map(|(_, scenes)| scenes.len()).max().unwrap_or(0);
        for turn in 0..most {
            for (way, scenes) in &scenes {
                let Some(scene) = scenes.get(turn) else { continue };
                if self.peers.missing.contains_key(way.server) {
                    continue;
                }
                eprintln!("round {round}: {}, {} sockets, {}", way.name, scene.subscribers, scene.modes);
                self.note(way, round, scene)?;
            }
        }
        if round == 1 && self.plan.ways.iter().any(|way| way.server == "belfry") && self.plan.sizes.contains(&1_000) {
            eprintln!("comments to 1000 viewers");
            let comments = &Way { name: "belfry-comment", label: "", server: "belfry", speaks: ("belfry", "comment") };
            let modes = format!("rate:{}", self.plan.rate);
            let scene = Scene { subscribers: 1_000, rooms: 1, modes, heartbeat: HEARTBEAT, seconds: 20 };
            self.note(comments, round, &scene)?;
        }
        Ok(())
    }

    /// Measures, and keeps what came of it. One server's failure is told, and the others are still measured.
    fn note(&mut self, way: &Way, round: usize, scene: &Scene) -> Result<(), Failure> {
        let (lines, failure) = match self.measure(way, scene) {
            Ok(output) => {
                let told = String::from_utf8_lossy(&output.stderr);
                let failure = told.lines().last().unwrap_or("the load failed").to_owned();
                (String::from_utf8(output.stdout)?, (!output.status.success()).then_some(failure))
            }
            Err(error) => (String::new(), Some(error.to_string())),
        };
        // What was measured before a failure counts.
        for line in lines.lines() {
            eprintln!("  {line}");
            let mut measure: Value = serde_json::from_str(line)?;
            (measure["way"], measure["round"]) = (json!(way.name), json!(round));
            self.measures.push(measure);
        }
        if let Some(failure) = failure {
            eprintln!("  failed: {failure}");
            self.failures.push(format!("{}, {} sockets, round {round}: {failure}", way.name, scene.subscribers));
        }
        Ok(())
    }

    fn measure(&self, way: &Way, scene: &Scene) -> Result<Output, Failure> {
        let this = std::env::current_exe()?;
        let folder = self.data.join(way.server);
        let server = match way.server {
            "belfry" => self.belfry.serve(scene.heartbeat)?,
            "floor" => {
                let mut command = pinned(&this);
                command.args(["floor", "--subscribers", &scene.subscribers.to_string()]);
                listening(command)?
            }
            name => {
                std::fs::create_dir_all(&folder)?;
                self.peers.start(name, &folder.canonicalize()?, scene.heartbeat)?
            }
        };
        let mut load = loading(&this);
        load.arg("load").args(["--address", &server.address().to_string(), "--pid", &server.pid().to_string()]);
        load.args(["--dialect", way.speaks.0, "--publish", way.speaks.1, "--modes", &scene.modes]);
        load.args(["--subscribers", &scene.subscribers.to_string(), "--rooms", &scene.rooms.to_string()]);
        // Ten thousand sockets are owed as much by a smaller burst.
        load.args(["--seconds", &scene.seconds.to_string(), "--burst", &report::burst(scene.subscribers).to_string()]);
        if way.server == "belfry" {
            load.args(self.belfry.arguments(&self.plan.codec));
        }
        Ok(load.output()?)
    }
}
