//! What was received: how many messages, and how long each of them took.
//!
//! Every message holds a text that begins with a mark and the time, on the generator's own monotonic clock, at which it
//! was meant to leave. The mark survives JSON, MessagePack and whatever a server wraps around it.

use crate::wire::find;
use std::time::{Duration, Instant};

const MARK: &[u8] = b"bench=";
/// Nanoseconds, always as wide, so that every message is as long.
const DIGITS: usize = 16;

/// Messages so far.
pub struct Tally {
    started: Instant,
    now: u64,
    /// Where the mark stood last; it rarely moves.
    offset: usize,
    /// Messages received.
    pub delivered: u64,
    /// Heartbeats that were answered.
    pub pings: u64,
    /// Bytes of the longest message.
    pub size: usize,
    /// Whether times are kept.
    pub timing: bool,
    times: Vec<u64>,
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> Self {
        let started = Instant::now();
        Self { started, now: 0, offset: 0, delivered: 0, pings: 0, size: 0, timing: false, times: Vec::new() }
    }

    /// The text of a message that is meant to leave at this moment, with this much to fill it up.
    pub fn text(&self, at: Instant, filler: usize) -> String {
        let nanos = at.saturating_duration_since(self.started).as_nanos();
        format!("bench={nanos:0DIGITS$}{}", "x".repeat(filler))
    }

    /// Takes the time for what was just read.
    pub fn read_now(&mut self) {
        if self.timing {
            self.now = self.started.elapsed().as_nanos() as u64;
        }
    }

    /// Counts what is a message; everything else is passed over.
    pub fn message(&mut self, bytes: &[u8]) {
        let here = bytes.get(self.offset..self.offset + MARK.len()).is_some_and(|found| found == MARK);
        if !here {
            let Some(offset) = find(bytes, MARK) else { return };
            self.offset = offset;
        }
        self.delivered += 1;
        self.size = self.size.max(bytes.len());
        let start = self.offset + MARK.len();
        if self.timing
            && let Some(digits) = bytes.get(start..start + DIGITS)
        {
            let sent = digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit.wrapping_sub(b'0')));
            self.times.push(self.now.saturating_sub(sent));
        }
    }

    /// Takes the times: p50, p99 and p99.9 in milliseconds.
    pub fn percentiles(&mut self) -> [f64; 3] {
        let mut times = std::mem::take(&mut self.times);
        times.sort_unstable();
        [0.5, 0.99, 0.999].map(|share| {
            let time = times.get((times.len() as f64 * share) as usize).copied();
            time.map_or(f64::NAN, |time| Duration::from_nanos(time).as_secs_f64() * 1e3)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_counted_wherever_its_mark_stands_and_bears_its_time() {
        let mut tally = Tally::new();
        tally.timing = true;
        let text = tally.text(tally.started + Duration::from_micros(1_500), 3);
        tally.now = 4_500_000;
        for wrapped in [format!("{{\"d\":\"{text}\"}}"), format!("42[\"m\",{{\"d\":\"{text}\"}}]"), text.clone()] {
            tally.message(wrapped.as_bytes());
        }
        tally.message(b"{\"type\":\"heartbeat\"}");
        assert_eq!((tally.delivered, tally.size), (3, text.len() + 16));
        assert_eq!(tally.percentiles(), [3.0; 3]);
    }
}
