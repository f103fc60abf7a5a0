//! Where a socket's bytes go: straight into a TCP socket, or into any other stream by the same road.

use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::net::SendFlags;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// The writing end of a socket.
pub enum Io {
    /// Plain TCP: one `send(2)` a call.
    Tcp(TcpStream),
    /// TLS, a test's pipe, anything else.
    Other(Box<Other>),
}

/// A stream that is not plain TCP.
pub struct Other {
    writer: Mutex<Pin<Box<dyn AsyncWrite + Send>>>,
    /// It holds back something of what it took.
    holds: AtomicBool,
    cut: CancellationToken,
}

impl Io {
    /// Wraps the writing half of a stream; its reading half must end when the token is cancelled.
    pub fn other(writer: impl AsyncWrite + Send + 'static, cut: CancellationToken) -> Self {
        Self::Other(Box::new(Other { writer: Mutex::new(Box::pin(writer)), holds: AtomicBool::new(false), cut }))
    }

    /// Whether this is plain TCP.
    pub fn is_tcp(&self) -> bool {
        matches!(self, Self::Tcp(_))
    }

    /// Writes what can be written now; `WouldBlock` where nothing can.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            // The kernel is asked first, not what was noted of readiness: that is one more place in memory for each socket.
            Self::Tcp(stream) => match rustix::net::send(stream, bytes, SendFlags::NOSIGNAL) {
                Err(Errno::AGAIN | Errno::INTR) => stream.try_write(bytes),
                sent => Ok(sent?),
            },
            Self::Other(_) => match self.poll_write(&mut Context::from_waker(Waker::noop()), bytes) {
                Poll::Ready(result) => result,
                Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
            },
        }
    }

    /// Writes what can be written now, or arranges to be woken when something can be.
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => loop {
                match stream.try_write(bytes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => match stream.poll_write_ready(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => return Poll::Pending,
                    },
                    result => return Poll::Ready(result),
                }
            },
            Self::Other(other) => {
                let mut writer = other.writer.lock();
                match writer.as_mut().poll_write(cx, bytes) {
                    Poll::Ready(Ok(written)) => {
                        other.holds.store(writer.as_mut().poll_flush(cx).is_pending(), Ordering::Relaxed);
                        Poll::Ready(Ok(written))
                    }
                    other => other,
                }
            }
        }
    }

    /// Whether a layer such as TLS holds back something of what it took: it is to be flushed.
    pub fn holds(&self) -> bool {
        match self {
            Self::Tcp(_) => false,
            Self::Other(other) => other.holds.load(Ordering::Relaxed),
        }
    }

    /// Sends what is held back, or arranges to be woken when more of it can be sent.
    pub fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Other(other) if other.holds.load(Ordering::Relaxed) => {
                let flushed = other.writer.lock().as_mut().poll_flush(cx);
                other.holds.store(flushed.is_pending(), Ordering::Relaxed);
                flushed
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Says that nothing more will be written.
    pub fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Tcp(stream) => {
                let _ = socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Write);
                Poll::Ready(())
            }
            Self::Other(other) => other.writer.lock().as_mut().poll_shutdown(cx).map(|_| ()),
        }
    }

    /// Ends both directions at once, so that the reader ends too; what the kernel still holds is thrown away.
    pub fn cut(&self) {
        match self {
            Self::Tcp(stream) => {
                let socket = socket2::SockRef::from(stream);
                let _ = socket.set_linger(Some(std::time::Duration::ZERO));
                let _ = socket.shutdown(std::net::Shutdown::Both);
            }
            Self::Other(other) => other.cut.cancel(),
        }
    }
}
