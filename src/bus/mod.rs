//! What carries committed events and ephemeral signals to the other instances. An accelerator, never the truth: what it
//! loses is found by the gates and fetched from the store.

mod inbound;
pub mod local;
pub mod redis;
mod seats;
pub mod tally;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tally_conformance;

pub use local::LocalBus;
pub use redis::RedisBus;
pub use seats::{Ask, PART, Seats};
pub use tally::Tally;

use crate::model::{Channel, Event};
use crate::protocol::server::Sender;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// An instance: unlike for every start of every one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Node(pub u64);

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What travels.
#[derive(Debug, Clone)]
pub enum Message {
    /// A committed event.
    Event(Event),
    /// An ephemeral signal of somebody in a room.
    Signal {
        /// Where.
        channel: Channel,
        /// Who.
        from: Arc<Sender>,
        /// What.
        data: Arc<RawValue>,
    },
    /// Somebody at the sender's writes in a room, or writes no more.
    Typing {
        /// Where.
        channel: Channel,
        /// Who.
        from: Arc<Sender>,
        /// Whether they still do.
        writes: bool,
    },
    /// Who is in a room at the sender's.
    Seats {
        /// Where.
        channel: Channel,
        /// Who.
        seats: Arc<Seats>,
    },
    /// The sender wants to know who is in a room elsewhere.
    Ask {
        /// Where.
        channel: Channel,
        /// What it knows.
        ask: Ask,
    },
    /// The sender ends, and with it all its people are gone; told on the channel that every instance follows.
    Farewell {
        /// How long they count on, so that they can come back elsewhere, in milliseconds.
        away_ms: u64,
    },
}

impl Message {
    /// Where it belongs.
    pub fn channel(&self) -> Channel {
        match self {
            Self::Event(event) => event.channel,
            Self::Signal { channel, .. }
            | Self::Typing { channel, .. }
            | Self::Seats { channel, .. }
            | Self::Ask { channel, .. } => *channel,
            Self::Farewell { .. } => Channel::Revocations,
        }
    }
}

/// What arrives.
#[derive(Debug, Clone)]
pub enum Incoming {
    /// A message another instance published on a channel subscribed to here.
    Message {
        /// Which instance.
        from: Node,
        /// What was published.
        message: Message,
        /// The database it tells of, where instances of several may share the bus: it means nothing in another one.
        epoch: Option<Arc<str>>,
    },
    /// Messages may have been lost, on any channel: ask the store.
    Gap,
}

/// What is known of whether messages arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing lies between instances that could fail; of the store it proves nothing.
    InProcess,
    /// A message to itself, published as any other, came back this long ago; `None` if none ever did.
    Proved(Option<Duration>),
}

/// While messages to itself came back this lately, others arrive too.
pub const PROOF_LASTS: Duration = Duration::from_secs(3);

impl Delivery {
    /// Whether a message published now would arrive, as far as anybody can tell.
    pub fn is_up(self) -> bool {
        match self {
            Self::InProcess => true,
            Self::Proved(age) => age.is_some_and(|age| age <= PROOF_LASTS),
        }
    }
}

/// The bus could not be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bus is unavailable: {0}")]
pub struct BusError(pub String);

/// One instance's end of the bus.
///
/// **Guarantees.** Delivery is at most once. While no [`Incoming::Gap`] is reported, messages of one channel by one
/// publisher arrive in the order published. An instance does not hear itself: local delivery needs no bus. Nothing here
/// blocks a publisher, and a receiver that is not read loses messages, which it then learns as one gap. A subscription
/// that could not be confirmed is not forgotten: once it is, a gap is reported.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// What this instance is called on the bus.
    fn node(&self) -> Node;

    /// Sends to every other instance that is subscribed to the message's channel.
    fn publish(&self, message: Message);

    /// Begins to receive these channels; once it returns `Ok`, whatever is published later is received. A bus known to be
    /// down says so at once; one that is silent may take long.
    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError>;

    /// Receives them no more, and waits for nobody. One that was not subscribed to is no error.
    async fn unsubscribe(&self, channels: &[Channel]);

    /// The receiving end; `Some` once.
    fn incoming(&self) -> Option<mpsc::Receiver<Incoming>>;

    /// Whether what is published arrives.
    fn delivery(&self) -> Delivery {
        Delivery::InProcess
    }

    /// Waits until what was published has been handed over, as far as it ever will be; the caller sets the time for it.
    async fn flush(&self) {}

    /// What counts for all instances together, if something between them does.
    fn tally(self: Arc<Self>) -> Option<Arc<dyn Tally>> {
        None
    }
}
