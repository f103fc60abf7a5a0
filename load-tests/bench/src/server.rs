//! A process under measurement: started on a core of its own, ended with all that it started.

use crate::arguments::Failure;
use crate::process::Tree;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SERVER_CORE: &str = "0";
const LOAD_CORE: &str = "1";

/// A server; dropped, it is ended.
pub struct Running(Child, SocketAddr);

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.1
    }

    /// Its process, or the first one of them.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Workers outlive a master that is killed.
        if let Ok(tree) = Tree::of(self.0.id()) {
            let pids = tree.pids().iter().map(u32::to_string);
            let _ = Command::new("kill").arg("-KILL").args(pids).stderr(Stdio::null()).status();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program on the core of servers.
pub fn pinned(program: &Path) -> Command {
    on(SERVER_CORE, program)
}

/// A program on the core of the load.
pub fn loading(program: &Path) -> Command {
    on(LOAD_CORE, program)
}

fn on(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
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

/// Starts a server that says nothing, and waits until somebody listens at its address.
pub fn at(mut command: Command, address: SocketAddr) -> Result<Running, Failure> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let mut running = Running(child, address);
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if let Some(status) = running.0.try_wait()? {
            return Err(format!("a server ended before it listened: {status}").into());
        }
        if begun.elapsed() > Duration::from_secs(20) {
            return Err("a server does not listen".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(running)
}

/// Two addresses that nobody listens at, below the ports that connections are given.
pub fn free() -> Result<[SocketAddr; 2], Failure> {
    let mut port = 20_000 + (RandomState::new().build_hasher().finish() % 10_000) as u16;
    let mut next = || {
        port += 1;
        TcpListener::bind(("127.0.0.1", port)).and_then(|listener| listener.local_addr())
    };
    let mut found = std::iter::repeat_with(|| next().ok()).take(1_000).flatten();
    Ok([found.next().ok_or("no port is free")?, found.next().ok_or("no port is free")?])
}
