//! A storm: so many sockets lose their instance to `kill -9` and come to another one at once, each with its cursors.
//! How long until the last has all that it missed, whether anything is missing, what it cost the database, and what those
//! felt who were there already.

use crate::arguments::{Arguments, Failure};
use crate::fleet::{Fleet, join, number, numbered, quantile, room};
use crate::http::Http;
use crate::process::Tree;
use crate::wire::{Codec, find, frame, parse};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a storm may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Sockets that come at once where it is no storm.
const GENTLY: usize = 200;
/// Between two messages to those who are there already.
const WITNESS_EVERY: Duration = Duration::from_millis(50);

/// Opens `--sockets` on one instance, each in the room and on its person's own channel, and sends them to another.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let fleet = Fleet::read(arguments)?;
    let sockets: usize = arguments.or("sockets", 10_000)?;
    let missed: usize = arguments.or("missed", 10)?;
    arguments.done()?;
    eprintln!("{sockets} people with tokens");
    let mut tokens = fleet.people(sockets + 2)?;
    let (key, witness) = (fleet.key()?, tokens.split_off(sockets));
    let a = fleet.serve(true)?;
    let b = fleet.serve(true)?;
    let (room, quiet) = (room(a.address(), &witness[0])?, room(b.address(), &witness[0])?);
    let mut crowd = Storm::new(tokens, room)?;
    eprintln!("all of them come to the first instance");
    let came = crowd.come(a.address(), GENTLY, 0)?;
    eprintln!("  {:.1} s", came.as_secs_f64());

    let seen = Witness::begin(b.address(), &witness[1], &key, quiet)?;
    std::thread::sleep(Duration::from_secs(3));
    let calm = seen.end()?;
    drop(a);
    crowd.leave();
    let mut publisher = Http::connect(b.address(), &key)?;
    for number in 0..missed {
        publisher.send("/publish", &numbered(room, number))?;
        publisher.receive()?;
    }
    let (done_before, tree) = (fleet.transactions()?, Tree::of(b.pid())?);
    let (cpu_before, begun) = (tree.cpu_seconds()?, Instant::now());
    let seen = Witness::begin(b.address(), &witness[1], &key, quiet)?;
    let took = crowd.come(b.address(), sockets, missed)?;
    let cpu = tree.cpu_seconds()? - cpu_before;
    let stormy = seen.end()?;
    let done = fleet.transactions()?;
    let time = begun.elapsed().as_secs_f64();
    // What goes on anyway, the rounds of the sweep most of all, is taken off.
    let quiet = Instant::now();
    let idle = (fleet.transactions()? - done) as f64 / quiet.elapsed().as_secs_f64();
    let queries = (done - done_before) as f64 - stormy.len() as f64 - idle * time;
    let gaps = crowd.members.iter().filter(|member| member.gap).count();
    println!(
        "{sockets} sockets back and caught up after {:.2} s, {missed} missed events each, {gaps} with a gap",
        took.as_secs_f64()
    );
    println!("CPU of the instance {cpu:.2} s, resident {} MiB", tree.resident_kib()? / 1_024);
    println!("transactions for it, above those that go on anyway: about {queries:.0}");
    for (name, mut times) in [("before", calm), ("meanwhile", stormy)] {
        let [median, late] = [0.5, 0.99].map(|share| quantile(&mut times, share));
        println!("a publish to who was there {name}: p50 {median:.1} ms, p99 {late:.1} ms, of {}", times.len());
    }
    if gaps > 0 { Err("something is missing".into()) } else { Ok(()) }
}

/// What a socket waits for.
#[derive(PartialEq)]
enum Stage {
    Connection,
    Upgrade,
    Welcome,
    Rest,
    There,
}

struct Member {
    stream: Option<TcpStream>,
    stage: Stage,
    bytes: Vec<u8>,
    token: String,
    epoch: String,
    /// Where it is in the room and on its own channel.
    seqs: [u64; 2],
    /// Numbered events that came.
    came: usize,
    gap: bool,
}

