//! Instances that nobody pins: several over one Postgres and one Redis, which are there already and empty, or a single one.

use crate::arguments::{Arguments, Failure};
use crate::belfry::{over, print, settings};
use crate::http::Http;
use crate::process::Tree;
use crate::server::{Running, listening};
use crate::wire::{Codec, await_text, upgrade};
use serde_json::{Value, json};
use std::fmt::{Display, Formatter};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Where events are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// A file of the instance's own.
    Sqlite,
    /// A server beside it.
    Postgres,
}

impl Display for Store {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(if *self == Self::Sqlite { "SQLite" } else { "Postgres" })
    }
}

/// What all instances share.
pub struct Fleet {
    binary: PathBuf,
    data: PathBuf,
    /// None: SQLite in the data folder.
    database: Option<String>,
    redis: Option<String>,
}

impl Fleet {
    /// As `--belfry`, `--data`, `--database` and `--redis` say.
    pub fn read(arguments: &mut Arguments) -> Result<Self, Failure> {
        let (database, redis) = (arguments.need("database")?, arguments.need("redis")?);
        Ok(Self { database: Some(database), redis: Some(redis), ..Self::single(arguments)? })
    }

    /// For one instance: `--belfry`, an empty folder `--data`, and a `--database` where it shall be Postgres.
    pub fn single(arguments: &mut Arguments) -> Result<Self, Failure> {
        let (binary, data) = (arguments.need("belfry")?, arguments.need("data")?);
        Ok(Self { binary, data, database: arguments.take("database")?, redis: None })
    }

    /// What it stores in.
    pub fn store(&self) -> Store {
        if self.database.is_some() { Store::Postgres } else { Store::Sqlite }
    }

    /// Starts an instance; with others, or with nothing between it and them.
    pub fn serve(&self, among_others: bool) -> Result<Running, Failure> {
        let mut command = self.command();
        command.arg("serve").env("BELFRY_HEARTBEAT", "60s");
        if among_others {
            command.env("REDIS_URL", self.redis.as_ref().ok_or("instances need a Redis between them")?);
        }
        listening(command)
    }

    /// Tokens of so many people.
    pub fn people(&self, count: usize) -> Result<Vec<String>, Failure> {
        let tokens = self.print(&["token", "--name", "Bench", "--count", &count.to_string(), "--ttl", "12h"])?;
        Ok(tokens.lines().map(str::to_owned).collect())
    }

    /// A key to publish with.
    pub fn key(&self) -> Result<String, Failure> {
        Ok(self.print(&["token", "--api-key", "bench", "--scope", "publish"])?.trim().to_owned())
    }

    /// CPU seconds that Redis has spent.
    pub fn redis_cpu(&self) -> Result<f64, Failure> {
        Tree::of(self.redis_pid()?)?.cpu_seconds()
    }

    /// Transactions that the database has seen end, once it has added them up.
    pub fn transactions(&self) -> Result<u64, Failure> {
        let database = self.database.as_ref().ok_or("only Postgres counts transactions")?;
        // A backend tells what it did at most once a second.
        std::thread::sleep(Duration::from_millis(1_500));
        let query = "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()";
        let output = Command::new("psql").arg(database).args(["-AtXc", query]).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().parse().map_err(|_| "psql does not say how much was done")?)
    }

    fn redis_pid(&self) -> Result<u32, Failure> {
        let redis = self.redis.as_ref().and_then(|redis| redis.strip_prefix("redis://"));
        let address = redis.ok_or("--redis redis://host:port")?;
        let mut stream = TcpStream::connect(address.trim_end_matches('/'))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"INFO server\r\n")?;
        let mut answer = String::new();
        let mut buffer = [0; 8_192];
        loop {
            let rest = answer.split_once("process_id:").map(|(_, rest)| rest);
            if let Some((pid, _)) = rest.and_then(|rest| rest.split_once('\r')) {
                return Ok(pid.parse()?);
            }
            match stream.read(&mut buffer)? {
                0 => return Err("a Redis without a process".into()),
                read => answer += &String::from_utf8_lossy(&buffer[..read]),
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = settings(Command::new(&self.binary), &self.data);
        if let Some(database) = &self.database {
            over(&mut command, database);
        }
        command
    }

    fn print(&self, arguments: &[&str]) -> Result<String, Failure> {
        print(self.command().args(arguments))
    }
}

/// A room that somebody makes.
pub fn room(address: SocketAddr, token: &str) -> Result<u64, Failure> {
    rooms(address, token, 1).map(|rooms| rooms[0])
}

/// So many of them, some at a time.
pub fn rooms(address: SocketAddr, token: &str, count: usize) -> Result<Vec<u64>, Failure> {
    let lines = (0..count.min(64)).map(|_| Http::connect(address, token));
    let (mut lines, mut rooms) = (lines.collect::<Result<Vec<_>, _>>()?, Vec::with_capacity(count));
    while rooms.len() < count {
        let now = lines.len().min(count - rooms.len());
        for line in &mut lines[..now] {
            line.send("/posts", &json!({"title": "a room", "body": "for measuring"}))?;
        }
        for line in &mut lines[..now] {
            rooms.push(line.receive()?["id"].as_u64().ok_or("a post without an id")?);
        }
    }
    Ok(rooms)
}

/// A numbered event for a room.
pub fn numbered(room: u64, number: usize) -> Value {
    json!({"channel": format!("post:{room}"), "kind": "custom.bench", "data": {"n": number, "fill": "x".repeat(80)}})
}

/// The number that such an event bears.
pub fn number(payload: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(payload).ok()?;
    let digits = text.split_once("\"n\":")?.1;
    digits[..digits.find(|c: char| !c.is_ascii_digit())?].parse().ok()
}

/// A socket in a room, and what was read behind its welcome.
pub fn join(address: SocketAddr, index: usize, token: &str, room: u64) -> Result<(TcpStream, Vec<u8>), Failure> {
    sign_in(address, index, token, &json!([{"channel": format!("post:{room}")}]))
}

/// A socket of somebody who follows these, and what was read behind its welcome.
pub fn sign_in(address: SocketAddr, index: usize, token: &str, to: &Value) -> Result<(TcpStream, Vec<u8>), Failure> {
    let mut stream = upgrade(address, index, Codec::Json.subprotocol())?;
    let connect = json!({"type": "connect", "id": 1, "token": token, "subscriptions": to});
    stream.write_all(&Codec::Json.frame(&connect))?;
    let rest = await_text(&mut stream, "\"welcome\"")?;
    Ok((stream, rest))
}

/// The value below which this share of them lies; they are put in order.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}
