//! What can be measured of a crowd, a publisher and a server.

use crate::arguments::Failure;
use crate::crowd::{Crowd, PATIENCE};
use crate::process::Tree;
use crate::publisher::Publisher;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// CPU that a figure rests on: counted in ticks of 10 ms, much less would not be one.
const ENOUGH_CPU: f64 = 1.0;
/// Messages in flight at saturation.
const WINDOW: u64 = 64;
/// A saturated server is watched for at least this long.
const SATURATED: Duration = Duration::from_millis(1_500);

/// What a measurement is made of.
pub struct Stage<'a> {
    /// The subscribers.
    pub crowd: Crowd<'a>,
    /// Who publishes.
    pub publisher: Publisher<'a>,
    /// The server's processes.
    pub server: Tree,
    /// This process.
    pub load: Tree,
    /// The longest that one measurement takes.
    pub seconds: u64,
}

/// A moment that figures count from.
struct Mark {
    time: Instant,
    server: f64,
    load: f64,
    delivered: u64,
}

impl Stage<'_> {
    fn mark(&self) -> Result<Mark, Failure> {
        let (server, load) = (self.server.cpu_seconds()?, self.load.cpu_seconds()?);
        Ok(Mark { time: Instant::now(), server, load, delivered: self.crowd.tally.delivered })
    }

    /// Publishes `at_once` messages again and again, the next ones only when everybody has received the last.
    pub fn lockstep(&mut self, at_once: u64) -> Result<Value, Failure> {
        // A turn before the first that counts: buffers grow and caches warm.
        self.lap(at_once)?;
        let (from, mut published, mut lost) = (self.mark()?, 0, 0);
        while self.server.cpu_seconds()? < from.server + ENOUGH_CPU && from.time.elapsed().as_secs() < self.seconds {
            lost += self.lap(at_once)?;
            published += at_once;
        }
        self.figures(&from, published, lost)
    }

    /// One turn of it; says how many deliveries did not come.
    fn lap(&mut self, at_once: u64) -> Result<u64, Failure> {
        let wanted = self.crowd.tally.delivered + at_once * self.publisher.readers(&self.crowd);
        self.publisher.publish(&mut self.crowd, &vec![Instant::now(); at_once as usize])?;
        self.drain(wanted)
    }

    /// Waits for so many deliveries in all; says how many did not come.
    fn drain(&mut self, wanted: u64) -> Result<u64, Failure> {
        Ok(if self.crowd.read_until(wanted)? { 0 } else { wanted - self.crowd.tally.delivered })
    }

    /// Publishes as fast as 64 messages in flight allow.
    pub fn saturation(&mut self) -> Result<Value, Failure> {
        let readers = self.publisher.readers(&self.crowd);
        let first = self.crowd.tally.delivered;
        let (mut from, mut published, mut counted, mut warm) = (self.mark()?, 0_u64, 0, false);
        let (mut looked, mut moved, mut last) = (from.time, from.time, first);
        while moved.elapsed() < PATIENCE {
            let flying = (first + published * readers).saturating_sub(self.crowd.tally.delivered).div_ceil(readers);
            let now = self.publisher.room_for(&self.crowd, WINDOW.saturating_sub(flying));
            if now > 0 {
                self.publisher.publish(&mut self.crowd, &vec![Instant::now(); now as usize])?;
                published += now;
                counted += now;
            }
            self.crowd.turn(Duration::from_millis(20))?;
            if self.crowd.tally.delivered > last {
                (moved, last) = (Instant::now(), self.crowd.tally.delivered);
            }
            if looked.elapsed() < Duration::from_millis(50) {
                continue;
            }
            looked = Instant::now();
            let time = from.time.elapsed();
            if !warm && time > SATURATED / 4 {
                (from, counted, warm) = (self.mark()?, 0, true);
                self.crowd.tally.timing = true;
                continue;
            }
            let enough = time >= SATURATED && self.server.cpu_seconds()? >= from.server + ENOUGH_CPU;
            if warm && (enough || time.as_secs() >= self.seconds) {
                break;
            }
        }
        let mut figures = self.figures(&from, counted, 0)?;
        self.latencies(&mut figures);
        figures["lost"] = json!(self.drain(first + published * readers)?);
        Ok(figures)
    }

    /// Publishes this many messages a second. Times count from when a message was meant to leave, so that a server which
    /// holds its publisher up does not look faster for it.
    pub fn rate(&mut self, each_second: u32, seconds: u64) -> Result<Value, Failure> {
        let readers = self.publisher.readers(&self.crowd);
        let (step, tick) = (Duration::from_secs(1) / each_second, Duration::from_millis(1));
        let total = u64::from(each_second) * seconds;
        self.crowd.tally.timing = true;
        let from = self.mark()?;
        let (mut next, mut published) = (from.time, 0);
        // What cannot be published in twice the time will not be.
        while published < total && from.time.elapsed().as_secs() < 2 * seconds {
            let wait = next.saturating_duration_since(Instant::now());
            let ready = self.publisher.room_for(&self.crowd, 1) > 0;
            if wait.is_zero() && ready {
                self.publisher.publish(&mut self.crowd, &[next])?;
                published += 1;
                next += step;
                continue;
            }
            // A wait is rounded up to whole milliseconds: the last one is spent looking.
            self.crowd.turn(if ready { wait.saturating_sub(tick) } else { tick })?;
        }
        let lost = self.drain(from.delivered + published * readers)?;
        let mut figures = self.figures(&from, published, lost)?;
        figures["unpublished"] = json!(total - published);
        self.latencies(&mut figures);
        Ok(figures)
    }

    /// Lets everybody idle through two and a half heartbeats, and looks at the memory that was `before` they came.
    pub fn idle(&mut self, before: u64) -> Result<Value, Failure> {
        let (joined, paid) = (self.server.resident_kib()?, self.server.cpu_seconds()?);
        self.crowd.tally.pings = 0;
        self.crowd.read_for(Duration::from_secs(self.seconds))?;
        let after = self.server.resident_kib()?;
        let each = |kib: u64| kib.saturating_sub(before) as f64 / self.crowd.audience() as f64;
        Ok(json!({
            "kib_per_socket": each(after), "kib_per_socket_joined": each(joined), "base_kib": before,
            "total_kib": after, "pings": self.crowd.tally.pings, "cpu_s": self.server.cpu_seconds()? - paid,
        }))
    }

    fn figures(&self, from: &Mark, published: u64, lost: u64) -> Result<Value, Failure> {
        let to = self.mark()?;
        let (spent, count) = (to.server - from.server, to.delivered - from.delivered);
        let delivered = count as f64;
        let seconds = to.time.duration_since(from.time).as_secs_f64();
        Ok(json!({
            "cpu_us": spent * 1e6 / delivered, "cpu_s": spent, "load_us": (to.load - from.load) * 1e6 / delivered,
            "published": published, "delivered": count, "lost": lost, "per_second": (delivered / seconds).round(),
            "busy": spent / seconds, "bytes": self.crowd.tally.size,
        }))
    }

    fn latencies(&mut self, figures: &mut Value) {
        self.crowd.tally.timing = false;
        let [p50, p99, p999] = self.crowd.tally.percentiles();
        (figures["p50_ms"], figures["p99_ms"], figures["p999_ms"]) = (json!(p50), json!(p99), json!(p999));
    }
}
