//! One crowd in front of one server, and what is measured of it.

use crate::arguments::{Arguments, Failure};
use crate::crowd::Crowd;
use crate::dialect::{self, Dialect};
use crate::modes::Stage;
use crate::process::Tree;
use crate::publisher::Publisher;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Time for a whole crowd to join.
const JOINING: Duration = Duration::from_secs(120);

/// Opens `--subscribers` sockets in `--rooms` rooms and measures `--modes` one after the other: a line of JSON each.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let subscribers: usize = arguments.need("subscribers")?;
    let rooms: usize = arguments.or("rooms", 1)?;
    let modes: String = arguments.need("modes")?;
    let pid: u32 = arguments.need("pid")?;
    let seconds: u64 = arguments.or("seconds", 10)?;
    let burst: u64 = arguments.or("burst", 64)?;
    let address: SocketAddr = arguments.need("address")?;
    let dialect = dialect::take(arguments, address, rooms)?;
    arguments.done()?;
    if rooms == 0 || subscribers == 0 || !subscribers.is_multiple_of(rooms) {
        return Err("--rooms must divide --subscribers".into());
    }
    let resident = Tree::of(pid)?.resident_kib()?;
    let mut crowd = Crowd::new(dialect.as_ref())?;
    gather(&mut crowd, dialect.as_ref(), subscribers, rooms)?;
    let publisher = Publisher::open(dialect.as_ref(), &mut crowd, rooms)?;
    let mut stage = Stage { crowd, publisher, server: Tree::of(pid)?, load: Tree::of(std::process::id())?, seconds };
    let mut fitted = false;
    for mode in modes.split(',') {
        if !fitted && mode != "idle" {
            stage.publisher.fit(&mut stage.crowd)?;
            fitted = true;
        }
        let (name, argument) = mode.split_once(':').unwrap_or((mode, ""));
        let figures = match name {
            "idle" => stage.idle(resident)?,
            "one" => stage.lockstep(1)?,
            "burst" => stage.lockstep(burst)?,
            "saturation" => stage.saturation()?,
            "rate" => stage.rate(argument.parse().map_err(|_| "rate:MESSAGES_PER_SECOND")?, seconds)?,
            _ => return Err("--modes idle,one,burst,rate:N,saturation".into()),
        };
        let mut line = json!({"mode": mode, "subscribers": subscribers, "rooms": rooms});
        if let (Value::Object(line), Value::Object(figures)) = (&mut line, figures) {
            line.extend(figures);
        }
        println!("{line}");
    }
    Ok(())
}

/// Lets so many subscribers join rooms in turn.
pub fn gather(crowd: &mut Crowd, dialect: &dyn Dialect, subscribers: usize, rooms: usize) -> Result<(), Failure> {
    let begun = Instant::now();
    for index in 0..subscribers {
        if begun.elapsed() > JOINING {
            return Err(format!("only {index} of {subscribers} have joined in {} s", JOINING.as_secs()).into());
        }
        // Whoever is there already must answer heartbeats.
        if index % 50 == 0 {
            crowd.turn(Duration::ZERO)?;
        }
        let joined = dialect.join(index, index % rooms);
        crowd.subscriber(joined.map_err(|error| format!("subscriber {index}: {error}"))?)?;
    }
    Ok(())
}
