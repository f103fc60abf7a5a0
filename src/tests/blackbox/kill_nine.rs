//! A server that is killed again and again loses nothing that it acknowledged, doubles nothing, and hides no hole.

use crate::checker::check;
use crate::client::{Client, Phase, Plan, Progress, Run};
use crate::history::{Event, History, Inbox, Notice, Row, Truth, text};
use crate::support::database::Database;
use crate::support::rest::Rest;
use crate::support::server::Setup;
use crate::support::wire::Codec;
use crate::support::within;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const KILLS: usize = 20;
const WRITERS: usize = 6;
/// A few, so that people choose the same.
const EMOJI: [&str; 3] = ["👍", "🎉", "🚀"];
/// For what a restart holds up: a debug build that starts, eight clients that come back.
const LONG: Duration = Duration::from_secs(30);

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

    // The first one owns the rooms and what is reacted to, so that all of it is also told on that person's own channel.
    let tokens = setups[0].tokens("Writer", WRITERS).await;
    let rest = Rest::new(addresses[0]);
    let owner = rest.with(&tokens[0]);
    let mut people = Vec::new();
    for token in &tokens {
        people.push(rest.with(token).own_id().await);
    }
    let own_channel = format!("user:{}", people[0]);
    let (mut rooms, mut marks) = (Vec::new(), Vec::new());
    for title in ["one", "two", "three"] {
        let room = owner.post(title).await;
        marks.push((room, owner.comment(room, &text(title, 0)).await));
        rooms.push(room);
    }

    let run = Run::new();
    let channels: Vec<String> = rooms.iter().map(|room| format!("post:{room}")).collect();
    let mut clients = Vec::new();
    for index in 0..WRITERS + 2 {
        // The last two only watch, as the owner: one person on three sockets sees one stream.
        let owner = index == 0 || index >= WRITERS;
        let mut watched = channels.clone();
        watched.extend(owner.then(|| own_channel.clone()));
        let plan = Plan {
            name: format!("client{index}"),
            token: tokens[if owner { 0 } else { index }].clone(),
            codec: Codec::ALL[index % 2],
            channels: watched,
            rooms: if index < WRITERS { rooms.clone() } else { Vec::new() },
            marks: marks.clone(),
            emoji: EMOJI[index % EMOJI.len()],
            seed: random.random(),
        };
        clients.push(tokio::spawn(Client::new(plan, Arc::clone(&run)).work(addresses.clone())));
    }

    for kill in 1..=KILLS {
        let moment = choose(&mut random);
        println!("kill {kill}: {moment:?}");
        let before = run.progress.borrow().clone();
        wait(&run, &format!("{moment:?}"), |progress| moment.has_come(&before, progress)).await;
        // One after the other where there are several, so that clients go to and fro between them.
        let index = kill % instances;
        servers.remove(index).kill().await;
        servers.insert(index, setups[index].start().await);
    }
    let before = run.progress.borrow().acks;
    wait(&run, "writes after the last kill", |progress| progress.acks >= before + 50).await;
    run.phase.send_replace(Phase::Settling);
    wait(&run, "an answer to every write", |progress| progress.open == 0).await;

    let mut history = settled(&run, &rest, &owner, &rooms, &own_channel, clients).await;
    for (index, (token, user)) in tokens.iter().zip(people).enumerate() {
        history.people.insert(format!("client{index}"), user);
        for (_, comment) in &marks {
            history.mine.insert((user, *comment), rest.with(token).own_reactions(*comment).await);
        }
    }
    let (unread, rows) = owner.inbox().await;
    let rows: Vec<Notice> = rows.iter().map(Notice::read).collect();
    println!("{} notifications, {unread} unread", rows.len());
    history.inbox =
        history.people.get("client0").map(|owner| Inbox { owner: *owner, channel: own_channel, unread, rows });
    let progress = run.progress.borrow().clone();
    let (recovered, anew) = progress.recovered;
    println!("{} acknowledged, resumed {recovered}, begun anew {anew}, silent {}", progress.acks, progress.silent);
    let found = check(&history);
    let shown = &found[..found.len().min(20)];
    assert!(found.is_empty(), "{} promises broken, seed {seed}: {shown:#?}", found.len());
    assert!(recovered > 0, "no view ever went on from where it stood");
    // Nothing but an order or a restore changes the epoch, and a kill is neither.
    let epochs: Vec<&str> = history.truth.values().map(|truth| truth.epoch.as_str()).collect();
    assert!(history.views.iter().all(|view| view.marks.iter().all(|mark| epochs.contains(&epoch_of(mark, epochs[0])))));
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

async fn wait(run: &Run, what: &str, done: impl FnMut(&Progress) -> bool) {
    let mut progress = run.progress.subscribe();
    let reached = within(LONG, what, progress.wait_for(done)).await.is_ok();
    assert!(reached);
}

fn epoch_of<'a>(mark: &'a crate::history::Mark, other: &'a str) -> &'a str {
    use crate::history::Mark::{Event, Resync, Subscribed};
    match mark {
        Subscribed { epoch, .. } | Resync { epoch, .. } => epoch,
        Event(_) => other,
    }
}

/// Waits until every view stands at its head, ends the clients and reads the truth.
async fn settled(
    run: &Run,
    rest: &Rest,
    owner: &Rest,
    rooms: &[u64],
    own_channel: &str,
    clients: Vec<tokio::task::JoinHandle<Vec<crate::history::View>>>,
) -> History {
    let mut history = History::default();
    for room in rooms {
        let (epoch, head, comments) = rest.comments(*room).await;
        let (_, _, log) = rest.log(&format!("post:{room}")).await;
        let (rows, log) = (comments.iter().map(Row::read).collect(), log.iter().map(Event::read).collect());
        history.truth.insert(format!("post:{room}"), Truth { epoch, head, rows, log });
    }
    let (epoch, head, log) = owner.log(own_channel).await;
    let log = log.iter().map(Event::read).collect();
    history.truth.insert(own_channel.to_owned(), Truth { epoch, head, rows: Vec::new(), log });
    let heads = &history.truth;
    let mut progress = run.progress.subscribe();
    let all = progress
        .wait_for(|progress| progress.positions.iter().all(|((_, channel), (_, seq))| *seq >= heads[channel].head));
    // One that stays behind is the checker's to name.
    let _ = tokio::time::timeout(LONG, all).await;
    run.phase.send_replace(Phase::Done);
    for client in clients {
        history.views.extend(client.await.unwrap());
    }
    history.ops = std::mem::take(&mut run.ops.lock().unwrap());
    history
}
