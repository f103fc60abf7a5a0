//! What befalls instances.

use super::fleet::Fleet;
use super::report::{Report, lasts};
use crate::traffic::Traffic;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::time::Duration;

/// `kill -9` of one instance after the other, and a start on the same port.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_instances_are_killed() {
    let mut fleet = Fleet::of(2, &[]).await;
    let mut random = StdRng::seed_from_u64(rand::random());
    let traffic = Traffic::begin(&fleet.instances[0].setup, &fleet.addresses(), &mut random).await;
    for round in 0..lasts(3, 20) {
        traffic.flow(random.random_range(20..200)).await;
        let instance = &mut fleet.instances[round % 2];
        instance.kill().await;
        instance.start().await;
    }
    traffic.flow(50).await;
    let (history, worst) = traffic.settle(fleet.addresses()[0]).await;
    let report = Report::of(&history, worst).within(Duration::from_secs(15)).clean(&fleet).await;
    report.verdict("kill -9 of an instance, again and again");
}
