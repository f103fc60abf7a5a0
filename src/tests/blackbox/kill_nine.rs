//! A server that is killed again and again loses nothing that it acknowledged, doubles nothing, and hides no hole.

use crate::checker::check;
use crate::client::Progress;
use crate::history::Mark;
use crate::support::database::Database;
use crate::support::server::Setup;
use crate::traffic::Traffic;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::net::SocketAddr;
use std::sync::Arc;

const KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_survives_kill_nine() {
    survives_kill_nine(Database::Sqlite, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_survives_kill_nine() {
    if let Some(database) = Database::postgres().await {
        survives_kill_nine(database, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_on_one_postgres_survive_kill_nine() {
    if let Some(database) = Database::postgres().await {
        survives_kill_nine(database, 2).await;
    }
}

/// `BELFRY_TEST_SEED` repeats a run's choices (not its timing).
fn seed() -> u64 {
    let seed = std::env::var("BELFRY_TEST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("BELFRY_TEST_SEED={seed}");
    seed
}

async fn survives_kill_nine(database: Database, instances: usize) {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let (mut setups, mut servers) = (Vec::new(), Vec::new());
    for _ in 0..instances {
        let mut setup = Setup::new(&[("BELFRY_RATE_LIMITS", "off"), ("BELFRY_HEARTBEAT", "1s")]);
        database.apply(&mut setup);
        let server = setup.start().await;
        setup.set("BELFRY_LISTEN", &server.address.to_string());
        setups.push(setup);
        servers.push(server);
    }
    let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
    let traffic = Traffic::begin(&setups[0], &addresses, &mut random).await;
    for kill in 1..=KILLS {
        let moment = choose(&mut random);
        println!("kill {kill}: {moment:?}");
        let before = traffic.progress();
        traffic.wait(&format!("{moment:?}"), |progress| moment.has_come(&before, progress)).await;
        // One after the other where there are several, so that clients go to and fro between them.
        let index = kill % instances;
        servers.remove(index).kill().await;
        servers.insert(index, setups[index].start().await);
    }
    traffic.flow(50).await;
    let run = Arc::clone(&traffic.run);
    let (history, worst) = traffic.settle(addresses[0]).await;

    let progress = run.progress.borrow().clone();
    let (recovered, anew) = progress.recovered;
    println!("{} acknowledged, resumed {recovered}, begun anew {anew}, silent {}", progress.acks, progress.silent);
    println!("longest delivery {worst:?}");
    println!("{} notifications", history.inbox.as_ref().map_or(0, |inbox| inbox.rows.len()));
    let found = check(&history);
    let shown = &found[..found.len().min(20)];
    assert!(found.is_empty(), "{} promises broken, seed {seed}: {shown:#?}", found.len());
    assert!(recovered > 0, "no view ever went on from where it stood");
    // Nothing but an order or a restore changes the epoch, and a kill is neither.
    let epochs: Vec<&str> = history.truth.values().map(|truth| truth.epoch.as_str()).collect();
    let mut told = history.views.iter().flat_map(|view| &view.marks).filter_map(Mark::epoch);
    assert!(told.all(|epoch| epochs.contains(&epoch)));
    drop(servers);
    database.remove().await;
}

/// When the next kill comes: what was done is still warm, and something else is on its way.
#[derive(Debug)]
enum Moment {
    Acks(u64),
    Welcomes(u64),
    Listening,
}

fn choose(random: &mut StdRng) -> Moment {
    match random.random_range(0..10) {
        0 => Moment::Listening,
        1..=2 => Moment::Welcomes(random.random_range(1..8)),
        _ => Moment::Acks(random.random_range(1..200)),
    }
}

impl Moment {
    fn has_come(&self, before: &Progress, now: &Progress) -> bool {
        match self {
            Self::Acks(acks) => now.acks >= before.acks + acks,
            // Beside another instance only those come back that were on the killed one: writes will do then.
            Self::Welcomes(welcomes) => now.welcomes >= before.welcomes + welcomes || now.acks >= before.acks + 200,
            Self::Listening => true,
        }
    }
}
