//! One connection to Redis from its beginning to its end. At its beginning everything wanted is subscribed to, and
//! receivers are told of the gap that lies before; whatever goes wrong ends it, and the next one begins the same way. So
//! there is one way back, and it is the way in.

use super::link::{Link, failed, slots};
use super::outbox::Letter;
use super::wanted::Change;
use super::{Shared, wire};
use crate::bus::{BusError, PROOF_LASTS};
use crate::metrics::{self, Gap, Unpublished};
use crate::model::Channel;
use fred::clients::Client;
use fred::interfaces::{EventInterface, PubsubInterface};
use fred::types::{Message as Arrival, Value};
use futures_util::future::try_join_all;
use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};

/// Channels subscribed to in one go. Each is a command of its own: fred takes the answer to the second channel of one
/// command for the answer to the next command, and says that `SUBSCRIBE` is done before it was sent.
const SUBSCRIBED_AT_ONCE: usize = 512;
/// How often an instance sends a word to itself, and looks which node of a cluster has which slots.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The database is another one, and so are the names of channels.
    Epoch,
    /// Slots of the cluster moved, and with them subscriptions; fred does not pass on that the server says so.
    Moved,
    /// All seemed well, but what was sent to oneself did not come.
    Silent,
    /// Something failed.
    Failed(BusError),
}

impl From<BusError> for End {
    fn from(error: BusError) -> Self {
        Self::Failed(error)
    }
}

/// Carries until something ends it.
pub async fn run(shared: &Shared) -> End {
    let epoch = shared.epoch.get();
    let (mut reader, mut writer) = match (Link::open(&shared.address), Link::open(&shared.address)) {
        (Ok(reader), Ok(writer)) => (reader, writer),
        (Err(error), _) | (_, Err(error)) => return error.into(),
    };
    let session = Session { shared, epoch: &epoch, reader: reader.client.clone(), writer: writer.client.clone() };
    tokio::select! {
        end = session.carry() => end.unwrap_or_else(|end| end),
        error = reader.ended() => error.into(),
        error = writer.ended() => error.into(),
        _ = shared.epoch.other_than(&epoch) => End::Epoch,
    }
}

struct Session<'a> {
    shared: &'a Shared,
    epoch: &'a std::sync::Arc<str>,
    /// What hears.
    reader: Client,
    /// What speaks; apart, because fred reads before it writes.
    writer: Client,
}

