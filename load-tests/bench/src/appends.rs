//! How much is committed a second: events that a back end publishes, and whole comments that people write over sockets,
//! in one room and over many, with as much on its way all the time as is said. Nobody listens, and nothing is pinned.

use crate::appending::{Append, Comment, Publish};
use crate::arguments::{Arguments, Failure};
use crate::crowd::PATIENCE;
use crate::fleet::{Fleet, Store, quantile, rooms};
use crate::flight::Flight;
use crate::http::Http;
use crate::process::Tree;
use crate::report::thousands;
use serde_json::Value;
use std::fmt::{Display, Formatter};
use std::time::{Duration, Instant};

/// Before what counts: connections are opened, plans are made, caches are warm.
const WARM: Duration = Duration::from_secs(1);

/// No log is longer.
const END: u64 = (1 << 53) - 1;

/// Acknowledged a second, more than which is the goal.
struct Goal {
    postgres: f64,
    sqlite: f64,
}

const PUBLISH: Goal = Goal { postgres: 20_000.0, sqlite: 10_000.0 };
const COMMENT: Goal = Goal { postgres: 2_500.0, sqlite: 5_000.0 };

/// Measures `--belfry` on an empty folder `--data`, or on the database `--database`, which must be empty; with
/// `--strict`, a figure that does not reach its goal is a failure. One that is not true always is.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let fleet = Fleet::single(arguments)?;
    let seconds: u64 = arguments.or("seconds", 5)?;
    let flying: usize = arguments.or("flying", 64)?;
    let many: usize = arguments.or("rooms", 1_000)?;
    let strict = arguments.flag("strict")?;
    arguments.done()?;
    if seconds == 0 || flying == 0 || many == 0 {
        return Err("--seconds, --flying and --rooms must not be 0".into());
    }
    let mut tokens = fleet.people(flying + 1)?;
    let (author, key) = (tokens.pop().ok_or("no token was printed")?, fleet.key()?);
    let server = fleet.serve(false)?;
    let address = server.address();
    let mut stage = Stage {
        server: Tree::of(server.pid())?,
        load: Tree::this(),
        reader: Http::connect(address, &author)?,
        flying,
        time: Duration::from_secs(seconds),
    };
    let (publish, comment) = (Publish { address, key }, Comment { address, tokens });
    let ways: [(&str, &dyn Append, bool, Goal); 2] =
        [("publish", &publish, false, PUBLISH), ("comments", &comment, true, COMMENT)];
    let mut counts = vec![1, many];
    counts.dedup();
    let store = fleet.store();
    println!("{store}, {flying} on their way for {seconds} s, nobody listens:");
    println!(
        "{:<24} {:>9} {:>8} {:>8} {:>10} {:>8} {:>7}  goal",
        "", "a second", "p50 ms", "p99 ms", "server µs", "load µs", "errors"
    );
    let mut failures = Vec::new();
    for (name, append, tells, goal) in ways {
        for count in &counts {
            let rooms = rooms(address, &author, *count)?;
            let among = if *count == 1 { "one room".into() } else { format!("{} rooms", thousands(*count as f64)) };
            let name = format!("{name}, {among}");
            let figures = stage.measure(append, &rooms, tells)?;
            let goal = goal.of(store);
            let reached = figures.per_second > goal;
            if !reached && strict {
                failures.push(format!("{name}: not above {}", thousands(goal)));
            }
            println!("{name:<24} {figures}  > {}{}", thousands(goal), if reached { "" } else { ": BELOW" });
            failures.extend(figures.wrong.first().map(|wrong| format!("{name}: {wrong}")));
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

/// What a measurement is made of.
struct Stage {
    server: Tree,
    load: Tree,
    /// Reads logs as the author of all posts.
    reader: Http,
    flying: usize,
    time: Duration,
}

/// What came of one.
struct Figures {
    per_second: f64,
    times: [f64; 2],
    /// CPU of server and generator for each, in microseconds.
    cpu: [f64; 2],
    errors: usize,
    /// What makes it untrue.
    wrong: Vec<String>,
}

impl Stage {
    /// Appends to rooms that have no events yet. Where that `tells` their author, their own channel grows as much.
    fn measure(&mut self, append: &dyn Append, rooms: &[u64], tells: bool) -> Result<Figures, Failure> {
        let told_before = self.log("me", END)?["seq"].as_u64().ok_or("a log without a head")?;
        let mut flight = Flight::open(append, self.flying, rooms)?;
        flight.fly(WARM)?;
        flight.times.clear();
        let (begun, before) = (Instant::now(), self.cpu()?);
        flight.fly(self.time)?;
        let (took, after) = (begun.elapsed().as_secs_f64(), self.cpu()?);
        let mut times = std::mem::take(&mut flight.times);
        flight.land(PATIENCE)?;
        let (count, errors) = (times.len() as f64, flight.refused.len());
        let mut wrong = flight.refused;
        // Whether what was refused is in the log nobody knows.
        if errors == 0 {
            let told = if tells { flight.acknowledged.iter().sum() } else { 0 };
            let logs = rooms.iter().map(|room| format!("post:{room}")).zip(flight.acknowledged);
            for (channel, head) in logs.chain([("me".to_owned(), told_before + told)]) {
                let log = self.log(&channel, head.saturating_sub(1))?;
                wrong.extend(differs(&channel, head, &log));
            }
        }
        Ok(Figures {
            per_second: count / took,
            times: [0.5, 0.99].map(|share| quantile(&mut times, share)),
            cpu: [0, 1].map(|whose| (after[whose] - before[whose]) / count * 1e6),
            errors,
            wrong,
        })
    }

    /// CPU seconds of server and generator.
    fn cpu(&self) -> Result<[f64; 2], Failure> {
        Ok([self.server.cpu_seconds()?, self.load.cpu_seconds()?])
    }

    /// The event behind one, and where the log stands.
    fn log(&mut self, channel: &str, since: u64) -> Result<Value, Failure> {
        self.reader.ask(&format!("/api/v1/channels/{channel}/events?since={since}&limit=1"))?;
        self.reader.receive()
    }
}

/// Says so where a channel's log does not end with the event of this number, none where that is 0.
fn differs(channel: &str, wanted: u64, log: &Value) -> Option<String> {
    let (head, last) = (log["seq"].as_u64(), log["items"][0]["seq"].as_u64().unwrap_or(0));
    let same = head == Some(wanted) && last == wanted;
    (!same).then(|| format!("{wanted} were acknowledged, and the log of {channel} ends with {}", log["seq"]))
}

impl Goal {
    fn of(&self, store: Store) -> f64 {
        match store {
            Store::Sqlite => self.sqlite,
            Store::Postgres => self.postgres,
        }
    }
}

impl Display for Figures {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { per_second, times: [p50, p99], cpu: [server, load], errors, .. } = self;
        let per_second = thousands(*per_second);
        write!(out, "{per_second:>9} {p50:>8.2} {p99:>8.2} {server:>10.0} {load:>8.0} {errors:>7}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_log_that_does_not_end_with_what_was_acknowledged_makes_a_figure_untrue() {
        let log = |head: u64, last: &[u64]| json!({"seq": head, "items": last.iter().map(|seq| json!({"seq": seq})).collect::<Vec<_>>()});
        assert_eq!(differs("post:1", 0, &log(0, &[])), None);
        assert_eq!(differs("post:1", 7, &log(7, &[7])), None);
        for (head, last) in [(6, &[][..]), (7, &[][..]), (8, &[7][..])] {
            let said = differs("post:1", 7, &log(head, last)).expect("it differs");
            assert_eq!(said, format!("7 were acknowledged, and the log of post:1 ends with {head}"));
        }
        assert!(differs("post:1", 0, &log(1, &[1])).is_some());
    }
}
