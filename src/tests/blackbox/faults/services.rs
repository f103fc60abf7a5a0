//! Processes that instances depend on, which can be killed, frozen and started again; and a Redis as one.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
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
    /// Starts it for the first time.
    pub async fn start(address: SocketAddr, start: impl Fn() -> Command + Send + Sync + 'static) -> Self {
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

    /// Whether it runs; a process that ended by itself does not.
    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Sends a signal to it and to all its children.
    pub async fn signal(&self, name: &str) {
        let group = format!("-{}", self.group);
        done(Command::new("kill").args([&format!("-{name}"), "--", &group])).await;
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
pub fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// A folder of its own in the system's temporary one.
pub fn folder(name: &str) -> TempDir {
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

/// Runs a command that only root may, or whoever has namespaces of their own.
pub async fn privileged(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "run as root, or by .ci/with-namespaces: {command:?}: {complaint}");
}

/// Runs a command that must succeed.
pub async fn done(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether the tests run as root.
pub fn root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
