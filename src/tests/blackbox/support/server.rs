//! A server as a process: started on a port of its own, killed, restarted on the same port and data.

use super::{PATIENCE, within};
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The binary under test.
pub fn binary() -> PathBuf {
    std::env::var_os("BELFRY_BIN").map_or_else(|| env!("CARGO_BIN_EXE_belfry").into(), PathBuf::from)
}

/// A loopback address that no other server of this run has.
///
/// A client that reconnects to a port where nobody listens can be given that very port as its source, and then keeps
/// the server from it; to another loopback address it cannot.
fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let index = NEXT.fetch_add(1, Ordering::Relaxed);
    Ipv4Addr::new(127, 1 + high % 200, low, 1 + (index % 250) as u8)
}

/// How a server is started, again and again.
#[derive(Clone)]
pub struct Setup {
    /// Its data folder, gone with the last copy of this.
    pub folder: Arc<TempDir>,
    settings: Vec<(String, String)>,
    /// What the binary is run by, if anything: a program that becomes it.
    before: Vec<String>,
}

impl Setup {
    /// A fresh folder, metrics off, and these settings.
    pub fn new(settings: &[(&str, &str)]) -> Self {
        let folder = Arc::new(tempfile::Builder::new().prefix("belfry-test-").tempdir().unwrap());
        let data = folder.path().join("data");
        let mut setup = Self { folder, settings: Vec::new(), before: Vec::new() };
        setup.set("BELFRY_DATA", data.to_str().unwrap());
        setup.set("BELFRY_METRICS_LISTEN", "off");
        setup.set("BELFRY_LISTEN", &format!("{}:0", own_address()));
        // No balancer looks, and nobody is spared: what these make slower is the tests.
        for at_once in ["BELFRY_DRAIN_DELAY", "BELFRY_DRAIN_WINDOW", "BELFRY_RESYNC_WINDOW"] {
            setup.set(at_once, "0s");
        }
        for (name, value) in settings {
            setup.set(name, value);
        }
        setup
    }

    /// Sets one setting, in place of an earlier value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Has the binary run by a program that becomes it, and its arguments.
    pub fn behind(&mut self, program: &[&str]) {
        self.before = program.iter().map(|word| (*word).to_owned()).collect();
    }

    /// A command of the binary with these settings and no others.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut words = self.before.iter().map(Into::into).chain([binary().into_os_string()]);
        let mut command = Command::new(words.next().expect("at least the binary"));
        command.args(words).args(arguments).env_clear().envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.env("RUST_BACKTRACE", "1").current_dir(self.folder.path()).kill_on_drop(true);
        for name in ["PATH", "RUST_LOG", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    /// Runs a subcommand to its end: exit code, stdout, stderr. One that does not end is killed, and has no exit code.
    pub async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = self.command(arguments).stderr(Stdio::piped()).output();
        let Ok(output) = tokio::time::timeout(PATIENCE, output).await else {
            return (None, String::new(), format!("still there after {PATIENCE:?}"));
        };
        let output = output.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Tokens of `{name} 1` … `{name} count`, in order.
    pub async fn tokens(&self, name: &str, count: usize) -> Vec<String> {
        self.printed(&["token", "--name", name, "--count", &count.to_string(), "--ttl", "1h"], count).await
    }

    /// One token of one person.
    pub async fn token(&self, name: &str) -> String {
        self.printed(&["token", "--name", name, "--ttl", "1h"], 1).await.remove(0)
    }

    /// An API key with every scope.
    pub async fn api_key(&self) -> String {
        self.printed(&["token", "--api-key", "test"], 1).await.remove(0)
    }

    async fn printed(&self, arguments: &[&str], lines: usize) -> Vec<String> {
        let (code, stdout, stderr) = self.run(arguments).await;
        assert_eq!(code, Some(0), "belfry {arguments:?}: {stderr}");
        let printed: Vec<String> = stdout.lines().map(str::to_owned).collect();
        assert_eq!(printed.len(), lines, "belfry {arguments:?} prints tokens and nothing else: {stdout}");
        printed
    }

    /// Starts a server and waits until it listens.
    pub async fn start(&self) -> Server {
        let log = self.folder.path().join("server.log");
        let stderr = File::options().create(true).append(true).open(&log).unwrap();
        let mut child = self.command(&["serve"]).stderr(stderr).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut started = Vec::new();
        let address = loop {
            // Far longer than the rest: a start may have to replay a log that a kill left behind.
            match within(PATIENCE * 4, "the server to listen", stdout.next_line()).await.unwrap() {
                Some(line) => {
                    started.push(line.clone());
                    if let Some(address) = line.strip_prefix("listening on http://") {
                        break address.trim_end_matches('/').parse().unwrap();
                    }
                }
                None => panic!("the server ended ({:?}) before it listened:\n{}", child.wait().await, tail(&log)),
            }
        };
        Server { child, address, started, log, stdout, _folder: Arc::clone(&self.folder) }
    }
}

/// A running server; dropped, it is killed.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it printed up to and with `listening on`.
    pub started: Vec<String>,
    log: PathBuf,
    stdout: Lines<BufReader<ChildStdout>>,
    _folder: Arc<TempDir>,
}

impl Server {
    /// A fresh server in a fresh folder, beside how to start it again.
    pub async fn fresh(settings: &[(&str, &str)]) -> (Setup, Self) {
        let mut setup = Setup::new(settings);
        let server = setup.start().await;
        setup.set("BELFRY_LISTEN", &server.address.to_string());
        (setup, server)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the server runs")
    }

    /// `kill -9`, and gone when this returns.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Sends a signal by name.
    pub async fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status().await.unwrap();
        assert!(status.success());
    }

    /// Waits for the end; what stdout said after `listening on` comes with it.
    pub async fn ended(&mut self) -> (ExitStatus, Vec<String>) {
        let mut rest = Vec::new();
        while let Some(line) = within(PATIENCE, "the end of stdout", self.stdout.next_line()).await.unwrap() {
            rest.push(line);
        }
        (within(PATIENCE, "the server to end", self.child.wait()).await.unwrap(), rest)
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- end of the server's log\n{}---", tail(&self.log));
        }
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].iter().flat_map(|line| [line, "\n"]).collect()
}
