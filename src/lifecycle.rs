//! From listening to the last goodbye. Listeners and the wish to stop are passed in, so that several instances live in one
//! process.

mod pace;

use crate::app::App;
use crate::http::exposition;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use pace::{Pace, Turn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Connections that may wait to be accepted: a storm of reconnects is let in at the [`Pace`] it can be served.
const BACKLOG: u32 = 4_096;
/// Time for the head of a request to come.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed accept, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// How often observations are summed up; until then each is kept by itself.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);
/// How often it is looked whether the last socket has gone.
const DRAIN_LOOK: Duration = Duration::from_millis(10);

/// Listens on an address; port 0 picks one.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop`, then sends sockets away, finishes what was begun, and closes the store. While sockets leave it
/// still answers, saying that it is not ready.
pub async fn run(app: App, listener: TcpListener, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let finish = CancellationToken::new();
    let router = app.router();
    let pace = Pace::new(app.state.config.sockets.max_handshakes);
    {
        let mut left = pin!(sockets_left(&app, &stop));
        loop {
            let accepted = tokio::select! {
                biased;
                () = left.as_mut() => break,
                accepted = async { (pace.turn().await, listener.accept().await) } => accepted,
            };
            match accepted {
                (turn, Ok((stream, peer))) => {
                    connections.spawn(connection(stream, peer, turn, router.clone(), stop.clone(), finish.clone()));
                }
                (_, Err(error)) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    drop(listener);
    finish.cancel();
    connections.close();
    if timeout(app.state.config.drain, connections.wait()).await.is_err() {
        tracing::warn!(requests = connections.len(), "not all requests were done in time");
    }
    app.close().await;
}

/// Waits for `stop`, says so to balancers and sockets, and completes when the last socket has left or its time is over.
async fn sockets_left(app: &App, stop: &CancellationToken) {
    stop.cancelled().await;
    tracing::info!(sockets = app.hub.sockets(), "draining");
    app.state.readiness.draining();
    app.hub.drain();
    let left = async {
        while app.hub.sockets() > 0 {
            sleep(DRAIN_LOOK).await;
        }
    };
    if timeout(app.state.config.drain, left).await.is_err() {
        tracing::warn!(sockets = app.hub.sockets(), "not all sockets left in time");
    }
}

/// Serves one connection, whose turn ends with the first answer. After `stop` each answer asks the client to go elsewhere next; after `finish` it ends with the
/// request in flight.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    turn: Turn,
    router: Router,
    stop: CancellationToken,
    finish: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let its_turn = turn.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let (router, stop, turn) = (router.clone(), stop.clone(), its_turn.clone());
        async move {
            let mut response = router.oneshot(request).await?;
            turn.end();
            if stop.is_cancelled() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let result = match timeout(pace::LONGEST, connection.as_mut()).await {
        Ok(result) => result,
        Err(_) => {
            turn.end();
            tokio::select! {
                result = connection.as_mut() => result,
                () = finish.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = result {
        tracing::trace!(%error, "a connection ended");
    }
}

/// Serves the metrics until `stop`, and sums observations up whether or not anybody comes for them.
pub async fn run_metrics(listener: TcpListener, metrics: PrometheusHandle, stop: CancellationToken) {
    let served = axum::serve(listener, exposition::router(metrics.clone()));
    let served = served.with_graceful_shutdown(stop.cancelled_owned()).into_future();
    let upkeep = async {
        let mut every = tokio::time::interval(METRICS_UPKEEP);
        loop {
            every.tick().await;
            metrics.run_upkeep();
        }
    };
    tokio::select! {
        served = served => if let Err(error) = served {
            tracing::error!(%error, "metrics are no longer served");
        },
        () = upkeep => {}
    }
}

/// Cancels `stop` at the first SIGTERM or SIGINT; completes at the second.
pub async fn signals(stop: CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    for _ in 0..2 {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    }
    Ok(())
}
