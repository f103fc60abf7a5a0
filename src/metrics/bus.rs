//! What is counted of the way between instances.

use super::{BUS_CHANNELS, BUS_GAPS, BUS_PROBE, BUS_UNPUBLISHED, hot};
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// Why other instances must find a message by looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpublished {
    /// There is no connection to the bus.
    Down,
    /// The bus does not keep up.
    Full,
    /// The bus did not take it, or not in time.
    Failed,
}

/// Why messages of other instances may have been missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// A connection to the bus begins; what was said before it was not heard.
    Connected,
    /// A subscription was confirmed after the head had been read without it.
    Late,
    /// More came than was read.
    Overrun,
}

/// Messages were handed to the bus.
pub fn bus_published(messages: u64) {
    hot(|hot| hot.bus_published.increment(messages));
}

/// Messages were not.
pub fn bus_unpublished(reason: Unpublished, messages: u64) {
    let reason = match reason {
        Unpublished::Down => "down",
        Unpublished::Full => "full",
        Unpublished::Failed => "failed",
    };
    counter!(BUS_UNPUBLISHED, "reason" => reason).increment(messages);
}

/// A message of another instance came.
pub fn bus_received() {
    hot(|hot| hot.bus_received.increment(1));
}

/// Messages of other instances may have been missed.
pub fn bus_gap(reason: Gap) {
    let reason = match reason {
        Gap::Connected => "connected",
        Gap::Late => "late",
        Gap::Overrun => "overrun",
    };
    counter!(BUS_GAPS, "reason" => reason).increment(1);
}

/// Other instances are heard on so many channels.
pub fn bus_channels(channels: usize) {
    gauge!(BUS_CHANNELS).set(channels as f64);
}

/// A message to oneself came back through the bus, this long after it was sent.
pub fn bus_probed(took: Duration) {
    histogram!(BUS_PROBE).record(took.as_secs_f64());
}