struct Storm {
    poll: Poll,
    members: Vec<Member>,
    room: u64,
}

impl Storm {
    fn new(tokens: Vec<String>, room: u64) -> Result<Self, Failure> {
        let member = |token| Member {
            stream: None,
            stage: Stage::There,
            bytes: Vec::new(),
            token,
            epoch: String::new(),
            seqs: [0; 2],
            came: 0,
            gap: false,
        };
        Ok(Self { poll: Poll::new()?, members: tokens.into_iter().map(member).collect(), room })
    }

    /// Forgets the sockets, whose instance is gone.
    fn leave(&mut self) {
        self.members.iter_mut().for_each(|member| drop(member.stream.take()));
    }

    /// So many at once; how long until the last is there and has so many events that it missed.
    fn come(&mut self, address: SocketAddr, at_once: usize, missed: usize) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let mut events = Events::with_capacity(2_048);
        let (all, mut begin, mut there) = (self.members.len(), 0, 0);
        while there < all {
            while begin < all && begin - there < at_once {
                let member = &mut self.members[begin];
                let stream = member.begin(address, begin)?;
                self.poll.registry().register(stream, Token(begin), Interest::READABLE | Interest::WRITABLE)?;
                begin += 1;
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("{} sockets are not back after {PATIENCE:?}", all - there).into());
            }
            match self.poll.poll(&mut events, Some(Duration::from_millis(200))) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                let index = event.token().0;
                let member = &mut self.members[index];
                let before = member.stage == Stage::There;
                let turn = member.turn(address, self.room, missed, event.is_writable());
                turn.map_err(|error| format!("socket {index}: {error}"))?;
                there += usize::from(!before && member.stage == Stage::There);
            }
        }
        Ok(begun.elapsed())
    }
}

