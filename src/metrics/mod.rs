//! Metrics: every name once, and the only calls of the metrics library.
//!
//! **Invariant:** the number of series is bounded by this program, never by who talks to it: a label is a route, a method,
//! a status, a code or a class of kinds; no id, name or address is one. What counts per message takes sums, so that a
//! burst costs one call.

mod bus;
mod lag;
mod rosters;
#[cfg(test)]
mod tests;

pub use bus::{Gap, Unpublished, bus_channels, bus_gap, bus_probed, bus_published, bus_received, bus_unpublished};
pub use lag::{Resync, Skipped, Slow, flush_windows, lag_bytes, resynced, signals_skipped, slow_closed};
pub use rosters::{nodes, partial_rosters, rosters};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;

/// What a metric is, as Prometheus says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// A metric's name and meaning.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The name without the suffixes of a histogram's series.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it says, with its labels.
    pub help: &'static str,
    /// Upper edges of a histogram's buckets.
    pub buckets: &'static [f64],
}

const REQUEST_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
const LAG_SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
const COMMIT_SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
const GROUP_SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

macro_rules! metrics {
    ($($constant:ident $kind:ident $name:literal $buckets:expr, $help:literal;)+) => {
        $(const $constant: &str = $name;)+

        /// Every metric.
        pub const ALL: &[Metric] = &[$(
            Metric { name: $name, kind: Kind::$kind, help: $help, buckets: $buckets }
        ),+];
    };
}

metrics! {
    SOCKETS Gauge "belfry_sockets" &[], "Open sockets";
    SOCKETS_OPENED Counter "belfry_sockets_opened_total" &[], "Sockets that were upgraded";
    CLOSES Counter "belfry_closes_total" &[], "Sockets that ended, by close code";
    COMMANDS Counter "belfry_commands_total" &[], "Commands received over sockets, by type";
    CHANNELS Gauge "belfry_channels" &[], "Channels kept in memory";
    ROSTERS Gauge "belfry_rosters" &[], "Rooms in which somebody is seen or writes";
    PARTIAL_ROSTERS Gauge "belfry_rosters_partial" &[], "Of those, rooms whose people on other instances are not seen";
    NODES Gauge "belfry_nodes" &[], "Other instances that were heard of lately";
    TAIL_BYTES Gauge "belfry_tail_bytes" &[], "Bytes of encoded events kept in memory";
    EVENTS Counter "belfry_events_appended_total" &[], "Events committed by this instance, by class of kind";
    GROUP_SIZE Histogram "belfry_commit_group_size" GROUP_SIZES, "Writes committed in one transaction";
    COMMIT Histogram "belfry_commit_seconds" COMMIT_SECONDS, "Time one group's transaction took";
    DELIVERIES Counter "belfry_deliveries_total" &[], "Messages written to sockets";
    DELIVERED_BYTES Counter "belfry_delivered_bytes_total" &[], "Bytes of frames written to sockets";
    LAG Histogram "belfry_delivery_lag_seconds" LAG_SECONDS, "Time from an event's commit to the end of its writing";
    REPAIRS Counter "belfry_gate_repairs_total" &[], "Holes in a channel that were filled from the store";
    DRAINING Gauge "belfry_draining" &[], "1 from SIGTERM on";
    SENT_AWAY Counter "belfry_sockets_sent_away_total" &[], "Sockets told that this instance is going away";
    RESYNCS Counter "belfry_resyncs_total" &[], "Subscriptions told to fetch again, by reason";
    SKIPPED Counter "belfry_signals_skipped_total" &[], "Signals not written to sockets that were behind, or dropped before, by reason";
    SLOW Counter "belfry_slow_closes_total" &[], "Sockets closed with 4508, or cut, by cause";
    FLUSH_WINDOWS Gauge "belfry_flush_windows" &[], "Hot rooms whose events wait for one another, by each core that writes";
    LAG_BYTES Gauge "belfry_lag_bytes" &[], "Bytes that wait for sockets";
    BUS_PUBLISHED Counter "belfry_bus_published_total" &[], "Messages handed to other instances";
    BUS_UNPUBLISHED Counter "belfry_bus_unpublished_total" &[], "Messages other instances must find by looking, by reason";
    BUS_RECEIVED Counter "belfry_bus_received_total" &[], "Messages of other instances";
    BUS_GAPS Counter "belfry_bus_gaps_total" &[], "Times messages of other instances may have been missed, by reason";
    BUS_CHANNELS Gauge "belfry_bus_channels" &[], "Channels this instance hears other instances on";
    BUS_PROBE Histogram "belfry_bus_probe_seconds" LAG_SECONDS, "Time a message to oneself took through the bus";
    BUS_AGE Gauge "belfry_bus_probe_age_seconds" &[], "Time since a message to oneself came back through the bus";
    LIMITS_UNCOUNTED Counter "belfry_limits_uncounted_total" &[], "Attempts this instance judged alone, as Redis did not count, by reason";
    SWEEP_AGE Gauge "belfry_sweep_age_seconds" &[], "Time since all heads were compared with the database";
    ERRORS Counter "belfry_errors_total" &[], "Refusals and failures told to clients, by edge and code";
    STORE_ERRORS Counter "belfry_store_errors_total" &[], "Reads and writes the database failed, by class";
    HTTP_REQUESTS Counter "belfry_http_requests_total" &[], "Answered requests, by route, method and status";
    HTTP_SECONDS Histogram "belfry_http_request_seconds" REQUEST_SECONDS, "Time to an answer, by route and method";
}

