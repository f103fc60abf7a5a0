//! Where a socket's bytes come from. An idle socket holds no buffer: plain TCP is read into scratch memory of the thread.

use super::frames::FrameReader;
use crate::hub::io::Io;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, ReadHalf};
use tokio_util::sync::CancellationToken;

/// Most bytes taken at once.
const CHUNK: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK].into_boxed_slice());
}

/// A stream whose type is not known.
pub type AnyStream = Box<dyn Duplex>;

/// Both directions of a stream.
pub trait Duplex: AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Duplex for T {}

/// The reading end of a socket.
pub enum Source {
    /// The TCP stream that is also written to.
    Tcp,
    /// Any other stream, until it is cut. The mutex is never locked: it makes what is not `Sync` so.
    Other(Box<(Mutex<ReadHalf<AnyStream>>, CancellationToken)>),
}

impl Source {
    /// Splits a stream that is not plain TCP.
    pub fn split(stream: AnyStream) -> (Self, Io) {
        let (reader, writer) = tokio::io::split(stream);
        let cut = CancellationToken::new();
        (Self::Other(Box::new((Mutex::new(reader), cut.clone()))), Io::other(writer, cut))
    }

    /// Waits for bytes and feeds them; how many, 0 at the end.
    pub async fn read(&mut self, io: &Io, frames: &mut FrameReader) -> io::Result<usize> {
        match (self, io) {
            (Self::Tcp, Io::Tcp(stream)) => loop {
                // `readable()` would leave the waker of hyper's finished task in its slot, and that task in memory.
                poll_fn(|cx| stream.poll_read_ready(cx)).await?;
                let read = SCRATCH.with_borrow_mut(|scratch| {
                    let read = stream.try_read(scratch);
                    if let Ok(count) = read {
                        frames.feed(&scratch[..count]);
                    }
                    read
                });
                match read {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read,
                }
            },
            // Boxed: the way that is rarely gone would be in the memory of every socket.
            (Self::Other(other), _) => Box::pin(read_other(other, frames)).await,
            (Self::Tcp, Io::Other(_)) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

async fn read_other(
    other: &mut (Mutex<ReadHalf<AnyStream>>, CancellationToken),
    frames: &mut FrameReader,
) -> io::Result<usize> {
    let (reader, cut) = other;
    let mut chunk = vec![0; CHUNK];
    tokio::select! {
        () = cut.cancelled() => Ok(0),
        read = reader.get_mut().read(&mut chunk) => {
            let count = read?;
            frames.feed(&chunk[..count]);
            Ok(count)
        }
    }
}
