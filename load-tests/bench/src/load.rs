//! One measurement: a crowd in one room, a publisher, and what the server paid.

use crate::arguments::{Arguments, Failure};
use crate::crowd::Crowd;
use crate::http::Http;
use crate::process::{cpu_seconds, resident_kib};
use crate::wire::{Codec, await_text, contains, frame, upgrade};
use serde_json::{Value, json};
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Payload of a message as subscribers receive it.
const SIZE: usize = 200;
/// CPU that a figure rests on: counted in ticks of 10 ms, less would not be one.
const ENOUGH_CPU: f64 = 2.0;
/// Messages of a burst.
const BURST: u64 = 64;

/// Where a run takes place.
struct Stage {
    address: SocketAddr,
    server: u32,
    codec: Codec,
    seconds: u64,
    /// Tokens of subscribers and, last, of the publisher; none at the floor.
    tokens: Vec<String>,
    room: u64,
}

/// Opens `--subscribers` sockets and measures one `--mode`; prints one line of JSON.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let subscribers: usize = arguments.need("subscribers")?;
    let mode: String = arguments.need("mode")?;
    let publish: String = arguments.or("publish", "signal".into())?;
    let key: Option<String> = arguments.take("api-key")?;
    let tokens: Option<String> = arguments.take("tokens")?;
    let stage = Stage {
        address: arguments.need("address")?,
        server: arguments.need("pid")?,
        codec: arguments.or("codec", Codec::Json)?,
        seconds: arguments.or("seconds", 20)?,
        tokens: match tokens {
            Some(path) => std::fs::read_to_string(path)?.lines().map(str::to_owned).collect(),
            None => Vec::new(),
        },
        room: arguments.or("room", 0)?,
    };
    arguments.done()?;
    let resident = resident_kib(stage.server)?;
    let marker = match (mode.as_str(), publish.as_str()) {
        ("comments", _) => "comment.created",
        (_, "rest") => "custom.bench",
        _ => "signal",
    };
    let mut crowd = Crowd::new(marker)?;
    for index in 0..subscribers {
        let (stream, rest) = stage.join(index)?;
        crowd.add(stream, rest, true)?;
    }
    let result = match mode.as_str() {
        "idle" => idle(&stage, &mut crowd, resident)?,
        "one" | "burst" => {
            let at_once = if mode == "one" { 1 } else { BURST };
            let mut publisher = stage.publisher(&mut crowd, &publish, key, at_once)?;
            fan_out(&stage, &mut crowd, &mut publisher, at_once)?
        }
        "comments" => comments(&stage, &mut crowd)?,
        _ => return Err("--mode idle|one|burst|comments".into()),
    };
    println!("{result}");
    Ok(())
}

impl Stage {
    /// A socket that is in the room and on its person's own channel; at the floor, one that is open.
    fn join(&self, index: usize) -> Result<(TcpStream, Vec<u8>), Failure> {
        if self.tokens.is_empty() {
            return Ok((upgrade(self.address, index, self.codec.subprotocol())?, Vec::new()));
        }
        let token = self.tokens.get(index).ok_or("there are too few tokens")?;
        let mut stream = upgrade(self.address, index, self.codec.subprotocol())?;
        let subscriptions = json!([{"channel": format!("post:{}", self.room)}, {"channel": "me"}]);
        let connect = json!({"type": "connect", "id": 1, "token": token, "subscriptions": subscriptions});
        stream.write_all(&self.codec.frame(&connect))?;
        let rest = await_text(&mut stream, "welcome")?;
        Ok((stream, rest))
    }

    /// A socket to write to; what comes back on it is read with the crowd's, so that it is no slow reader.
    fn writer(&self, crowd: &mut Crowd) -> Result<Writer, Failure> {
        let (stream, rest) = self.join(self.tokens.len().saturating_sub(1))?;
        crowd.add(stream.try_clone()?, rest, false)?;
        Ok(Writer(stream))
    }

    fn publisher(
        &self,
        crowd: &mut Crowd,
        kind: &str,
        key: Option<String>,
        at_once: u64,
    ) -> Result<Publisher, Failure> {
        let (channel, data) = (format!("post:{}", self.room), json!({"d": ""}));
        let way = match (kind, key) {
            ("signal", _) => Way::Socket(self.writer(crowd)?),
            // One request waits for its commit; a burst is that many connections.
            ("rest", Some(key)) => {
                let connections = (0..at_once).map(|_| Http::connect(self.address, &key));
                Way::Rest(connections.collect::<Result<_, _>>()?)
            }
            _ => return Err("--publish signal, or --publish rest with --api-key".into()),
        };
        let message = match way {
            Way::Socket(_) => json!({"type": "signal", "channel": channel, "data": data}),
            Way::Rest(_) => json!({"channel": channel, "kind": "custom.bench", "data": data}),
        };
        Ok(Publisher { way, message, codec: self.codec, floor: self.tokens.is_empty() })
    }
}

/// A socket that does not block, written to as if it did.
struct Writer(TcpStream);

