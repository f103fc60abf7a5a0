//! What other instances say, handed on to whom it concerns.

use super::loader::until_end;
use super::{Core, sweep};
use crate::bus::{Incoming, Message};
use crate::model::Event;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

/// Hands on what other instances say until the hub ends.
pub async fn receive(core: Arc<Core>, mut incoming: Receiver<Incoming>) {
    while let Some(Some(arrived)) = until_end(&core, incoming.recv()).await {
        match arrived {
            Incoming::Message { message: Message::Event(event), epoch, .. } => {
                core.accept_heard(event, epoch.as_deref());
            }
            Incoming::Message { message: Message::Signal { channel, from, data }, .. } => {
                if let Some(log) = core.registry.get(&channel).map(|log| log.clone()) {
                    core.deliver_signal(&log, 0, &from, &data);
                }
            }
            Incoming::Message { message: Message::Farewell { away_ms }, from, .. } => {
                core.hear_farewell(from, away_ms).await;
            }
            Incoming::Message { message, from, epoch } => {
                if epoch.is_none_or(|epoch| *epoch == *core.epoch.get()) {
                    core.hear_of_room(from, &message);
                }
            }
            Incoming::Gap => {
                core.ask_everywhere().await;
                let _ = sweep::sweep(&core, Duration::ZERO).await;
            }
        }
    }
}

impl Core {
    /// Takes an event that another instance told of the database with this epoch. In any other it means nothing.
    fn accept_heard(&self, event: Event, epoch: Option<&str>) {
        let Some(log) = self.registry.get(&event.channel).map(|log| log.clone()) else { return };
        let generation = log.generation();
        // Asked in this order: whoever changes the epoch goes on to change the generation.
        if epoch.is_none_or(|epoch| *epoch == *self.epoch.get()) {
            self.pass(&log, vec![event], Some(generation));
        }
    }
}
