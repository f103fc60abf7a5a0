//! Several instances over one Postgres and one Redis, which are there already and empty.

use crate::arguments::{Arguments, Failure};
use crate::belfry::{over, print, settings};
use crate::http::Http;
use crate::process::Tree;
use crate::server::{Running, listening};
use crate::wire::{Codec, await_text, upgrade};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// What all instances share.
pub struct Fleet {
    binary: PathBuf,
    data: PathBuf,
    database: String,
    redis: String,
}

impl Fleet {
    /// As `--belfry`, `--data`, `--database` and `--redis` say.
    pub fn read(arguments: &mut Arguments) -> Result<Self, Failure> {
        Ok(Self {
            binary: arguments.need("belfry")?,
            data: arguments.need("data")?,
            database: arguments.need("database")?,
            redis: arguments.need("redis")?,
        })
    }

    /// Starts an instance; with others, or with nothing between it and them.
    pub fn serve(&self, among_others: bool) -> Result<Running, Failure> {
        let mut command = self.command();
        command.arg("serve").env("BELFRY_HEARTBEAT", "60s");
        if among_others {
            command.env("REDIS_URL", &self.redis);
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
        // A backend tells what it did at most once a second.
        std::thread::sleep(Duration::from_millis(1_500));
        let query = "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()";
        let output = Command::new("psql").arg(&self.database).args(["-AtXc", query]).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().parse().map_err(|_| "psql does not say how much was done")?)
    }

    fn redis_pid(&self) -> Result<u32, Failure> {
        let address = self.redis.strip_prefix("redis://").ok_or("--redis redis://host:port")?;
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
        over(&mut command, &self.database);
        command
    }

    fn print(&self, arguments: &[&str]) -> Result<String, Failure> {
        print(self.command().args(arguments))
    }
}

/// A room that somebody makes.
pub fn room(address: SocketAddr, token: &str) -> Result<u64, Failure> {
    let mut http = Http::connect(address, token)?;
    http.send("/posts", &json!({"title": "a room", "body": "for measuring"}))?;
    Ok(http.receive()?["id"].as_u64().ok_or("a post without an id")?)
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
    let mut stream = upgrade(address, index, Codec::Json.subprotocol())?;
    let channels = json!([{"channel": format!("post:{room}")}]);
    let connect = json!({"type": "connect", "id": 1, "token": token, "subscriptions": channels});
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
