//! A Postgres cluster of one's own.
//!
//! It is durable as in production. A killed process loses nothing that the kernel was given, so these faults would be
//! survived without; but commits that wait for a disk are what groups gather behind, and what a kill falls into.

use super::services::{Service, done, folder, free_address, root};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// How long a server may take to be ready after its start, a crash recovered from included.
const READY: Duration = Duration::from_secs(30);

/// A Postgres cluster with a role `belfry` that owns a database of the same name.
pub struct Postgres {
    /// The server.
    pub service: Service,
    /// The folder with its data.
    pub folder: PathBuf,
    _kept: Box<dyn Send + Sync>,
    bin: PathBuf,
}

impl Postgres {
    /// A fresh cluster.
    pub async fn start() -> Self {
        let folder = folder("postgres");
        let within = folder.path().to_owned();
        Self::start_in(folder, within).await
    }

    /// The same with its data in this folder, which is there as long as what is kept.
    pub async fn start_in(kept: impl Send + Sync + 'static, within: PathBuf) -> Self {
        let bin = bin();
        give(&within).await;
        let data = within.join("data");
        let template = template(&bin);
        let known = template.exists();
        if known {
            done(Command::new("cp").args(["--archive", "--reflink=auto"]).arg(&template).arg(&data)).await;
        } else {
            let mut initdb = as_server(&bin.join("initdb"));
            initdb.args(["--no-sync", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]);
            done(initdb.arg("--pgdata").arg(&data)).await;
        }
        let service = service(&bin, &within).await;
        let mut postgres = Self { service, folder: within, _kept: Box::new(kept), bin };
        postgres.ready().await;
        if !known {
            postgres.say("postgres", "create role belfry login createdb").await;
            postgres.say("postgres", "create database belfry owner belfry").await;
            postgres.keep_as(&template).await;
        }
        postgres
    }

    /// Keeps the cluster as it is for the next ones: to make one takes seconds, to copy one does not.
    async fn keep_as(&mut self, template: &Path) {
        self.service.end("INT").await;
        let copy = tempfile::tempdir_in(template.parent().expect("it stands in a folder")).unwrap();
        let data = copy.path().join("data");
        done(Command::new("cp").arg("--archive").arg(self.folder.join("data")).arg(&data)).await;
        // Where another test was faster, its copy is as good.
        let _ = std::fs::rename(&data, template);
        self.service.start_again().await;
        self.ready().await;
    }

    /// Waits until statements are taken: a port that is open is not yet a server that is ready.
    pub async fn ready(&self) {
        let answers = async {
            let mut looks = tokio::time::interval(Duration::from_millis(20));
            loop {
                looks.tick().await;
                let mut psql = self.psql("postgres", "select 1");
                let asked = psql.stdout(Stdio::null()).stderr(Stdio::null()).status().await;
                if asked.is_ok_and(|status| status.success()) {
                    return;
                }
            }
        };
        tokio::time::timeout(READY, answers).await.expect("a Postgres that takes statements");
    }

    /// Carries out a statement as the superuser.
    pub async fn say(&self, database: &str, statement: &str) {
        done(&mut self.psql(database, statement)).await;
    }

    /// Changes a setting of the whole server, for sessions that are open too.
    pub async fn set(&self, setting: &str, value: &str) {
        self.say("postgres", &format!("alter system set {setting} = {value}")).await;
        let mut psql = self.psql("postgres", "select pg_reload_conf()");
        done(psql.stdout(Stdio::null())).await;
    }

    /// A number that a statement answers.
    pub async fn ask(&self, statement: &str) -> i64 {
        let output = self.psql("belfry", statement).args(["--tuples-only", "--no-align"]).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().parse().unwrap_or_else(|_| panic!("{statement}: {text:?}"))
    }

    /// Ends every connection to the database.
    pub async fn disconnect(&self) {
        let all = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'belfry'";
        let mut psql = self.psql("postgres", all);
        done(psql.stdout(Stdio::null())).await;
    }

    /// Writes the database as it is now into a file, while it serves.
    pub async fn dump(&self, file: &Path) {
        self.run("pg_dump", &["--format=custom", "--file", file.to_str().unwrap(), "belfry"]).await;
    }

    /// Puts a dump in the place of the database, as an operator does: read into another one, which then takes the name.
    pub async fn restore(&self, file: &Path) {
        self.say("postgres", "create database restored owner belfry").await;
        self.run("pg_restore", &["--dbname=restored", file.to_str().unwrap()]).await;
        self.say("postgres", "drop database belfry with (force)").await;
        self.say("postgres", "alter database restored rename to belfry").await;
    }

    /// Copies the files of a cluster that stands still.
    pub async fn copy(&self, from: &str, to: &str) {
        let (from, to) = (self.folder.join(from), self.folder.join(to));
        done(Command::new("rm").args(["--recursive", "--force"]).arg(&to)).await;
        done(Command::new("cp").arg("--archive").arg(&from).arg(&to)).await;
    }

    async fn run(&self, program: &str, arguments: &[&str]) {
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

async fn service(bin: &Path, within: &Path) -> Service {
    let address = free_address();
    let (program, within) = (bin.join("postgres"), within.to_owned());
    Service::start(address, move || {
        let mut command = as_server(&program);
        command.arg("-D").arg(within.join("data")).arg("-k").arg(&within).args(["-h", "127.0.0.1"]);
        command.args(["-p", &address.port().to_string(), "-c", "shared_buffers=64MB"]);
        command.args(["-c", "max_connections=60", "-c", "logging_collector=off"]);
        let log = std::fs::File::options().create(true).append(true).open(within.join("log")).unwrap();
        command.stderr(log);
        command
    })
    .await
}

/// Where the cluster is kept that all others are copies of: one for each version, below the folder of what is built.
fn template(bin: &Path) -> PathBuf {
    let version = bin.to_string_lossy().replace('/', "-");
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("postgres{version}"))
}

/// Gives a folder to whom the server runs as.
async fn give(folder: &Path) {
    if root() {
        done(Command::new("chown").arg("postgres").arg(folder)).await;
    }
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