/// Which edge told a client of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// A socket.
    Socket,
    /// A request.
    Http,
}

/// How the database failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFailure {
    /// It cannot be reached, is full or too busy, or its answer was lost.
    Unavailable,
    /// A statement is wrong or a row makes no sense.
    Internal,
}

/// Why an attempt was not counted for all instances together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncounted {
    /// There is no connection to Redis.
    Down,
    /// Redis did not answer, or not in time, now or a moment ago.
    Failed,
}

/// What is counted too often to be looked up each time.
struct Hot {
    sockets: Gauge,
    channels: Gauge,
    rosters: Gauge,
    tail_bytes: Gauge,
    lag_bytes: Gauge,
    deliveries: Counter,
    delivered_bytes: Counter,
    lag: Histogram,
    group_size: Histogram,
    commit: Histogram,
    bus_published: Counter,
    bus_received: Counter,
}

static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();
static HOT: OnceLock<Hot> = OnceLock::new();

/// Begins to count, once for the process however often it is called; until then nothing is. Whoever holds the answer
/// must render it or call its `run_upkeep` every few seconds: between two of them observations are kept one by one.
pub fn install() -> PrometheusHandle {
    let handle = INSTALLED.get_or_init(|| {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("something else counts already: no metrics");
        }
        handle
    });
    HOT.get_or_init(|| {
        describe();
        gauge!(DRAINING).set(0.0);
        Hot {
            sockets: gauge!(SOCKETS),
            channels: gauge!(CHANNELS),
            rosters: gauge!(ROSTERS),
            tail_bytes: gauge!(TAIL_BYTES),
            lag_bytes: gauge!(LAG_BYTES),
            deliveries: counter!(DELIVERIES),
            delivered_bytes: counter!(DELIVERED_BYTES),
            lag: histogram!(LAG),
            group_size: histogram!(GROUP_SIZE),
            commit: histogram!(COMMIT),
            bus_published: counter!(BUS_PUBLISHED),
            bus_received: counter!(BUS_RECEIVED),
        }
    });
    handle.clone()
}

fn builder() -> PrometheusBuilder {
    let histograms = ALL.iter().filter(|metric| !metric.buckets.is_empty());
    histograms.fold(PrometheusBuilder::new(), |builder, metric| {
        // It fails only for no buckets at all, and those were left out.
        let name = Matcher::Full(metric.name.to_owned());
        builder.set_buckets_for_metric(name, metric.buckets).unwrap_or_else(|_| PrometheusBuilder::new())
    })
}

fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

fn hot(count: impl FnOnce(&Hot)) {
    if let Some(hot) = HOT.get() {
        count(hot);
    }
}

/// A socket was upgraded.
pub fn socket_opened() {
    counter!(SOCKETS_OPENED).increment(1);
    hot(|hot| hot.sockets.increment(1.0));
}

/// A socket ended, with this close code (1006 where it was cut).
pub fn socket_closed(code: u16) {
    let code = match code {
        1000..=1015 | 4400..=4410 | 4500..=4530 => code.to_string(),
        _ => "other".to_owned(),
    };
    counter!(CLOSES, "code" => code).increment(1);
    hot(|hot| hot.sockets.decrement(1.0));
}

