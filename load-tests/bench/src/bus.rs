//! What a publish through Redis adds: the time until a subscriber of another instance has read what one of the
//! publisher's own has read, and CPU of both instances and of Redis per publish. One process reads on both, by one clock.

use crate::arguments::{Arguments, Failure};
use crate::fleet::{Fleet, join, number, numbered, quantile, room};
use crate::http::Http;
use crate::process::Tree;
use crate::server::Running;
use crate::wire::{frame, parse};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Connections that publish in turn.
const PUBLISHERS: usize = 64;
/// How long is waited for what has not come.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came where, and when.
type Came = (usize, usize, Instant);
/// When something was sent, and when it came to each place.
type Sent = (Instant, Vec<Option<Instant>>);

/// Measures `--rates 50,1000` publishes a second, for `--seconds` each.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let fleet = Fleet::read(arguments)?;
    let rates: String = arguments.or("rates", "50,1000".into())?;
    let seconds: u64 = arguments.or("seconds", 20)?;
    arguments.done()?;
    let rates: Vec<u64> = rates.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let people = fleet.people(2)?;
    let key = fleet.key()?;
    println!(
        "publish a second; ms until read: local, elsewhere, added (p50 p99 each); CPU µs a publish: A, B, Redis; lost"
    );
    for among_others in [false, true] {
        let a = fleet.serve(among_others)?;
        let b = if among_others { Some(fleet.serve(true)?) } else { None };
        let room = room(a.address(), &people[0])?;
        let instances: Vec<&Running> = [Some(&a), b.as_ref()].into_iter().flatten().collect();
        let (sender, came) = channel();
        for (place, instance) in instances.iter().enumerate() {
            let (stream, rest) = join(instance.address(), place, &people[place], room)?;
            listen(place, stream, rest, sender.clone());
        }
        let mut stage =
            Stage { fleet: &fleet, instances, room, came, publishers: connect(a.address(), &key)?, next: 0 };
        // Connections are opened and plans are made, and the bus has proved that it carries.
        stage.publish(100, Duration::from_secs(2))?;
        let idle = stage.idle(Duration::from_secs(5))?;
        for rate in &rates {
            println!("{}", stage.measure(*rate, Duration::from_secs(seconds), &idle)?);
        }
    }
    Ok(())
}

/// Reads numbered events of a socket, and says when each came.
fn listen(place: usize, mut stream: TcpStream, mut bytes: Vec<u8>, came: Sender<Came>) {
    let mut buffer = vec![0; 65_536];
    std::thread::spawn(move || {
        let _ = stream.set_read_timeout(None);
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            let now = Instant::now();
            bytes.extend_from_slice(&buffer[..read]);
            while let Some((opcode, payload, length)) = parse(&bytes) {
                if opcode == 9 {
                    let _ = stream.write_all(&frame(10, payload, true));
                } else if let Some(number) = number(payload) {
                    let _ = came.send((place, number, now));
                }
                bytes.drain(..length);
            }
        }
    });
}

fn connect(address: SocketAddr, key: &str) -> Result<Vec<(Http, bool)>, Failure> {
    (0..PUBLISHERS).map(|_| Ok((Http::connect(address, key)?, false))).collect()
}

struct Stage<'a> {
    fleet: &'a Fleet,
    instances: Vec<&'a Running>,
    room: u64,
    came: Receiver<Came>,
    /// Each with whether it waits for an answer.
    publishers: Vec<(Http, bool)>,
    next: usize,
}

impl Stage<'_> {
    /// CPU seconds of each instance and of Redis.
    fn cpu(&self) -> Result<Vec<f64>, Failure> {
        let mut cpu = Vec::new();
        for instance in &self.instances {
            cpu.push(Tree::of(instance.pid())?.cpu_seconds()?);
        }
        if self.instances.len() > 1 {
            cpu.push(self.fleet.redis_cpu()?);
        }
        Ok(cpu)
    }

    /// The share of a core that each takes while nothing is published.
    fn idle(&self, time: Duration) -> Result<Vec<f64>, Failure> {
        let before = self.cpu()?;
        std::thread::sleep(time);
        let after = self.cpu()?;
        Ok(before.iter().zip(after).map(|(before, after)| (after - before) / time.as_secs_f64()).collect())
    }

    /// Publishes so many evenly over a time: when each was sent, and when it was read where.
    fn publish(&mut self, count: usize, time: Duration) -> Result<Vec<Sent>, Failure> {
        let (first, begun) = (self.next, Instant::now());
        let mut sent = Vec::with_capacity(count);
        for at in 0..count {
            let due = begun + time.mul_f64(at as f64 / count as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let (http, waits) = &mut self.publishers[at % PUBLISHERS];
            if std::mem::replace(waits, true) {
                http.receive()?;
            }
            sent.push((Instant::now(), vec![None; self.instances.len()]));
            http.send("/publish", &numbered(self.room, self.next))?;
            self.next += 1;
        }
        let mut missing = count * self.instances.len();
        while missing > 0 {
            let Ok((place, number, at)) = self.came.recv_timeout(PATIENCE) else { break };
            if let Some((_, came)) = number.checked_sub(first).and_then(|number| sent.get_mut(number)) {
                missing -= usize::from(came[place].replace(at).is_none());
            }
        }
        Ok(sent)
    }

    fn measure(&mut self, rate: u64, time: Duration, idle: &[f64]) -> Result<String, Failure> {
        let count = usize::try_from(rate * time.as_secs())?;
        let (before, begun) = (self.cpu()?, Instant::now());
        let sent = self.publish(count, time)?;
        let took = begun.elapsed().as_secs_f64();
        let cpu = self.cpu()?.into_iter().zip(before).zip(idle);
        let cpu: Vec<f64> =
            cpu.map(|((after, before), idle)| (after - before - idle * took) / count as f64 * 1e6).collect();
        let ms = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1_000.0;
        let until = |place: usize| -> Vec<f64> {
            sent.iter().filter_map(|(at, came)| Some(ms(*at, (*came.get(place)?)?))).collect()
        };
        // By how much later it was read elsewhere; what was read there first counts as no time.
        let added: Vec<f64> =
            sent.iter().filter_map(|(_, came)| Some(ms((*came.first()?)?, (*came.get(1)?)?))).collect();
        let [local, elsewhere, added] = [until(0), until(1), added]
            .map(|mut times| json!({"p50": quantile(&mut times, 0.5), "p99": quantile(&mut times, 0.99)}));
        let lost = sent.iter().flat_map(|(_, came)| came).filter(|came| came.is_none()).count();
        let with = if self.instances.len() > 1 { "two instances" } else { "alone" };
        let (text, ms) = (
            |value: f64| format!("{value:.0}"),
            |times: &serde_json::Value| {
                let ms = |name: &str| times[name].as_f64().map_or("-".into(), |ms| format!("{ms:.2}"));
                format!("{:>7} {:>7}", ms("p50"), ms("p99"))
            },
        );
        let cpu: Vec<String> = cpu.into_iter().map(text).collect();
        let line = format!("{with:<14} {rate:>6}/s  {}  {}  {}", ms(&local), ms(&elsewhere), ms(&added));
        Ok(format!("{line}   {}   {lost}", cpu.join(" ")))
    }
}
