//! What befalls Redis. Clients come through a balancer that obeys `ready`: without Redis alone nobody is sent away.

use super::balancer::Balancer;
use super::fleet::{Fleet, Instance};
use super::proxy::Way;
use super::report::{Report, lasts};
use crate::support::rest::Rest;
use crate::support::within;
use crate::traffic::Traffic;
use std::time::Duration;
use tokio::time::sleep;

/// The sweep brings what Redis does not, each second at the latest; a machine under load is given some more.
const SWEPT: Duration = Duration::from_secs(5);

/// A fleet, its balancer, and traffic through it.
async fn begin() -> (Fleet, Balancer, Traffic) {
    let mut fleet = Fleet::of(2, &[]).await;
    let balancer = fleet.balancer().await;
    let traffic = fleet.traffic_at(&[balancer.address]).await;
    (fleet, balancer, traffic)
}

/// Waits until an instance says so of itself; nobody is sent away for it.
async fn says(instance: &Instance, status: &str) {
    let health = Rest::outside(instance.address);
    within(Duration::from_secs(30), &format!("health to be {status}"), async {
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        while health.get("/health").await["status"] != status {
            looks.tick().await;
        }
    })
    .await;
    health.get("/health/ready").await;
}

/// Lets a fault without Redis go on for a while, then settles: nobody was sent away, and Redis carries again.
async fn end(fleet: &Fleet, balancer: &Balancer, traffic: Traffic, fault: &str) {
    for instance in &fleet.instances {
        says(instance, "ok").await;
    }
    traffic.flow(100).await;
    let away = traffic.progress().welcomes > traffic.clients() as u64;
    let mut report: Report = fleet.settle(traffic).await;
    report.demand(!away, "a client had to come back");
    report.demand(balancer.ready().borrow().len() == 2, "an instance is not ready");
    report.within(SWEPT).clean(&fleet.instances).await.verdict(fault);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_redis_is_killed_and_comes_back_empty() {
    let (mut fleet, balancer, traffic) = begin().await;
    for _ in 0..lasts(1, 5) {
        fleet.redis.end("KILL").await;
        says(&fleet.instances[0], "degraded").await;
        traffic.flow(100).await;
        fleet.redis.start_again().await;
        traffic.flow(100).await;
    }
    end(&fleet, &balancer, traffic, "`kill -9` of Redis, back empty").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_redis_is_frozen() {
    let (fleet, balancer, traffic) = begin().await;
    fleet.redis.signal_all("STOP").await;
    says(&fleet.instances[0], "degraded").await;
    sleep(lasts(Duration::from_secs(2), Duration::from_secs(60))).await;
    traffic.flow(100).await;
    let looked = balancer.ready().borrow().len();
    fleet.redis.signal_all("CONT").await;
    assert_eq!(looked, 2, "without Redis alone an instance is ready");
    end(&fleet, &balancer, traffic, "Redis frozen for 60 s").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_one_instance_is_cut_off_from_redis() {
    let (fleet, balancer, traffic) = begin().await;
    for way in [Way::Cut, Way::Silent] {
        fleet.instances[1].bus().make(way);
        says(&fleet.instances[1], "degraded").await;
        sleep(lasts(Duration::from_secs(1), Duration::from_secs(30))).await;
        traffic.flow(100).await;
        fleet.instances[1].bus().make(Way::Open);
        traffic.flow(50).await;
    }
    end(&fleet, &balancer, traffic, "Redis out of reach of one instance").await;
}
