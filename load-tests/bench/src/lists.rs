//! How long the first page of a long list takes, beside a request that asks no database.

use crate::arguments::{Arguments, Failure};
use crate::belfry::{over, print, settings};
use crate::http::Http;
use crate::server::{listening, pinned};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Requests before those that count: connections are opened, plans are made, pages of the database are in memory.
const WARM: usize = 20;

/// Measures `--belfry` on an empty folder `--data`, or on the database `--database`, which must be empty.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let belfry: PathBuf = arguments.need("belfry")?;
    let data: PathBuf = arguments.need("data")?;
    let database: Option<String> = arguments.take("database")?;
    let comments: u32 = arguments.or("comments", 110_000)?;
    let requests: usize = arguments.or("requests", 500)?;
    arguments.done()?;
    let command = |arguments: &[&str]| command(&belfry, &data, database.as_deref(), arguments);
    eprintln!("writing {comments} comments on one post, and their author's inbox");
    let seeded = print(&mut command(&["seed", "--comments", "0", "--large", &comments.to_string()]))?;
    let post = seeded.lines().find(|line| line.ends_with(&format!(": {comments} comments")));
    let post = post.and_then(|line| line.strip_prefix("post ")?.split(':').next()).ok_or("no post was seeded")?;
    let owner = print(&mut command(&["token", "--name", "Ada Marten", "--ttl", "12h"]))?;
    let server = listening(command(&["serve"]))?;
    let mut http = Http::connect(server.address(), owner.trim())?;
    let list = |query: &str| format!("/api/v1/posts/{post}/comments?limit=20&{query}");
    let asked = [
        ("no database", "/health/live".to_owned()),
        ("comments, oldest", list("sort=oldest")),
        ("comments, newest", list("sort=newest")),
        ("roots with replies=3", list("parent_id=0&replies=3")),
        ("comments, top", list("sort=top")),
        ("roots, top, replies=3", list("parent_id=0&sort=top&replies=3")),
        ("inbox", "/api/v1/notifications?limit=20".to_owned()),
        ("inbox, unread", "/api/v1/notifications?limit=20&unread=true".to_owned()),
    ];
    let store = if database.is_some() { "Postgres" } else { "SQLite" };
    println!("{store}, {comments} comments, one request after the other, {requests} each (ms):");
    println!("{:<24} {:>8} {:>8} {:>8}", "", "median", "p99", "× none");
    let mut none = f64::NAN;
    for (name, path) in asked {
        let mut times = Vec::with_capacity(requests);
        for round in 0..WARM + requests {
            let begun = Instant::now();
            http.ask(&path)?;
            http.receive()?;
            if round >= WARM {
                times.push(begun.elapsed());
            }
        }
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let (median, p99) = (ms(times[requests / 2]), ms(times[requests * 99 / 100]));
        none = if none.is_nan() { median } else { none };
        println!("{name:<24} {median:>8.2} {p99:>8.2} {:>8.1}", median / none);
    }
    Ok(())
}

fn command(belfry: &Path, data: &Path, database: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = settings(pinned(belfry), data);
    command.args(arguments);
    if let Some(database) = database {
        over(&mut command, database);
    }
    command
}