impl Writer {
    fn write(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            match self.0.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// How messages get in.
enum Way {
    Socket(Writer),
    Rest(Vec<Http>),
}

struct Publisher {
    way: Way,
    message: Value,
    codec: Codec,
    floor: bool,
}

impl Publisher {
    /// Sends so many at once.
    fn publish(&mut self, count: u64) -> Result<(), Failure> {
        match &mut self.way {
            Way::Socket(stream) => {
                // The floor passes on what it gets, so that gets the whole length.
                let frame = match self.floor {
                    true => frame(1, format!("{:width$}", r#"{"type":"signal"}"#, width = SIZE).as_bytes(), true),
                    false => self.codec.frame(&self.message),
                };
                stream.write(&frame.repeat(count as usize))
            }
            Way::Rest(connections) => {
                let connections = &mut connections[..count as usize];
                connections.iter_mut().try_for_each(|http| http.send("/publish", &self.message))?;
                connections.iter_mut().try_for_each(|http| http.receive().map(drop))
            }
        }
    }

    /// Sends one and fills it up, so that what subscribers receive has the same size everywhere.
    fn fit(&mut self, crowd: &mut Crowd) -> Result<(), Failure> {
        for _ in 0..2 {
            self.publish(1)?;
            if !crowd.read_until(crowd.delivered + crowd.audience())? {
                return Err(format!("only {} of {} received a message", crowd.delivered, crowd.audience()).into());
            }
            if !self.floor {
                let text = self.message["data"]["d"].as_str().unwrap_or_default().len() + SIZE;
                self.message["data"]["d"] = "x".repeat(text.saturating_sub(crowd.size)).into();
            }
        }
        Ok(())
    }
}

/// Publishes `at_once` messages again and again, the next ones only when everybody has received the last.
fn fan_out(stage: &Stage, crowd: &mut Crowd, publisher: &mut Publisher, at_once: u64) -> Result<Value, Failure> {
    publisher.fit(crowd)?;
    // A turn before the first that counts: buffers grow and caches warm.
    publisher.publish(at_once)?;
    crowd.read_until(crowd.delivered + at_once * crowd.audience())?;
    let (begun, paid, delivered) = (Instant::now(), cpu_seconds(stage.server)?, crowd.delivered);
    let (mut published, mut lost) = (0, 0);
    let end = begun + Duration::from_secs(stage.seconds);
    let mut spent = 0.0;
    while spent < ENOUGH_CPU && Instant::now() < end {
        publisher.publish(at_once)?;
        published += at_once;
        let wanted = crowd.delivered + at_once * crowd.audience();
        if !crowd.read_until(wanted)? {
            lost += wanted - crowd.delivered;
        }
        spent = cpu_seconds(stage.server)? - paid;
    }
    let (seconds, delivered) = (begun.elapsed().as_secs_f64(), crowd.delivered - delivered);
    Ok(json!({
        "cpu_us": spent * 1e6 / delivered as f64, "cpu_s": spent, "published": published, "delivered": delivered,
        "lost": lost, "per_second": (delivered as f64 / seconds).round(), "bytes": crowd.size,
    }))
}

/// Lets everybody idle for two and a half heartbeats and looks at the memory.
fn idle(stage: &Stage, crowd: &mut Crowd, before: u64) -> Result<Value, Failure> {
    let (joined, paid) = (resident_kib(stage.server)?, cpu_seconds(stage.server)?);
    crowd.read_for(Duration::from_secs(stage.seconds), &mut |_| {})?;
    let after = resident_kib(stage.server)?;
    let each = |kib: u64| kib.saturating_sub(before) as f64 / crowd.audience() as f64;
    Ok(json!({
        "kib_per_socket": each(after), "kib_per_socket_joined": each(joined), "base_kib": before, "total_kib": after,
        "pings": crowd.pings, "cpu_s": cpu_seconds(stage.server)? - paid,
    }))
}

/// 50 comments a second over a socket, each seen by everybody: from before it is sent until it is read.
fn comments(stage: &Stage, crowd: &mut Crowd) -> Result<Value, Failure> {
    let mut writer = stage.writer(crowd)?;
    let (begun, paid) = (Instant::now(), cpu_seconds(stage.server)?);
    let mut sent: Vec<Instant> = Vec::new();
    let mut times: Vec<f64> = Vec::new();
    let mut next = begun;
    while begun.elapsed() < Duration::from_secs(stage.seconds) {
        let body = format!("bench {} {}", sent.len(), "x".repeat(60));
        let key = format!("{}-{}", std::process::id(), sent.len());
        let create = json!({"type": "comment.create", "post_id": stage.room, "body": body, "key": key});
        sent.push(Instant::now());
        writer.write(&stage.codec.frame(&create))?;
        next += Duration::from_millis(20);
        crowd.read_for(next.saturating_duration_since(Instant::now()), &mut |payload| {
            latency(payload, &sent, &mut times)
        })?;
    }
    crowd.read_for(Duration::from_secs(2), &mut |payload| latency(payload, &sent, &mut times))?;
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    let lost = sent.len() as u64 * crowd.audience() - times.len() as u64;
    Ok(json!({
        "p50_ms": at(0.5), "p99_ms": at(0.99), "p999_ms": at(0.999), "published": sent.len(), "delivered": times.len(),
        "lost": lost, "cpu_us": (cpu_seconds(stage.server)? - paid) * 1e6 / times.len() as f64,
    }))
}

fn latency(payload: &[u8], sent: &[Instant], times: &mut Vec<f64>) {
    debug_assert!(contains(payload, b"comment.created"));
    let Some(start) = payload.windows(6).position(|window| window == b"bench ") else { return };
    let digits: String =
        payload[start + 6..].iter().map_while(|byte| byte.is_ascii_digit().then_some(*byte as char)).collect();
    if let Some(sent) = digits.parse::<usize>().ok().and_then(|index| sent.get(index)) {
        times.push(sent.elapsed().as_secs_f64() * 1e3);
    }
}
