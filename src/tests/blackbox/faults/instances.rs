//! What befalls instances.

use super::fleet::Fleet;
use super::report::lasts;
use crate::support::rest::Rest;
use crate::support::within;
use rand::Rng;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a client takes to find out that a socket is dead, and to come back: twice the heartbeat of 1 s, a second
/// between two looks, and its pause.
const BACK: Duration = Duration::from_secs(5);

/// `kill -9` of one instance after the other, and a start on the same port.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_instances_are_killed() {
    let mut fleet = Fleet::of(2, &[]).await;
    let traffic = fleet.traffic().await;
    for round in 0..lasts(3, 20) {
        traffic.flow(rand::rng().random_range(20..200)).await;
        let instance = &mut fleet.instances[round % 2];
        instance.kill().await;
        instance.start().await;
    }
    traffic.flow(50).await;
    let report = fleet.settle(traffic).await.within(3 * BACK).clean(&fleet.instances).await;
    report.verdict("`kill -9` of an instance, again and again");
}

/// An instance that is frozen and goes on: what it did not hear meanwhile it finds out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_an_instance_is_frozen() {
    let mut fleet = Fleet::of(2, &[]).await;
    let balancer = fleet.balancer().await;
    let traffic = fleet.traffic_at(&[balancer.address]).await;
    fleet.instances[1].server().signal("STOP").await;
    let frozen = lasts(Duration::from_secs(8), Duration::from_secs(90));
    // The others write on all the while.
    tokio::join!(sleep(frozen), traffic.flow(50));
    fleet.instances[1].server().signal("CONT").await;
    traffic.flow(100).await;
    // A client whose socket is frozen gives it up after 10 s; what it was owed came to the others long before.
    let bound = frozen.min(Duration::from_secs(10)) + 2 * BACK;
    let report = fleet.settle(traffic).await.within(bound).clean(&fleet.instances).await;
    report.verdict("an instance frozen for 90 s, then continued");
}

/// An instance that is frozen while it holds a room: the database lets go of what it holds, and the others write on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_held_by_a_frozen_instance_is_written_again_within_seconds() {
    let mut fleet = Fleet::of(2, &[]).await;
    let traffic = fleet.traffic().await;
    let (frozen, other) = (&fleet.instances[1], &fleet.instances[0]);
    // Frozen again and again until it happens to hold something, and not only for the moment of another's transaction.
    let holding = "select count(*) from pg_stat_activity where state like 'idle in transaction%' \
                   and backend_xid is not null and state_change < clock_timestamp() - interval";
    let begun = within(Duration::from_secs(60), "a transaction to freeze in", async {
        loop {
            frozen.server().signal("STOP").await;
            let begun = Instant::now();
            if fleet.postgres.ask(&format!("{holding} '0'")).await > 0 {
                sleep(Duration::from_millis(500)).await;
                if fleet.postgres.ask(&format!("{holding} '500ms'")).await > 0 {
                    return begun;
                }
            }
            frozen.server().signal("CONT").await;
            traffic.flow(3).await;
        }
    })
    .await;
    let writer = Rest::new(other.address).with(traffic.token());
    for room in traffic.rooms() {
        traffic.comment(&writer, *room, &format!("held-{room}"), "held").await;
    }
    let held = begun.elapsed();
    frozen.server().signal("CONT").await;
    traffic.flow(50).await;
    let mut report = fleet.settle(traffic).await;
    report.demand(held >= Duration::from_secs(1), "nothing was held");
    report.demand(held <= Duration::from_secs(6), &format!("a held room was written again after {held:?}"));
    report.clean(&fleet.instances).await.verdict("an instance frozen inside a transaction");
}

/// All instances are replaced, one after the other, as operators do it: no socket is cut, no write or request fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_is_seen_by_nobody() {
    let mut fleet = Fleet::of(2, &[("BELFRY_DRAIN_DELAY", "2s"), ("BELFRY_DRAIN_WINDOW", lasts("1s", "5s"))]).await;
    let balancer = fleet.balancer().await;
    let traffic = fleet.traffic_at(&[balancer.address]).await;
    let caller = Rest::new(balancer.address).with(traffic.token());
    let mut refused = 0;
    let calls = async {
        let mut calls = tokio::time::interval(Duration::from_millis(20));
        for call in 0.. {
            calls.tick().await;
            let room = traffic.rooms()[0];
            refused += traffic.comment(&caller, room, &format!("called-{call}"), "called").await;
            caller.get(&format!("/posts/{room}/comments")).await;
        }
    };
    let restarts = async {
        for index in (0..2).cycle().take(lasts(2, 6)) {
            traffic.flow(50).await;
            let instance = &mut fleet.instances[index];
            let mut server = instance.server.take().unwrap();
            server.signal("TERM").await;
            let (status, _) = server.ended().await;
            assert_eq!(status.code(), Some(0));
            instance.start().await;
            let address = instance.address;
            let ready = balancer.ready().wait_for(|ready| ready.contains(&address)).await.is_ok();
            assert!(ready);
        }
        traffic.flow(50).await;
    };
    tokio::select! {
        () = restarts => {}
        () = calls => {}
    }
    let progress = traffic.progress();
    let mut report = fleet.settle(traffic).await;
    report.demand(
        progress.unavailable + refused == 0,
        &format!("{} writes were refused", progress.unavailable + refused),
    );
    report.demand(progress.cut == 0, &format!("{} sockets were cut without a goodbye", progress.cut));
    report.within(3 * BACK).clean(&fleet.instances).await.verdict("rolling restart behind a balancer");
}

/// The clock of an instance is an hour fast: times of rows and tokens are the database's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_wrong_changes_nothing() {
    let preload =
        ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"];
    let Some(library) = preload.iter().find(|path| std::path::Path::new(path).exists()) else {
        panic!("install faketime");
    };
    let mut fleet = Fleet::of(1, &[]).await;
    fleet.join(&[("LD_PRELOAD", library), ("FAKETIME", "+1h"), ("DONT_FAKE_MONOTONIC", "1")]).await;
    let traffic = fleet.traffic().await;
    traffic.flow(lasts(200, 1_000)).await;
    let written = Rest::new(fleet.instances[1].address).with(traffic.token()).post("when was this?").await;
    let (here, there) = (&fleet.instances[0], &fleet.instances[1]);
    let told = |rest: Rest| async move { rest.get(&format!("/posts/{written}")).await["created_at"].clone() };
    assert_eq!(told(Rest::new(here.address)).await, told(Rest::new(there.address)).await);
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", there.server().pid())).unwrap();
    let soon = "> (extract(epoch from now()) * 1000)::bigint + 60000";
    let rows = "select created_at from posts union all select created_at from comments";
    let late = format!("select count(*) from ({rows}) rows where created_at {soon}");
    let mut report = fleet.settle(traffic).await;
    report.demand(maps.contains("libfaketime"), "the instance has the right clock");
    report.demand(fleet.postgres.ask(&late).await == 0, "a row bears the wrong clock's time");
    report.within(BACK).clean(&fleet.instances).await.verdict("the clock of an instance an hour fast");
}
