//! Names, and what becomes of what was counted.

use super::*;
use std::collections::HashSet;

#[test]
fn every_name_stands_once_and_says_what_it_is() {
    let names: HashSet<&str> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), ALL.len());
    for metric in ALL {
        assert!(metric.name.starts_with("belfry_"), "{}", metric.name);
        assert_eq!(metric.kind == Kind::Counter, metric.name.ends_with("_total"), "{}", metric.name);
        assert_eq!(metric.kind == Kind::Histogram, !metric.buckets.is_empty(), "{}", metric.name);
        assert!(metric.buckets.is_sorted() && !metric.help.is_empty(), "{}", metric.name);
    }
}

#[test]
fn what_was_counted_is_rendered_under_its_name() {
    install();
    socket_opened();
    socket_opened();
    socket_closed(1000);
    socket_closed(3999);
    command("ping");
    channels(2);
    channels(-1);
    rosters(1);
    partial_rosters(1);
    nodes(2);
    tail_bytes(10);
    events_appended(["comment.created", "custom.of-somebody", "made.up"].into_iter());
    group_committed(3, Duration::from_millis(2));
    delivered(5, 500);
    delivery_lag(Duration::from_millis(3));
    gate_repaired();
    draining();
    sent_away();
    resynced(Resync::Behind);
    signals_skipped(Skipped::Behind, 2);
    slow_closed(Slow::Stalled);
    lag_bytes(3);
    flush_windows(1);
    bus_published(2);
    bus_unpublished(Unpublished::Down, 1);
    bus_received();
    bus_gap(Gap::Late);
    bus_channels(3);
    bus_probed(Duration::from_millis(1));
    limit_uncounted(Uncounted::Down);
    ages(Some(None), Some(Duration::from_secs(1)));
    error(Edge::Socket, "not_found");
    store_failed(StoreFailure::Internal);
    http_request("/api/v1/posts/{id}", "GET", 200, Duration::from_millis(2));
    let text = install().render();
    for metric in ALL {
        assert!(text.contains(&format!("# HELP {} {}", metric.name, metric.help)), "{}\n{text}", metric.name);
    }
    // Without the values: other tests of this process may count as well.
    for line in [
        "belfry_closes_total{code=\"other\"} ",
        "belfry_events_appended_total{kind=\"comment\"} ",
        "belfry_events_appended_total{kind=\"custom\"} ",
        "belfry_events_appended_total{kind=\"other\"} ",
        "belfry_commit_group_size_bucket{le=\"4\"} ",
        "belfry_bus_unpublished_total{reason=\"down\"} ",
        "belfry_limits_uncounted_total{reason=\"down\"} ",
        "belfry_bus_gaps_total{reason=\"late\"} ",
        "belfry_resyncs_total{reason=\"behind\"} ",
        "belfry_signals_skipped_total{reason=\"behind\"} ",
        "belfry_slow_closes_total{cause=\"stalled\"} ",
        "belfry_errors_total{edge=\"socket\",code=\"not_found\"} ",
        "belfry_http_requests_total{route=\"/api/v1/posts/{id}\",method=\"GET\",status=\"200\"} ",
        "belfry_http_request_seconds_bucket{route=\"/api/v1/posts/{id}\",method=\"GET\",le=\"0.0025\"} ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
