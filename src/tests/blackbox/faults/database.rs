//! What befalls the database.

use super::fleet::Fleet;
use super::proxy::Way;
use super::report::lasts;
use crate::support::rest::Rest;
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// An immediate shutdown is a crash: Postgres comes back with what it had committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_postgres_crashes() {
    let mut fleet = Fleet::of(2, &[]).await;
    let traffic = fleet.traffic().await;
    for _ in 0..lasts(1, 5) {
        traffic.flow(100).await;
        fleet.postgres.service.end("QUIT").await;
        fleet.postgres.service.start_again().await;
        fleet.postgres.ready().await;
    }
    traffic.flow(100).await;
    let report = fleet.settle(traffic).await.within(Duration::from_secs(20)).clean(&fleet.instances).await;
    report.verdict("Postgres crashes and comes back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_postgres_is_frozen() {
    let mut fleet = Fleet::of(2, &[]).await;
    let traffic = fleet.traffic().await;
    fleet.postgres.service.signal_all("STOP").await;
    let frozen = lasts(Duration::from_secs(7), Duration::from_secs(20));
    sleep(frozen).await;
    fleet.postgres.service.signal_all("CONT").await;
    traffic.flow(100).await;
    let cut = traffic.progress().cut;
    let mut report = fleet.settle(traffic).await;
    report.demand(cut == 0, &format!("{cut} sockets were cut for what only the database did"));
    let report = report.within(frozen + Duration::from_secs(10)).clean(&fleet.instances).await;
    report.verdict("Postgres frozen for 20 s");
}

/// What a lost answer to a COMMIT did is found by the retry, once, and told to everyone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_answers_to_commits_are_lost() {
    let mut fleet = Fleet::of(2, &[]).await;
    let traffic = fleet.traffic().await;
    for round in 0..lasts(4, 40) {
        traffic.flow(30).await;
        fleet.instances[round % 2].database().lose_commits(1);
    }
    traffic.flow(100).await;
    let lost: u32 = fleet.instances.iter().map(|instance| instance.database().lost_commits()).sum();
    let mut report = fleet.settle(traffic).await;
    report.demand(lost >= lasts(2, 30), &format!("only {lost} answers to a COMMIT were lost"));
    report.within(Duration::from_secs(10)).clean(&fleet.instances).await.verdict("answers to COMMIT lost");
}

/// A database that takes no writes refuses them all, loses none of those it took, and is read all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_postgres_takes_no_writes() {
    let mut fleet = Fleet::of(2, &[]).await;
    let traffic = fleet.traffic().await;
    let reader = Rest::new(fleet.instances[0].address).with(traffic.token());
    let room = format!("/posts/{}", traffic.rooms()[0]);
    fleet.postgres.set("default_transaction_read_only", "on").await;
    traffic.wait("writes that are refused", |progress| progress.unavailable >= 20).await;
    let begun = Instant::now();
    let mut looks = tokio::time::interval(Duration::from_millis(200));
    while begun.elapsed() < lasts(Duration::from_secs(2), Duration::from_secs(15)) {
        looks.tick().await;
        reader.get(&room).await;
        let body = json!({"body": "in vain v0"});
        let (status, answer) = reader.call(Method::POST, &format!("{room}/comments"), Some(body)).await;
        assert_eq!((status, &answer["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable")));
    }
    fleet.postgres.set("default_transaction_read_only", "off").await;
    traffic.flow(100).await;
    let report = fleet.settle(traffic).await.within(Duration::from_secs(10)).clean(&fleet.instances).await;
    report.verdict("Postgres takes no writes");
}

/// The way to the database is slow, in crumbs, silent and cut, of one instance after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_a_bad_way_to_the_database() {
    let mut fleet = Fleet::of(2, &[]).await;
    let traffic = fleet.traffic().await;
    let long = lasts(Duration::from_secs(1), Duration::from_secs(10));
    for (index, way) in
        [Way::Slow(Duration::from_millis(30)), Way::Crumbs, Way::Silent, Way::Cut].into_iter().enumerate()
    {
        traffic.flow(50).await;
        let database = fleet.instances[index % 2].database();
        database.make(way);
        sleep(long).await;
        database.make(Way::Open);
    }
    traffic.flow(100).await;
    let report = fleet.settle(traffic).await.within(long + Duration::from_secs(15)).clean(&fleet.instances).await;
    report.verdict("a slow, crumbling, silent and cut way to Postgres");
}

/// The database grants no connection any more, and an instance has but one for reading.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_no_connection_is_left() {
    let mut fleet = Fleet::of(2, &[("BELFRY_DATABASE_CONNECTIONS", "1")]).await;
    let traffic = fleet.traffic().await;
    fleet.postgres.say("postgres", "alter database belfry connection limit 0").await;
    // Those that the instances had are ended, so that they must ask for new ones.
    fleet.postgres.disconnect().await;
    traffic.wait("writes that are refused", |progress| progress.unavailable >= 5).await;
    sleep(lasts(Duration::from_secs(1), Duration::from_secs(15))).await;
    fleet.postgres.say("postgres", "alter database belfry connection limit -1").await;
    traffic.flow(100).await;
    let report = fleet.settle(traffic).await.within(Duration::from_secs(20)).clean(&fleet.instances).await;
    report.verdict("no connection to Postgres left");
}

/// A member of a group that the database refuses takes nothing with it: the others are acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_member_takes_no_other_with_it() {
    let mut fleet = Fleet::of(2, &[]).await;
    let traffic = fleet.traffic().await;
    fleet.postgres.say("belfry", "alter table comments add check (body not like 'refused%')").await;
    let before = traffic.progress();
    for index in 0..lasts(30, 300) {
        let writer = Rest::new(fleet.instances[index % 2].address).with(traffic.token());
        let path = format!("/posts/{}/comments", traffic.rooms()[index % 3]);
        let (status, answer) = writer.call(Method::POST, &path, Some(json!({"body": "refused v0"}))).await;
        assert_eq!((status, &answer["code"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal")));
    }
    let progress = traffic.progress();
    assert!(progress.acks > before.acks, "writes of others go on meanwhile");
    let mut report = fleet.settle(traffic).await;
    let others = progress.unavailable - before.unavailable;
    report.demand(others == 0, &format!("{others} writes of others were refused with it"));
    let report = report.within(Duration::from_secs(5)).clean(&fleet.instances).await;
    report.verdict("commits with a member that the database refuses");
}
