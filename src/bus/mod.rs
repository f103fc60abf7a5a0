//! What carries committed events and ephemeral signals to the other instances. An accelerator, never the truth: what it
//! loses is found by the gates and fetched from the store.

pub mod local;
#[cfg(test)]
mod conformance;

pub use local::LocalBus;

use crate::model::{Channel, Event};
use crate::protocol::server::Sender;
use async_trait::async_trait;
use serde_json::value::RawValue;
use std::sync::Arc;
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
    Message(Message),
    /// Messages may have been lost, on any channel: ask the store.
    Gap,
}

/// The bus could not be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bus is unavailable: {0}")]
pub struct BusError(pub String);

/// One instance's end of the bus.
///
/// **Guarantees.** Delivery is at most once. While no [`Incoming::Gap`] is reported, messages of one channel by one
/// publisher arrive in the order published. An instance does not hear itself: local delivery needs no bus. Nothing here
/// blocks a publisher, and a receiver that is not read loses messages, which it then learns as one gap.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Sends to every other instance that is subscribed to the message's channel.
    fn publish(&self, message: Message);

    /// Begins to receive these channels; once it returns, whatever is published later is received.
    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError>;

    /// Receives them no more. One that was not subscribed to is no error.
    async fn unsubscribe(&self, channels: &[Channel]);

    /// The receiving end; `Some` once.
    fn incoming(&self) -> Option<mpsc::Receiver<Incoming>>;
}
