//! What carries committed events and ephemeral signals to the other instances. An accelerator, never the truth: what it
//! loses is found by the gates and fetched from the store.

mod inbound;
pub mod local;
pub mod redis;
pub mod tally;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tally_conformance;

pub use local::LocalBus;
pub use redis::RedisBus;
pub use tally::Tally;

use crate::model::{Channel, Event};
use crate::protocol::server::Sender;
use async_trait::async_trait;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

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
}

impl Message {
    /// Where it belongs.
    pub fn channel(&self) -> Channel {
        match self {
            Self::Event(event) => event.channel,
            Self::Signal { channel, .. } => *channel,
        }
    }
}

/// What arrives.
#[derive(Debug, Clone)]
pub enum Incoming {
    /// A message another instance published on a channel subscribed to here.
    Message {
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

    /// What counts for all instances together, if something between them does.
    fn tally(self: Arc<Self>) -> Option<Arc<dyn Tally>> {
        None
    }
}
