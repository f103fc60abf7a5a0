//! A balancer as operators have one: new connections go to instances that say they are ready, in turn.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Between two looks at an instance.
const LOOK: Duration = Duration::from_millis(250);
/// An instance that does not answer for this long is not ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// The balancer; gone when dropped.
pub struct Balancer {
    /// Where clients connect.
    pub address: SocketAddr,
    ready: watch::Receiver<Vec<SocketAddr>>,
    tasks: [JoinHandle<()>; 2],
}

impl Balancer {
    /// In front of these instances, once one of them is ready.
    pub async fn before(instances: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (found, mut ready) = watch::channel(Vec::new());
        let tasks = [tokio::spawn(look(instances, found)), tokio::spawn(accept(listener, ready.clone()))];
        let _ = ready.wait_for(|ready| !ready.is_empty()).await;
        Self { address, ready, tasks }
    }

    /// Who is ready, as of the last look.
    pub fn ready(&self) -> watch::Receiver<Vec<SocketAddr>> {
        self.ready.clone()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn look(instances: Vec<SocketAddr>, found: watch::Sender<Vec<SocketAddr>>) {
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let asked = instances.iter().map(|address| {
            let request = http.get(format!("http://{address}/health/ready")).send();
            async move { request.await.is_ok_and(|answer| answer.status().is_success()).then_some(*address) }
        });
        let ready = futures_util::future::join_all(asked).await.into_iter().flatten().collect();
        found.send_replace(ready);
    }
}

async fn accept(listener: TcpListener, ready: watch::Receiver<Vec<SocketAddr>>) {
    let ready = Arc::new(ready);
    let mut turn = 0;
    loop {
        let Ok((mut near, _)) = listener.accept().await else { continue };
        let instances = ready.borrow().clone();
        if instances.is_empty() {
            continue;
        }
        turn += 1;
        let target = instances[turn % instances.len()];
        tokio::spawn(async move {
            let Ok(mut far) = TcpStream::connect(target).await else { return };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let _ = copy_bidirectional(&mut near, &mut far).await;
        });
    }
}
