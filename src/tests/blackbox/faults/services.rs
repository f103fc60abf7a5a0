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
}

impl Service {
    /// Starts it for the first time.
    pub async fn start(address: SocketAddr, start: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        let mut service = Self { address, start: Box::new(start), child: None };
        service.start_again().await;
        service
    }

    /// Starts it once more, on the same port and data, and waits until it accepts connections.
    pub async fn start_again(&mut self) {
        let mut command = (self.start)();
        command.as_std_mut().process_group(0);
        self.child = Some(command.stdin(Stdio::null()).kill_on_drop(true).spawn().unwrap());
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

    /// Sends a signal to it, and then to each of its children: those of Postgres are in process groups of their own.
    pub async fn signal_all(&self, name: &str) {
        let pid = self.child.as_ref().and_then(Child::id).expect("it runs");
        send(name, pid);
        // One that is stopped has no more of them, and one that goes on may have fewer by the time they are told.
        children(pid).into_iter().for_each(|child| send(name, child));
    }

    /// Ends it by a signal, as it then ends its children, and waits until it is gone.
    pub async fn end(&mut self, signal: &str) {
        if let Some(mut child) = self.child.take() {
            child.id().into_iter().for_each(|pid| send(signal, pid));
            tokio::time::timeout(START, child.wait()).await.expect("a service that ends").unwrap();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Its children too, which may be frozen.
        if let Some(pid) = self.child.as_ref().and_then(Child::id) {
            let children = children(pid);
            send("KILL", pid);
            children.into_iter().for_each(|child| send("KILL", child));
        }
    }
}

fn send(signal: &str, pid: u32) {
    let mut kill = std::process::Command::new("kill");
    let _ = kill.arg(format!("-{signal}")).arg(pid.to_string()).stderr(Stdio::null()).status();
}

/// The processes that a process has started.
fn children(pid: u32) -> Vec<u32> {
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    // Behind the name, which may hold anything, stand the state and the parent.
    let parent = |process: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    processes.filter(|process| parent(process) == Some(pid)).collect()
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
    let how = "run as root with all its rights (in a container: --privileged), or by .ci/with-namespaces";
    assert!(output.status.success(), "{how}: {command:?}: {complaint}");
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