impl Member {
    fn begin(&mut self, address: SocketAddr, index: usize) -> Result<&mut TcpStream, Failure> {
        (self.stage, self.came, self.bytes) = (Stage::Connection, 0, Vec::new());
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        let source = std::net::Ipv4Addr::new(127, 0, 0, 2 + (index % 20) as u8);
        socket.bind(&std::net::SocketAddrV4::new(source, 0).into())?;
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() != Some(115) && error.kind() != ErrorKind::WouldBlock => {
                return Err(error.into());
            }
            _ => {}
        }
        Ok(self.stream.insert(TcpStream::from_std(socket.into())))
    }

    fn turn(&mut self, address: SocketAddr, room: u64, missed: usize, writable: bool) -> Result<(), Failure> {
        if writable && self.stage == Stage::Connection {
            self.stage = Stage::Upgrade;
            let codec = Codec::Json.subprotocol();
            let request = format!(
                "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Sec-WebSocket-Protocol: {codec}\r\n\r\n"
            );
            self.say(request.as_bytes())?;
        }
        let mut buffer = [0; 16_384];
        loop {
            let stream = self.stream.as_mut().ok_or("no stream")?;
            match stream.read(&mut buffer) {
                Ok(0) => {
                    self.take(room, missed)?;
                    return Err("was cut".into());
                }
                Ok(read) => self.bytes.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::NotConnected => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.take(room, missed)
    }

    fn take(&mut self, room: u64, missed: usize) -> Result<(), Failure> {
        if self.stage == Stage::Upgrade {
            let Some(end) = find(&self.bytes, b"\r\n\r\n") else { return Ok(()) };
            if !self.bytes.starts_with(b"HTTP/1.1 101") {
                return Err(String::from_utf8_lossy(&self.bytes).into_owned().into());
            }
            self.bytes.drain(..end + 4);
            self.stage = Stage::Welcome;
            let connect = Codec::Json.frame(&self.connect(room));
            self.say(&connect)?;
        }
        while let Some((opcode, payload, length)) = parse(&self.bytes) {
            let payload = payload.to_vec();
            self.bytes.drain(..length);
            match opcode {
                1 => self.hear(&payload)?,
                8 => return Err(format!("was closed: {payload:?}").into()),
                9 => self.say(&frame(10, &payload, true))?,
                _ => {}
            }
        }
        if self.stage == Stage::Rest && self.came >= missed {
            self.stage = Stage::There;
        }
        Ok(())
    }

    fn connect(&self, room: u64) -> Value {
        let place = |channel: String, seq: u64| match self.epoch.as_str() {
            "" => json!({"channel": channel}),
            epoch => json!({"channel": channel, "epoch": epoch, "since": seq}),
        };
        let channels = [place(format!("post:{room}"), self.seqs[0]), place("me".into(), self.seqs[1])];
        json!({"type": "connect", "id": 1, "token": self.token, "subscriptions": channels})
    }

    fn hear(&mut self, payload: &[u8]) -> Result<(), Failure> {
        if self.stage == Stage::There {
            return Ok(());
        }
        let message: Value = serde_json::from_slice(payload)?;
        match message["type"].as_str() {
            Some("welcome") => {
                let placed = message["subscriptions"].as_array().ok_or("a welcome without channels")?;
                for (at, placed) in placed.iter().enumerate() {
                    let seq = placed["seq"].as_u64().ok_or_else(|| format!("not placed: {placed}"))?;
                    if self.epoch.is_empty() {
                        self.seqs[at] = seq;
                        continue;
                    }
                    self.gap |= placed["recovered"] != true;
                    placed["events"].as_array().into_iter().flatten().for_each(|event| self.event(at, event));
                    self.gap |= seq != self.seqs[at];
                }
                self.epoch = placed[0]["epoch"].as_str().unwrap_or_default().to_owned();
                self.stage = Stage::Rest;
            }
            Some("event") => {
                let own = message["channel"].as_str().is_some_and(|channel| channel.starts_with("user:"));
                self.event(usize::from(own), &message);
            }
            Some("error" | "resync" | "going_away") => return Err(message.to_string().into()),
            _ => {}
        }
        Ok(())
    }

    fn event(&mut self, at: usize, event: &Value) {
        self.gap |= event["seq"].as_u64() != Some(self.seqs[at] + 1);
        self.seqs[at] += 1;
        self.came += usize::from(event["kind"] == "custom.bench");
    }

    /// A few bytes: they fit, or the server has stopped reading.
    fn say(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let stream = self.stream.as_mut().ok_or("no stream")?;
        if stream.write(bytes)? == bytes.len() { Ok(()) } else { Err("takes no more".into()) }
    }
}

/// Somebody who is there all the time, and hears a message every now and then.
struct Witness {
    ended: Arc<AtomicBool>,
    heard: std::thread::JoinHandle<Vec<f64>>,
}

impl Witness {
    fn begin(address: SocketAddr, token: &str, key: &str, room: u64) -> Result<Self, Failure> {
        let (mut stream, mut bytes) = join(address, 0, token, room)?;
        let mut publisher = Http::connect(address, key)?;
        let ended = Arc::new(AtomicBool::new(false));
        let end = ended.clone();
        let heard = std::thread::spawn(move || {
            let mut times = Vec::new();
            let mut buffer = [0; 4_096];
            while !end.load(Ordering::Relaxed) {
                let (begun, sent) = (Instant::now(), times.len());
                if publisher.send("/publish", &numbered(room, sent)).is_err() {
                    break;
                }
                'heard: while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    bytes.extend_from_slice(&buffer[..read]);
                    while let Some((_, payload, length)) = parse(&bytes) {
                        let it = number(payload) == Some(sent);
                        bytes.drain(..length);
                        if it {
                            break 'heard;
                        }
                    }
                }
                times.push(begun.elapsed().as_secs_f64() * 1_000.0);
                if publisher.receive().is_err() {
                    break;
                }
                std::thread::sleep(WITNESS_EVERY.saturating_sub(begun.elapsed()));
            }
            times
        });
        Ok(Self { ended, heard })
    }

    /// How long each message took, in milliseconds.
    fn end(self) -> Result<Vec<f64>, Failure> {
        self.ended.store(true, Ordering::Relaxed);
        self.heard.join().map_err(|_| "the witness has failed".into())
    }
}
