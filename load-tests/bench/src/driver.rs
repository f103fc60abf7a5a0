//! Everything in turns, server and generator each on a core of their own, and one table at the end.

use crate::arguments::{Arguments, Failure};
use crate::http::Http;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SERVER_CORE: &str = "0";
const LOAD_CORE: &str = "1";

/// Runs all; `--belfry` is the binary, `--data` an empty folder.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let belfry: PathBuf = arguments.need("belfry")?;
    let data: PathBuf = arguments.need("data")?;
    let sizes: String = arguments.or("subscribers", "100,1000,10000".into())?;
    let rounds: usize = arguments.or("rounds", 2)?;
    let idle: usize = arguments.or("idle", 10_000)?;
    let codec: String = arguments.or("codec", "json".into())?;
    arguments.done()?;
    if std::thread::available_parallelism()?.get() < 2 {
        return Err("server and generator need a core each".into());
    }
    let sizes: Vec<usize> = sizes.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let most = sizes.iter().copied().max().unwrap_or(0).max(idle) + 1;
    let mut bench = Bench::prepare(belfry, data, most, codec)?;
    for round in 1..=rounds {
        for size in &sizes {
            for mode in ["one", "burst"] {
                eprintln!("round {round}: {size} subscribers, {mode}");
                bench.measure("floor", *size, mode, "signal")?;
                bench.measure("belfry", *size, mode, "signal")?;
                if *size == 1_000 {
                    bench.measure("belfry", *size, mode, "rest")?;
                }
            }
        }
    }
    let table = bench.table();
    if idle > 0 {
        eprintln!("{idle} idle sockets");
        let result = bench.once("belfry", idle, "idle", "signal")?;
        println!("\n{idle} idle sockets, signed in, in a room and on their own channel, a heartbeat each 10 s:");
        println!("{result}");
    }
    if sizes.contains(&1_000) {
        eprintln!("comments to 1000 viewers");
        let result = bench.once("belfry", 1_000, "comments", "signal")?;
        println!("\n50 comments a second over a socket, seen by 1,000 (generator on one core included):\n{result}");
    }
    println!("\nCPU of the server, user and system, in µs per delivered message (lowest of {rounds}):\n{table}");
    Ok(())
}

/// What all measurements share.
struct Bench {
    belfry: PathBuf,
    data: PathBuf,
    codec: String,
    room: u64,
    key: String,
    found: BTreeMap<(usize, String, String), Vec<Value>>,
}

