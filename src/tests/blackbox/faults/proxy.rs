//! A way between two processes that can be made bad: cut, silent, slow, in crumbs, or without the answer to a COMMIT.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What the way is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Good.
    Open,
    /// Connections are cut, and new ones at once.
    Cut,
    /// Nothing passes, and nobody is told.
    Silent,
    /// Each piece takes this long.
    Slow(Duration),
    /// A few bytes at a time.
    Crumbs,
}

/// What the connections of a proxy share.
struct Shared {
    way: watch::Receiver<Way>,
    /// Answers to a COMMIT still to be lost.
    commits: AtomicU32,
    lost: AtomicU32,
}

/// The way; gone when dropped.
pub struct Proxy {
    /// Where it begins.
    pub address: SocketAddr,
    way: watch::Sender<Way>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A good way from an address of this machine to `target`.
    pub async fn from(outside: Ipv4Addr, target: SocketAddr) -> Self {
        let listener = TcpListener::bind((outside, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way, receiver) = watch::channel(Way::Open);
        let shared = Arc::new(Shared { way: receiver, commits: AtomicU32::new(0), lost: AtomicU32::new(0) });
        let task = tokio::spawn(accept(listener, target, Arc::clone(&shared)));
        Self { address, way, shared, task }
    }

    /// Makes the way so from now on.
    pub fn make(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// Lets the next so many COMMITs of Postgres pass and cuts their connections before the answer does.
    pub fn lose_commits(&self, count: u32) {
        self.shared.commits.store(count, Ordering::SeqCst);
    }

    /// How many answers to a COMMIT were lost.
    pub fn lost_commits(&self) -> u32 {
        self.shared.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.way.send_replace(Way::Cut);
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, shared: Arc<Shared>) {
    loop {
        let Ok((near, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            if *shared.way.borrow() == Way::Cut {
                return;
            }
            let Ok(far) = TcpStream::connect(target).await else { return };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            let answer = Arc::new(watch::Sender::new(true));
            let mut cut = shared.way.clone();
            let (there, back) = (Direction::There(Arc::clone(&answer)), Direction::Back(answer.subscribe()));
            tokio::select! {
                () = pump(near_read, far_write, &shared, there) => {}
                () = pump(far_read, near_write, &shared, back) => {}
                _ = cut.wait_for(|way| *way == Way::Cut) => {}
            }
        });
    }
}

enum Direction {
    /// From the client; says whether answers may pass.
    There(Arc<watch::Sender<bool>>),
    /// To the client, while answers may pass.
    Back(watch::Receiver<bool>),
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, direction: Direction) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let bytes = &buffer[..read];
        let mut way = shared.way.clone();
        let Ok(now) = way.wait_for(|way| *way != Way::Silent).await.map(|way| *way) else { return };
        match &direction {
            Direction::There(answer) if bytes.windows(7).any(|word| word == b"COMMIT\0") => {
                let taken = shared.commits.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                if taken.is_ok() {
                    answer.send_replace(false);
                }
            }
            Direction::Back(answer) if !*answer.borrow() => {
                shared.lost.fetch_add(1, Ordering::SeqCst);
                return;
            }
            _ => {}
        }
        let written = match now {
            Way::Slow(pause) => {
                sleep(pause).await;
                to.write_all(bytes).await
            }
            Way::Crumbs => crumbs(&mut to, bytes).await,
            _ => to.write_all(bytes).await,
        };
        if written.is_err() {
            return;
        }
    }
}

async fn crumbs(to: &mut OwnedWriteHalf, bytes: &[u8]) -> std::io::Result<()> {
    for crumb in bytes.chunks(3) {
        to.write_all(crumb).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}
