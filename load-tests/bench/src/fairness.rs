//! Whether small rooms keep their pace: alone, beside a huge busy room, beside a socket that floods, and beside sign-ins,
//! lists and long texts. Neighbours are threads of their own, so that only the server can hold a small room up.

use crate::arguments::{Arguments, Failure};
use crate::belfry::Belfry;
use crate::crowd::Crowd;
use crate::dialect;
use crate::load::gather;
use crate::modes::Stage;
use crate::neighbours::{Neighbour, Place};
use crate::process::Tree;
use crate::publisher::Publisher;
use std::path::PathBuf;
use std::time::Duration;

/// Sockets in a small room.
const ROOM: usize = 10;
/// Seconds between two heartbeats.
const HEARTBEAT: u64 = 25;

/// What a neighbour may do to the slowest hundredth of messages.
enum Bound {
    /// So many milliseconds more.
    More(f64),
    /// So many times as long.
    Times(f64),
}

const NEIGHBOURS: [(&str, Neighbour, Bound); 3] = [
    ("a busy room", Neighbour::Room, Bound::More(20.0)),
    ("a socket that floods", Neighbour::Flood, Bound::Times(1.5)),
    ("sign-ins, lists, long texts", Neighbour::Requests, Bound::Times(1.5)),
];

/// Measures `--belfry` in the empty folder `--data`; with `--strict`, a median beyond its bound is a failure.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let binary: PathBuf = arguments.need("belfry")?;
    let data: PathBuf = arguments.need("data")?;
    let busy: usize = arguments.or("busy", 10_000)?;
    let rooms: usize = arguments.or("rooms", 20)?;
    let rate: u32 = arguments.or("rate", 100)?;
    let seconds: u64 = arguments.or("seconds", 10)?;
    let rounds: usize = arguments.or("rounds", 3)?;
    let strict = arguments.flag("strict")?;
    arguments.done()?;
    if rooms == 0 || busy == 0 || rate == 0 || rounds == 0 {
        return Err("--rooms, --busy, --rate and --rounds must not be 0".into());
    }
    let small = rooms * ROOM;
    // The neighbours' posts are the last ones, and the last person is nobody's subscriber.
    let belfry = Belfry::prepare(binary, &data, small + busy + 2, rooms + Place::POSTS)?;
    let server = belfry.serve(HEARTBEAT)?;
    let place = Place::take(&belfry, &data, server.address(), rooms, small, busy)?;
    let mut words = belfry.arguments("both");
    words.extend(["--dialect", "belfry", "--publish", "signal"].map(str::to_owned));
    let dialect = dialect::take(&mut Arguments::read(words.into_iter())?, server.address(), rooms)?;
    let mut crowd = Crowd::new(dialect.as_ref())?;
    gather(&mut crowd, dialect.as_ref(), small, rooms)?;
    let publisher = Publisher::open(dialect.as_ref(), &mut crowd, rooms)?;
    let (tree, load) = (Tree::of(server.pid())?, Tree::of(std::process::id())?);
    let mut stage = Stage { crowd, publisher, server: tree, load, seconds };
    stage.publisher.fit(&mut stage.crowd)?;
    let mut alone = Vec::new();
    let mut beside: Vec<Vec<[f64; 2]>> = NEIGHBOURS.iter().map(|_| Vec::new()).collect();
    let mut alone_then: Vec<Vec<[f64; 2]>> = beside.clone();
    for round in 1..=rounds {
        for (at, (name, neighbour, _)) in NEIGHBOURS.iter().enumerate() {
            let before = times(&mut stage, rate, seconds)?;
            eprintln!("round {round}: alone, p50 {:.2} ms, p99 {:.2} ms", before[0], before[1]);
            let moved_in = place.let_in(*neighbour);
            while !moved_in.is_ready()? {
                stage.crowd.turn(Duration::from_millis(20))?;
            }
            let then = times(&mut stage, rate, seconds)?;
            let done = moved_in.leave()?;
            eprintln!("round {round}: beside {name} ({done} times), p50 {:.2} ms, p99 {:.2} ms", then[0], then[1]);
            alone.push(before);
            alone_then[at].push(before);
            beside[at].push(then);
        }
    }
    println!("Small rooms: {rooms} of {ROOM}, {rate} messages a second in all. Busy room: {busy}. {rounds} rounds.");
    println!("{:<30} {:>8} {:>8} {:>8} {:>8}  p99 beside the one before", "", "p50 ms", "p99 ms", "+ ms", "×");
    let [p50, p99] = middles(&alone);
    println!("{:<30} {p50:>8.2} {p99:>8.2}", "alone");
    let mut beyond = Vec::new();
    for ((name, _, bound), (then, before)) in NEIGHBOURS.iter().zip(beside.iter().zip(&alone_then)) {
        let [p50, p99] = middles(then);
        let more = middle(then.iter().zip(before).map(|(then, before)| then[1] - before[1]).collect());
        let ratio = middle(then.iter().zip(before).map(|(then, before)| then[1] / before[1]).collect());
        let (kept, said) = match bound {
            Bound::More(most) => (more <= *most, format!("at most + {most} ms")),
            Bound::Times(most) => (ratio <= *most, format!("at most × {most}")),
        };
        let kept = if kept {
            ""
        } else {
            beyond.push(*name);
            ": BEYOND"
        };
        println!("{name:<30} {p50:>8.2} {p99:>8.2} {more:>8.2} {ratio:>8.2}  {said}{kept}");
    }
    if strict && !beyond.is_empty() {
        return Err(format!("small rooms are held up by {}", beyond.join(" and ")).into());
    }
    Ok(())
}

/// p50 and p99 in milliseconds; nothing may be lost.
fn times(stage: &mut Stage, rate: u32, seconds: u64) -> Result<[f64; 2], Failure> {
    let figures = stage.rate(rate, seconds)?;
    if figures["lost"] != 0 || figures["unpublished"] != 0 {
        return Err(format!("messages to small rooms were lost or not taken: {figures}").into());
    }
    let number = |name: &str| figures[name].as_f64().ok_or_else(|| format!("no {name}"));
    Ok([number("p50_ms")?, number("p99_ms")?])
}

fn middles(of: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|which| middle(of.iter().map(|both| both[which]).collect()))
}

fn middle(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}
