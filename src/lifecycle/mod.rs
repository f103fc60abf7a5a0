//! From listening to the last goodbye. Listeners and the wish to stop are passed in, so that several instances live in one
//! process.

mod pace;

use crate::app::App;
use crate::http::exposition;
use crate::metrics;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use pace::{Pace, Turn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Connections that may wait to be accepted: a storm of reconnects is let in at the [`Pace`] it can be served.
const BACKLOG: u32 = 4_096;
/// Time for the head of a request to come.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed accept, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// How long a connection that has not been used yet is still waited for at the end: browsers keep some in reserve.
const SPARE_GRACE: Duration = Duration::from_millis(500);
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

/// The wish to stop, as it comes from outside. It cannot be taken back.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    wished: CancellationToken,
    hasty: CancellationToken,
}

impl Stop {
    /// Take leave as the settings say: a balancer may still send people here.
    pub fn wish(&self) {
        self.wished.cancel();
    }

    /// Take leave without waiting for anybody to look elsewhere first.
    pub fn wish_hasty(&self) {
        self.hasty.cancel();
        self.wished.cancel();
    }

    /// Completes once it is wished.
    pub async fn wished(&self) {
        self.wished.cancelled().await;
    }
}

/// Serves until `stop`, then takes leave: for the drain's delay all is as before, but not ready; then no connection is
/// taken any more and sockets are sent away, each at a time of its own within the window; what was begun is finished,
/// and the store closed.
pub async fn run(app: App, listener: TcpListener, stop: Stop) {
    let connections = TaskTracker::new();
    let finish = CancellationToken::new();
    let router = app.router();
    let pace = Pace::new(app.state.config.sockets.max_handshakes);
    let serve = |turn, (stream, peer)| {
        connections.spawn(connection(stream, peer, turn, router.clone(), stop.wished.clone(), finish.clone()));
    };
    {
        let mut looked_away = pin!(looked_away(&app, &stop));
        loop {
            let accepted = tokio::select! {
                biased;
                () = looked_away.as_mut() => break,
                accepted = async { (pace.turn().await, listener.accept().await) } => accepted,
            };
            match accepted {
                (turn, Ok(accepted)) => serve(turn, accepted),
                (_, Err(error)) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    // Who has connected by now is served: a listener that closes resets those it has not let in.
    while let Some(Ok(accepted)) = unconstrained(listener.accept()).now_or_never() {
        serve(Turn::default(), accepted);
    }
    drop(listener);
    let drain = &app.state.config.drain;
    let window = if stop.hasty.is_cancelled() { Duration::ZERO } else { drain.window };
    let latest = Instant::now() + window + drain.rest;
    tracing::info!(sockets = app.hub.sockets(), "sending sockets away");
    app.hub.drain(window);
    // Connections that are kept open for further requests stay so until then.
    let _ = timeout(window, sockets_left(&app)).await;
    finish.cancel();
    connections.close();
    let left = async {
        connections.wait().await;
        sockets_left(&app).await;
    };
    if timeout_at(latest, left).await.is_err() {
        tracing::warn!(requests = connections.len(), sockets = app.hub.sockets(), "not all was done in time");
    }
    app.close().await;
}

/// Waits for `stop`, says so to balancers, and completes when they have had the time to notice.
async fn looked_away(app: &App, stop: &Stop) {
    stop.wished().await;
    tracing::info!(sockets = app.hub.sockets(), "draining");
    app.state.readiness.draining();
    metrics::draining();
    stop.hasty.run_until_cancelled(sleep(app.state.config.drain.delay)).await;
}

/// Completes when the last socket has left.
async fn sockets_left(app: &App) {
    while app.hub.sockets() > 0 {
        sleep(DRAIN_LOOK).await;
    }
}

/// Serves one connection, whose turn ends with the first answer. After `stop` each answer asks the client to go elsewhere
/// next; after `finish` it ends with the request in flight.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    turn: Turn,
    router: Router,
    stop: CancellationToken,
    finish: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let used = Arc::new(AtomicBool::new(false));
    let (service_used, its_turn) = (used.clone(), turn.clone());
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        service_used.store(true, Ordering::Relaxed);
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
                    match timeout(SPARE_GRACE, connection.as_mut()).await {
                        Ok(result) => result,
                        Err(_) if used.load(Ordering::Relaxed) => connection.await,
                        Err(_) => Ok(()),
                    }
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

/// Wishes to stop at the first SIGTERM or SIGINT, hastily at SIGINT: a hand at the keyboard has no balancer in front.
/// Completes at the second.
pub async fn signals(stop: Stop) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    for _ in 0..2 {
        tokio::select! {
            _ = terminate.recv() => stop.wish(),
            _ = interrupt.recv() => stop.wish_hasty(),
        }
    }
    Ok(())
}
