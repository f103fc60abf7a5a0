//! A socket whose writes are counted: it says nothing and takes everything.

use belfry::hub::io::Io;
use belfry::protocol::Codec;
use belfry::ws::source::Source;
use belfry::ws::{Entrance, Visitor, session};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::house::House;
use belfry::model::PostId;

/// Its stream.
struct Counted(Arc<AtomicUsize>);

/// Lets a socket in that follows a post; what counts its writes.
pub async fn viewer(house: &House, post: PostId, codec: Codec) -> Arc<AtomicUsize> {
    let writes = Arc::new(AtomicUsize::new(0));
    let sockets = house.state.sockets.clone();
    let place = sockets.admit(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
    let visitor = Visitor { entrance: Entrance::Live(post), codec, identity: None, place };
    let (source, io): (Source, Io) = Source::split(Box::new(Counted(writes.clone())));
    tokio::spawn(session::begin(sockets, visitor, source, io, Vec::new()).await);
    writes
}

impl AsyncRead for Counted {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Counted {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