impl Session<'_> {
    async fn carry(&self) -> Result<End, End> {
        let arrivals = self.reader.message_rx();
        self.reader.ssubscribe(wire::probe_name(self.epoch, self.shared.node)).await.map_err(failed)?;
        let slots = if self.shared.address.is_cluster() { slots(&self.writer).await? } else { Vec::new() };
        let mut held = HashSet::new();
        let change = self.shared.wanted.begin();
        self.follow(&mut held, change).await?;
        self.shared.up(self.writer.clone());
        tokio::select! {
            end = self.hear(arrivals) => end,
            end = self.keep(held) => end,
            end = self.speak() => end,
            end = self.watch(slots) => end,
        }
    }

    /// Hands on what comes.
    async fn hear(&self, mut arrivals: Receiver<Arrival>) -> Result<End, End> {
        loop {
            match arrivals.recv().await {
                Ok(arrival) => self.take(&arrival),
                Err(RecvError::Lagged(_)) => self.gap(Gap::Overrun),
                Err(RecvError::Closed) => return Err(BusError("nothing is heard any more".into()).into()),
            }
        }
    }

    fn take(&self, arrival: &Arrival) {
        let (shared, Some(bytes)) = (self.shared, arrival.value.as_bytes()) else { return };
        let Some(from) = wire::sender(bytes) else { return };
        let own = from == shared.node;
        match wire::place(&arrival.channel, self.epoch, shared.node) {
            Some(wire::Place::Probe) if own => {
                if let Some(sent_us) = wire::decode_probe(bytes) {
                    shared.heard(sent_us);
                }
            }
            Some(wire::Place::Channel(channel)) if !own && shared.wanted.has(channel) => {
                let Some(message) = wire::decode(channel, bytes) else { return };
                metrics::bus_received();
                if !shared.inbound.put(from, message, Some(self.epoch.clone())) {
                    metrics::bus_gap(Gap::Overrun);
                }
            }
            _ => {}
        }
    }

    /// Keeps what is subscribed to as it is wanted.
    async fn keep(&self, mut held: HashSet<Channel>) -> Result<End, End> {
        loop {
            let change = self.shared.wanted.change(&held).await;
            if self.follow(&mut held, change).await? {
                self.gap(Gap::Late);
            }
        }
    }

    /// Subscribes and unsubscribes; whether somebody went on without what is confirmed only now.
    async fn follow(&self, held: &mut HashSet<Channel>, change: Change) -> Result<bool, End> {
        for some in change.enter.chunks(SUBSCRIBED_AT_ONCE) {
            let all = some.iter().map(|channel| self.reader.ssubscribe(wire::name(self.epoch, *channel)));
            try_join_all(all).await.map_err(failed)?;
            held.extend(some);
        }
        for channel in &change.leave {
            // Answered by fred before it is sent; what still comes is not handed on.
            self.reader.sunsubscribe(wire::name(self.epoch, *channel)).await.map_err(failed)?;
            held.remove(channel);
        }
        metrics::bus_channels(held.len());
        let mut unheard = change.unheard;
        for waiting in change.waiting {
            unheard |= waiting.send(Ok(())).is_err();
        }
        Ok(unheard)
    }

    /// Publishes what waits. Whether Redis took it is known before the next is sent, so that a Redis that does not keep
    /// up fills our queue and no other.
    async fn speak(&self) -> Result<End, End> {
        loop {
            let letters = self.shared.outbox.take().await;
            let messages = letters.iter().filter(|letter| letter.is_message()).count() as u64;
            let pipeline = self.writer.pipeline();
            let mut marks = Vec::new();
            for letter in letters {
                let (name, body) = match letter {
                    Letter::Mark(mark) => {
                        marks.push(mark);
                        continue;
                    }
                    Letter::Message(epoch, message) => {
                        (wire::name(&epoch, message.channel()), wire::encode(self.shared.node, &message))
                    }
                    Letter::Probe(sent_us) => {
                        let node = self.shared.node;
                        (wire::probe_name(self.epoch, node), wire::encode_probe(node, sent_us))
                    }
                };
                pipeline.spublish::<Value, _, _>(name, Value::Bytes(body.into())).await.map_err(failed)?;
            }
            if let Some(error) = pipeline.try_all::<Value>().await.into_iter().find_map(Result::err) {
                metrics::bus_unpublished(Unpublished::Failed, messages);
                return Err(failed(error).into());
            }
            metrics::bus_published(messages);
            for mark in marks {
                let _ = mark.send(());
            }
        }
    }

    /// Sends words to oneself, and ends a connection that only seems to be well.
    async fn watch(&self, slots_before: Vec<(i64, i64, String)>) -> Result<End, End> {
        let began = self.shared.clock.instant();
        let mut ticks = interval(PROBE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let heard = self.shared.heard_at().map_or(began, |at| at.max(began));
            if self.shared.clock.instant().saturating_duration_since(heard) > PROOF_LASTS {
                return Ok(End::Silent);
            }
            // Refused only where there is no connection any more.
            let _ = self.shared.outbox.put(Letter::Probe(self.shared.now_us()));
            if self.shared.address.is_cluster() && slots(&self.writer).await? != slots_before {
                return Ok(End::Moved);
            }
        }
    }

    fn gap(&self, reason: Gap) {
        metrics::bus_gap(reason);
        self.shared.inbound.gap();
    }
}
