//! Redis servers of a test's own, to be stopped, frozen and started again. Read by the tests of the library and by those
//! that put whole instances together.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::interval;

/// What the environment says, which in CI it must.
pub fn required_in_ci(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    assert!(value.is_some() || std::env::var_os("CI").is_none(), "{variable} is not set");
    if value.is_none() {
        eprintln!("left out: {variable} is not set");
    }
    value
}

/// A server.
pub struct RedisServer {
    pub port: u16,
    program: PathBuf,
    settings: Vec<String>,
    folder: TempDir,
    child: Child,
}

impl RedisServer {
    /// An empty one, or `None` where there is no Redis to be had.
    pub async fn start() -> Option<Self> {
        Self::with(&[]).await
    }

    /// The same, with more settings.
    pub async fn with(settings: &[&str]) -> Option<Self> {
        let program = PathBuf::from(required_in_ci("BELFRY_TEST_REDIS_SERVER")?);
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        for _ in 0..20 {
            // Free now. Where somebody else is faster, or the port is too high for a node of a cluster, which has a second
            // one ten thousand above, the server ends, and another port is tried.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let (program, settings, folder) = (program.clone(), settings.clone(), tempfile::tempdir().unwrap());
            let child = spawn(&program, port, &folder, &settings);
            let mut server = Self { port, program, settings, folder, child };
            if server.is_there().await {
                return Some(server);
            }
        }
        panic!("no Redis started");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was.
    pub async fn start_again(&mut self) {
        self.child = spawn(&self.program, self.port, &self.folder, &self.settings);
        assert!(self.is_there().await, "Redis did not start again");
    }

    /// It is there and does nothing any more.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// It goes on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// What it answers to a command, a line for each part.
    pub fn ask(&self, command: &[&str]) -> String {
        let port = self.port.to_string();
        let mut client = Command::new(self.program.with_file_name("redis-cli"));
        let output = client.args(["-h", "127.0.0.1", "-p", &port]).args(command).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Channels that somebody is subscribed to, those on which instances talk to themselves left out.
    pub fn channels(&self) -> usize {
        self.ask(&["PUBSUB", "SHARDCHANNELS"])
            .lines()
            .filter(|name| !name.is_empty() && !name.contains("probe"))
            .count()
    }

    async fn is_there(&mut self) -> bool {
        let mut looks = interval(Duration::from_millis(10));
        for _ in 0..1_000 {
            looks.tick().await;
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if self.ask(&["PING"]).trim() == "PONG" {
                return true;
            }
        }
        false
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &PathBuf, port: u16, folder: &TempDir, settings: &[String]) -> Child {
    let mut server = Command::new(program);
    server.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()]);
    server.arg("--dir").arg(folder.path()).args(settings);
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}
