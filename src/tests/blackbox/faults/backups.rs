//! An older backup takes the place of the database, and is written past the place where the newer one stood.
//!
//! What was acknowledged between the backup and its return is rightfully gone, and not counted: of everything before and
//! after, nothing may be, and no client may take one history for a part of the other.

use super::fleet::{Fleet, Instance};
use super::postgres::Postgres;
use super::proxy::Way;
use super::report::{Report, lasts};
use crate::client::Phase;
use crate::support::rest::Rest;
use crate::support::within;
use crate::traffic::Traffic;
use std::collections::BTreeMap;
use std::time::Duration;

/// An epoch is read with every sweep; fetching again takes a moment.
const NOTICED: Duration = Duration::from_secs(5);

/// Writes between the backup and its return.
fn more() -> u64 {
    lasts(150, 800)
}

/// Where each channel of the traffic stands, and the epoch.
async fn heads(instance: &Instance, traffic: &Traffic) -> (String, BTreeMap<String, u64>) {
    let rest = Rest::new(instance.address);
    let (mut epoch, mut heads) = (String::new(), BTreeMap::new());
    for room in traffic.rooms() {
        let post = rest.get(&format!("/posts/{room}")).await;
        epoch = post["epoch"].as_str().unwrap().to_owned();
        heads.insert(format!("post:{room}"), post["seq"].as_u64().unwrap());
    }
    (epoch, heads)
}

/// Writes on, past the heads of the database that is gone, and settles. `backed_up` is the place in the operations from
/// which on the backup may lack what they did.
async fn write_past(fleet: &Fleet, traffic: Traffic, old: (String, BTreeMap<String, u64>), backed_up: usize) -> Report {
    let epoch = another_epoch(&fleet.instances[0], &traffic, &old.0).await;
    traffic.reach(&epoch, &BTreeMap::new()).await;
    let restored = traffic.run.ops.lock().unwrap().len();
    traffic.run.phase.send_replace(Phase::Writing);
    traffic.reach(&epoch, &old.1).await;
    let (mut history, worst) = traffic.settle(fleet.instances[0].address).await;
    history.take_back(backed_up..restored);
    Report::of(&history, worst)
}

/// The epoch of the restored database, once the instance has found out.
async fn another_epoch(instance: &Instance, traffic: &Traffic, old: &str) -> String {
    within(NOTICED, "another epoch than that of the database that is gone", async {
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        loop {
            looks.tick().await;
            let (epoch, _) = heads(instance, traffic).await;
            if epoch != old {
                return epoch;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_history_is_mixed_with_that_of_an_older_dump() {
    let mut fleet = Fleet::of(2, &[]).await;
    let traffic = fleet.traffic().await;
    let backed_up = traffic.run.ops.lock().unwrap().len();
    let dump = fleet.postgres.folder.join("dump");
    fleet.postgres.dump(&dump).await;
    traffic.flow(more()).await;
    // From here on nothing is written that depends on what will be gone.
    traffic.pause().await;
    let old = heads(&fleet.instances[0], &traffic).await;
    traffic.run.phase.send_replace(Phase::Plain);
    traffic.flow(20).await;
    fleet.postgres.restore(&dump).await;
    traffic.flow(20).await;
    let report = write_past(&fleet, traffic, old, backed_up).await;
    report.within(NOTICED).clean(&fleet.instances).await.verdict("an older dump restored");
}

/// A cluster's files cannot be told from their copy: whoever puts one back says so before an instance sees it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_history_is_mixed_with_that_of_an_older_cold_copy() {
    let mut fleet = Fleet::of(2, &[]).await;
    let traffic = fleet.traffic().await;
    let backed_up = traffic.run.ops.lock().unwrap().len();
    fleet.postgres.service.end("INT").await;
    fleet.postgres.copy("data", "backup").await;
    fleet.postgres.service.start_again().await;
    traffic.flow(more()).await;
    traffic.pause().await;
    let old = heads(&fleet.instances[0], &traffic).await;
    traffic.run.phase.send_replace(Phase::Plain);
    traffic.flow(20).await;
    fleet.instances.iter().for_each(|instance| instance.database().make(Way::Cut));
    fleet.postgres.service.end("INT").await;
    fleet.postgres.copy("backup", "data").await;
    fleet.postgres.service.start_again().await;
    fleet.postgres.ready().await;
    let mut operator = fleet.instances[0].setup.clone();
    operator.set("DATABASE_URL", &Postgres::url(fleet.postgres.service.address));
    let (code, _, complaint) = operator.run(&["epoch", "--new"]).await;
    assert_eq!(code, Some(0), "{complaint}");
    fleet.instances.iter().for_each(|instance| instance.database().make(Way::Open));
    traffic.flow(20).await;
    let report = write_past(&fleet, traffic, old, backed_up).await;
    report.within(NOTICED).clean(&fleet.instances).await.verdict("an older cold copy restored");
}