/// A command came over a socket; `kind` is a type the protocol knows, or `unknown`.
pub fn command(kind: &'static str) {
    counter!(COMMANDS, "type" => kind).increment(1);
}

/// Channels entered memory, or left it (negative).
pub fn channels(change: i64) {
    hot(|hot| hot.channels.increment(change as f64));
}

/// Bytes of encoded events entered memory, or left it (negative).
pub fn tail_bytes(change: i64) {
    hot(|hot| hot.tail_bytes.increment(change as f64));
}

/// The first words of the kinds that we make, and one for all others.
const CLASSES: [&str; 9] =
    ["comment", "post", "notification", "notifications", "custom", "session", "role", "void", "other"];

/// Events of these kinds were committed here, in one group.
pub fn events_appended<'a>(kinds: impl Iterator<Item = &'a str>) {
    let mut appended = [0; CLASSES.len()];
    for kind in kinds {
        appended[class(kind)] += 1;
    }
    for (class, events) in CLASSES.into_iter().zip(appended).filter(|(_, events)| *events > 0) {
        counter!(EVENTS, "kind" => class).increment(events);
    }
}

fn class(kind: &str) -> usize {
    let word = kind.split_once('.').map_or(kind, |(word, _)| word);
    CLASSES.iter().position(|class| *class == word).unwrap_or(CLASSES.len() - 1)
}

/// A group of this many writes was committed, which took this long.
pub fn group_committed(writes: usize, took: Duration) {
    hot(|hot| {
        hot.group_size.record(writes as f64);
        hot.commit.record(took.as_secs_f64());
    });
}

/// Messages of so many bytes in all were written to sockets.
pub fn delivered(messages: u64, bytes: u64) {
    hot(|hot| {
        hot.deliveries.increment(messages);
        hot.delivered_bytes.increment(bytes);
    });
}

/// Events were written to the last socket that could take them at once, this long after their commit.
pub fn delivery_lag(lag: Duration) {
    hot(|hot| hot.lag.record(lag.as_secs_f64()));
}

/// A hole in a channel was filled from the store.
pub fn gate_repaired() {
    counter!(REPAIRS).increment(1);
}

/// From now on this instance takes leave.
pub fn draining() {
    gauge!(DRAINING).set(1.0);
}

/// A socket was told so.
pub fn sent_away() {
    counter!(SENT_AWAY).increment(1);
}

/// An attempt was not counted for all instances together.
pub fn limit_uncounted(reason: Uncounted) {
    let reason = match reason {
        Uncounted::Down => "down",
        Uncounted::Failed => "failed",
    };
    counter!(LIMITS_UNCOUNTED, "reason" => reason).increment(1);
}

/// How long ago the last message to oneself, where a bus takes it out of the process, and the last sweep came to their
/// end; infinitely long for never.
pub fn ages(bus_probe: Option<Option<Duration>>, sweep: Option<Duration>) {
    let seconds = |age: Option<Duration>| age.map_or(f64::INFINITY, |age| age.as_secs_f64());
    if let Some(age) = bus_probe {
        gauge!(BUS_AGE).set(seconds(age));
    }
    gauge!(SWEEP_AGE).set(seconds(sweep));
}

/// A client was told an error of this code.
pub fn error(edge: Edge, code: &'static str) {
    let edge = match edge {
        Edge::Socket => "socket",
        Edge::Http => "http",
    };
    counter!(ERRORS, "edge" => edge, "code" => code).increment(1);
}

/// The database failed a read or a write.
pub fn store_failed(failure: StoreFailure) {
    let class = match failure {
        StoreFailure::Unavailable => "unavailable",
        StoreFailure::Internal => "internal",
    };
    counter!(STORE_ERRORS, "class" => class).increment(1);
}

/// A request was answered. The route is the router's pattern, not the path.
pub fn http_request(route: &str, method: &'static str, status: u16, took: Duration) {
    let route = route.to_owned();
    counter!(HTTP_REQUESTS, "route" => route.clone(), "method" => method, "status" => status.to_string()).increment(1);
    histogram!(HTTP_SECONDS, "route" => route, "method" => method).record(took.as_secs_f64());
}
