//! What lies between an instance and its Redis, to be cut, or to carry everything but what was subscribed to.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Connections that have subscribed hear nothing any more; all others work.
    Deaf,
    /// Nothing goes through.
    Cut,
}

/// A way to one server.
pub struct Proxy {
    address: SocketAddr,
    way: watch::Sender<Way>,
    _accepting: AbortOnDropHandle<()>,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = watch::Sender::new(Way::Open);
        let ways = way.subscribe();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, ways.clone()));
            }
        });
        Self { address, way, _accepting: AbortOnDropHandle::new(accepting) }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub fn cut(&self) {
        self.way.send_replace(Way::Cut);
    }

    pub fn deafen(&self) {
        self.way.send_replace(Way::Deaf);
    }

    pub fn mend(&self) {
        self.way.send_replace(Way::Open);
    }
}

async fn is_cut(ways: &mut watch::Receiver<Way>) {
    let _ = ways.wait_for(|way| *way == Way::Cut).await;
}

async fn carry(mut client: TcpStream, port: u16, mut ways: watch::Receiver<Way>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let mut subscribed = false;
    let state = ways.clone();
    loop {
        tokio::select! {
            () = is_cut(&mut ways) => return,
            read = client.read(&mut asked) => {
                let Some(read) = read.ok().filter(|read| *read > 0) else { return };
                subscribed |= asked[..read].windows(10).any(|word| word == b"SSUBSCRIBE");
                if server.write_all(&asked[..read]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Some(read) = read.ok().filter(|read| *read > 0) else { return };
                let deaf = subscribed && *state.borrow() == Way::Deaf;
                if !deaf && client.write_all(&answered[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}
