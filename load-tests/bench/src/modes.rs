//! What can be measured of a crowd, a publisher and a server.

use crate::arguments::Failure;
use crate::crowd::Crowd;
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
    /// The longest that one measurement takes.
    pub seconds: u64,
}

impl Stage<'_> {
    /// Publishes `at_once` messages again and again, the next ones only when everybody has received the last.
    pub fn lockstep(&mut self, at_once: u64) -> Result<Value, Failure> {
        // A turn before the first that counts: buffers grow and caches warm.
        self.lap(at_once)?;
        let (begun, paid, before) = (Instant::now(), self.server.cpu_seconds()?, self.crowd.tally.delivered);
        let (mut published, mut lost, mut spent) = (0, 0, 0.0);
        while spent < ENOUGH_CPU && begun.elapsed().as_secs() < self.seconds {
            lost += self.lap(at_once)?;
            published += at_once;
            spent = self.server.cpu_seconds()? - paid;
        }
        Ok(self.figures(spent, begun.elapsed(), before, published, lost))
    }

    /// One turn of it; says how many deliveries did not come.
    fn lap(&mut self, at_once: u64) -> Result<u64, Failure> {
        let wanted = self.crowd.tally.delivered + at_once * self.publisher.readers(&self.crowd);
        self.publisher.publish(&mut self.crowd, &vec![Instant::now(); at_once as usize])?;
        Ok(if self.crowd.read_until(wanted)? { 0 } else { wanted - self.crowd.tally.delivered })
    }

    /// Publishes as fast as 64 messages in flight allow.
    pub fn saturation(&mut self) -> Result<Value, Failure> {
        let readers = self.publisher.readers(&self.crowd);
        let first = self.crowd.tally.delivered;
        let (mut begun, mut paid, mut before) = (Instant::now(), self.server.cpu_seconds()?, first);
        let (mut published, mut counted, mut spent, mut warm) = (0_u64, 0, 0.0, false);
        let (mut looked, mut moved, mut last) = (begun, begun, first);
        loop {
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
            if moved.elapsed() > Duration::from_secs(5) {
                break;
            }
            if looked.elapsed() < Duration::from_millis(50) {
                continue;
            }
            looked = Instant::now();
            spent = self.server.cpu_seconds()? - paid;
            if !warm && begun.elapsed() > SATURATED / 4 {
                warm = true;
                (begun, paid, before) = (Instant::now(), self.server.cpu_seconds()?, self.crowd.tally.delivered);
                (counted, spent) = (0, 0.0);
                self.crowd.tally.timing = true;
            }
            let enough = warm && spent >= ENOUGH_CPU && begun.elapsed() >= SATURATED;
            if enough || begun.elapsed().as_secs() >= self.seconds {
                break;
            }
        }
        let mut figures = self.figures(spent, begun.elapsed(), before, counted, 0);
        self.latencies(&mut figures);
        let wanted = first + published * readers;
        let whole = self.crowd.read_until(wanted)?;
        figures["lost"] = json!(if whole { 0 } else { wanted - self.crowd.tally.delivered });
        Ok(figures)
    }

    /// Publishes this many messages a second. Times count from when a message was meant to leave, so that a server which
    /// holds its publisher up does not look faster for it.
    pub fn rate(&mut self, each_second: u32, seconds: u64) -> Result<Value, Failure> {
        let readers = self.publisher.readers(&self.crowd);
        let (step, tick) = (Duration::from_secs(1) / each_second, Duration::from_millis(1));
        let total = u64::from(each_second) * seconds;
        self.crowd.tally.timing = true;
        let (begun, paid, before) = (Instant::now(), self.server.cpu_seconds()?, self.crowd.tally.delivered);
        let mut next = begun;
        let mut published = 0;
        // What cannot be published in twice the time will not be.
        while published < total && begun.elapsed().as_secs() < 2 * seconds {
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
        let wanted = before + published * readers;
        let whole = self.crowd.read_until(wanted)?;
        let spent = self.server.cpu_seconds()? - paid;
        let lost = if whole { 0 } else { wanted - self.crowd.tally.delivered };
        let mut figures = self.figures(spent, begun.elapsed(), before, published, lost);
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

    fn figures(&self, spent: f64, time: Duration, before: u64, published: u64, lost: u64) -> Value {
        let (seconds, delivered) = (time.as_secs_f64(), self.crowd.tally.delivered - before);
        json!({
            "cpu_us": spent * 1e6 / delivered as f64, "cpu_s": spent, "published": published, "delivered": delivered,
            "lost": lost, "per_second": (delivered as f64 / seconds).round(), "busy": spent / seconds,
            "bytes": self.crowd.tally.size,
        })
    }

    fn latencies(&mut self, figures: &mut Value) {
        self.crowd.tally.timing = false;
        let [p50, p99, p999] = self.crowd.tally.percentiles();
        (figures["p50_ms"], figures["p99_ms"], figures["p999_ms"]) = (json!(p50), json!(p99), json!(p999));
    }
}