/// A server under measurement; dropped, it is ended.
pub struct Running(Child, SocketAddr);

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.1
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Bench {
    /// People, their tokens, an API key and a room.
    fn prepare(belfry: PathBuf, data: PathBuf, people: usize, codec: String) -> Result<Self, Failure> {
        let mut bench = Self { belfry, data, codec, room: 0, key: String::new(), found: BTreeMap::new() };
        let server = bench.serve("10s")?;
        eprintln!("{people} people and their tokens");
        let tokens = bench.print(&["token", "--name", "Bench", "--count", &people.to_string(), "--ttl", "12h"])?;
        let first = tokens.lines().next().ok_or("no token was printed")?.to_owned();
        std::fs::write(bench.tokens(), tokens)?;
        bench.key = bench.print(&["token", "--api-key", "bench"])?.trim().to_owned();
        let mut http = Http::connect(server.1, &first)?;
        http.send("/posts", &json!({"title": "a room for measuring", "body": "of any size"}))?;
        bench.room = http.receive()?["id"].as_u64().ok_or("a post without an id")?;
        Ok(bench)
    }

    fn tokens(&self) -> PathBuf {
        self.data.join("tokens")
    }

    fn command(&self, program: &Path, core: Option<&str>) -> Command {
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", core]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.env("BELFRY_DATA", self.data.join("belfry")).env("BELFRY_RATE_LIMITS", "off");
        command.env("BELFRY_LISTEN", "127.0.0.1:0").env("BELFRY_METRICS_LISTEN", "off").env("RUST_LOG", "warn");
        command
    }

    fn print(&self, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.command(&self.belfry, None).args(arguments).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("belfry {arguments:?}: {}", output.status).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn serve(&self, heartbeat: &str) -> Result<Running, Failure> {
        let mut command = self.command(&self.belfry, Some(SERVER_CORE));
        command.arg("serve").env("BELFRY_HEARTBEAT", heartbeat);
        listening(command)
    }

    fn floor(&self, subscribers: usize) -> Result<Running, Failure> {
        let mut command = self.command(&std::env::current_exe()?, Some(SERVER_CORE));
        command.args(["floor", "--subscribers", &subscribers.to_string()]);
        listening(command)
    }

    fn once(&self, target: &str, subscribers: usize, mode: &str, publish: &str) -> Result<Value, Failure> {
        let floor = target == "floor";
        // Two and a half of the heartbeats; where nothing is idle, they shall not be in the way.
        let (heartbeat, seconds) = if mode == "idle" { ("10s", "25") } else { ("60s", "20") };
        let server = if floor { self.floor(subscribers)? } else { self.serve(heartbeat)? };
        let mut load = self.command(&std::env::current_exe()?, Some(LOAD_CORE));
        load.arg("load").args(["--address", &server.1.to_string(), "--pid", &server.0.id().to_string()]);
        load.args(["--subscribers", &subscribers.to_string(), "--mode", mode, "--publish", publish]);
        load.args(["--seconds", seconds, "--codec", &self.codec, "--room", &self.room.to_string()]);
        if !floor {
            load.arg("--tokens").arg(self.tokens()).args(["--api-key", &self.key]);
        }
        let output = load.stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("{target}, {subscribers} subscribers, {mode}: the load failed").into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn measure(&mut self, target: &str, subscribers: usize, mode: &str, publish: &str) -> Result<(), Failure> {
        let result = self.once(target, subscribers, mode, publish)?;
        eprintln!("  {target} {publish}: {result}");
        let way = if target == "floor" { target.to_owned() } else { format!("{target} {publish}") };
        self.found.entry((subscribers, mode.to_owned(), way)).or_default().push(result);
        Ok(())
    }

    /// One line for each way, with the ratio to the floor of the same run. Noise only adds, so the lowest counts.
    fn table(&self) -> String {
        let lowest = |subscribers: usize, mode: &str, way: &str| {
            let results = self.found.get(&(subscribers, mode.to_owned(), way.to_owned()))?;
            results.iter().filter_map(|result| result["cpu_us"].as_f64()).min_by(f64::total_cmp)
        };
        let mut table = format!(
            "{:>11}  {:<6} {:<14} {:>8} {:>8} {:>12} {:>6}\n",
            "subscribers", "mode", "", "µs", "× floor", "delivered/s", "lost"
        );
        for ((subscribers, mode, way), results) in &self.found {
            let cost = lowest(*subscribers, mode, way).unwrap_or(f64::NAN);
            let floor = lowest(*subscribers, mode, "floor").unwrap_or(f64::NAN);
            let lost: u64 = results.iter().filter_map(|result| result["lost"].as_u64()).sum();
            let rate = results.iter().filter_map(|result| result["per_second"].as_f64()).fold(0.0, f64::max);
            table += &format!(
                "{subscribers:>11}  {mode:<6} {way:<14} {cost:>8.3} {:>8.2} {rate:>12.0} {lost:>6}\n",
                cost / floor
            );
        }
        table
    }
}

/// A program on the core of servers.
pub fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", SERVER_CORE]).arg(program);
    command
}

/// Starts a server and waits for its line.
pub fn listening(mut command: Command) -> Result<Running, Failure> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().ok_or("a server without stdout")?;
    for line in BufReader::new(stdout).lines() {
        if let Some(address) = line?.strip_prefix("listening on http://") {
            return Ok(Running(child, address.parse()?));
        }
    }
    let _ = child.kill();
    Err(format!("a server ended before it listened: {}", child.wait()?).into())
}
