//! A Postgres and a Redis of one's own, as processes that can be killed, frozen and started again.

use sqlx::{Connection, PgConnection};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// How long a service may take to answer after its start.
const START: Duration = Duration::from_secs(30);

/// A service in a process group of its own; killed when dropped.
pub struct Service {
    /// Where it listens.
    pub address: SocketAddr,
    start: Box<dyn Fn() -> Command + Send + Sync>,
    child: Option<Child>,
    group: i32,
}

impl Service {
    async fn start(address: SocketAddr, start: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        let mut service = Self { address, start: Box::new(start), child: None, group: 0 };
        service.start_again().await;
        service
    }

    /// Starts it once more, on the same port and data, and waits until it accepts connections.
    pub async fn start_again(&mut self) {
        let mut command = (self.start)();
        command.as_std_mut().process_group(0);
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        self.group = child.id().unwrap() as i32;
        self.child = Some(child);
        let answers = async {
            let mut looks = tokio::time::interval(Duration::from_millis(20));
            while TcpStream::connect(self.address).await.is_err() {
                looks.tick().await;
            }
        };
        tokio::time::timeout(START, answers).await.expect("a service that starts");
    }

    /// Sends a signal to it and to all its children.
    pub async fn signal(&self, name: &str) {
        let group = format!("-{}", self.group);
        let status = Command::new("kill").args([&format!("-{name}"), "--", &group]).status().await.unwrap();
        assert!(status.success(), "kill -{name}");
    }

    /// Ends it by a signal and waits until it is gone.
    pub async fn end(&mut self, signal: &str) {
        self.signal(signal).await;
        if let Some(mut child) = self.child.take() {
            tokio::time::timeout(START, child.wait()).await.expect("a service that ends").unwrap();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The children of Postgres too, frozen or not.
        let group = format!("-{}", self.group);
        let _ = std::process::Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    }
}

/// A port that nobody listens on now.
fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

fn folder(name: &str) -> TempDir {
    tempfile::Builder::new().prefix(&format!("belfry-faults-{name}-")).tempdir().unwrap()
}

/// A Redis without persistence: killed, it comes back empty.
pub async fn redis() -> (Service, TempDir) {
    let folder = folder("redis");
    let (address, place) = (free_address(), folder.path().to_owned());
    let service = Service::start(address, move || {
        let mut command = Command::new("redis-server");
        command.args([
            "--port",
            &address.port().to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.arg("--dir").arg(&place).stdout(Stdio::null());
        command
    })
    .await;
    (service, folder)
}

/// A Postgres cluster.
pub struct Postgres {
    /// The server.
    pub service: Service,
    /// Its data.
    pub folder: TempDir,
    bin: PathBuf,
}

impl Postgres {
    /// An empty cluster with a role `belfry` that owns a database of the same name. Durable, as in production.
    pub async fn start() -> Self {
        let bin = bin();
        let folder = folder("postgres");
        let data = folder.path().join("data");
        if root() {
            done(Command::new("chown").arg("postgres").arg(folder.path())).await;
        }
        let mut initdb = as_server(&bin.join("initdb"));
        initdb.arg("--pgdata").arg(&data);
        done(initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])).await;
        let address = free_address();
        let service = Service::start(address, {
            let (program, socket) = (bin.join("postgres"), folder.path().to_owned());
            move || {
                let mut command = as_server(&program);
                command.arg("-D").arg(&data).arg("-k").arg(&socket).args(["-h", "127.0.0.1"]);
                command.args(["-p", &address.port().to_string(), "-c", "shared_buffers=64MB"]);
                command.args(["-c", "max_connections=60", "-c", "logging_collector=off"]).stderr(Stdio::null());
                command
            }
        })
        .await;
        let postgres = Self { service, folder, bin };
        postgres.ready().await;
        postgres.say("postgres", "create role belfry login createdb").await;
        postgres.say("postgres", "create database belfry owner belfry").await;
        postgres
    }

    /// Waits until statements are taken: a port that is open is not yet a server that is ready.
    pub async fn ready(&self) {
        let answers = async {
            let mut looks = tokio::time::interval(Duration::from_millis(20));
            loop {
                looks.tick().await;
                let asked =
                    self.psql("postgres", "select 1").stdout(Stdio::null()).stderr(Stdio::null()).status().await;
                if asked.is_ok_and(|status| status.success()) {
                    return;
                }
            }
        };
        tokio::time::timeout(START, answers).await.expect("a Postgres that takes statements");
    }

    /// Carries out a statement as the superuser.
    pub async fn say(&self, database: &str, statement: &str) {
        done(&mut self.psql(database, statement)).await;
    }

    /// A number that a statement answers.
    pub async fn ask(&self, statement: &str) -> i64 {
        let output = self.psql("belfry", statement).args(["--tuples-only", "--no-align"]).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().parse().unwrap_or_else(|_| panic!("{statement}: {text:?}"))
    }

    /// Ends every connection to the database but this one.
    pub async fn disconnect(&self) {
        let all = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'belfry'";
        let mut psql = self.psql("postgres", all);
        done(psql.stdout(Stdio::null())).await;
    }

    /// Takes connections until there are none left but those kept for the superuser; they are given back when dropped.
    pub async fn take_connections(&self) -> Vec<PgConnection> {
        let url = Self::url(self.service.address);
        let mut taken = Vec::new();
        while let Ok(connection) = PgConnection::connect(&url).await {
            taken.push(connection);
        }
        taken
    }

    /// Runs one of Postgres' programs with these arguments, as the superuser of this cluster.
    pub async fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.bin.join(program));
        let port = self.service.address.port().to_string();
        done(command.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &port]).args(arguments)).await;
    }

    fn psql(&self, database: &str, statement: &str) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        let port = self.service.address.port().to_string();
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-d", database, "-p", &port]);
        command.args(["--quiet", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        command
    }

    /// The URL by which a client reaches the database over this address.
    pub fn url(address: SocketAddr) -> String {
        format!("postgres://belfry@{address}/belfry")
    }
}

fn root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// Postgres refuses to run as root; setpriv replaces itself, so that the process is the server's own.
fn as_server(program: &Path) -> Command {
    if !root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    command
}

fn bin() -> PathBuf {
    if let Some(bin) = std::env::var_os("POSTGRES_BIN") {
        return bin.into();
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("install postgresql or set POSTGRES_BIN");
    let mut found: Vec<PathBuf> = versions.map(|version| version.unwrap().path().join("bin")).collect();
    found.sort();
    found.pop().expect("install postgresql or set POSTGRES_BIN")
}

async fn done(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
