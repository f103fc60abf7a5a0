//! The bus inside one process: instances that share a [`LocalBus`] hear each other.

use super::inbound::Inbound;
use super::{Bus, BusError, Incoming, Message, Node};
use crate::model::Channel;
use async_trait::async_trait;
use parking_lot::RwLock;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Messages one instance may leave unread before it loses some.
pub const CAPACITY: usize = 65_536;

/// Where instances of one process meet.
#[derive(Default)]
pub struct LocalBus {
    nodes: RwLock<Vec<Arc<Inbox>>>,
    joined: AtomicU64,
}

struct Inbox {
    node: Node,
    channels: RwLock<HashSet<Channel>>,
    inbound: Inbound,
    gone: AtomicBool,
}

impl LocalBus {
    /// A bus without instances.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Another instance's end.
    pub fn join(self: &Arc<Self>) -> Arc<LocalEnd> {
        self.join_with_capacity(CAPACITY)
    }

    fn join_with_capacity(self: &Arc<Self>, capacity: usize) -> Arc<LocalEnd> {
        let inbox = Arc::new(Inbox {
            node: Node(self.joined.fetch_add(1, Ordering::Relaxed) + 1),
            channels: RwLock::default(),
            inbound: Inbound::new(capacity),
            gone: AtomicBool::new(false),
        });
        self.nodes.write().push(inbox.clone());
        Arc::new(LocalEnd { bus: self.clone(), inbox })
    }
}

/// One instance's end of a [`LocalBus`].
pub struct LocalEnd {
    bus: Arc<LocalBus>,
    inbox: Arc<Inbox>,
}

#[async_trait]
impl Bus for LocalEnd {
    fn node(&self) -> Node {
        self.inbox.node
    }

    fn publish(&self, message: Message) {
        let channel = message.channel();
        for node in self.bus.nodes.read().iter() {
            if !Arc::ptr_eq(node, &self.inbox) && node.channels.read().contains(&channel) {
                node.inbound.put(self.inbox.node, message.clone(), None);
            }
        }
    }

    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError> {
        self.inbox.channels.write().extend(channels);
        Ok(())
    }

    async fn unsubscribe(&self, channels: &[Channel]) {
        let mut held = self.inbox.channels.write();
        for channel in channels {
            held.remove(channel);
        }
    }

    fn incoming(&self) -> Option<mpsc::Receiver<Incoming>> {
        self.inbox.inbound.reader()
    }
}

impl Drop for LocalEnd {
    fn drop(&mut self) {
        self.inbox.gone.store(true, Ordering::Relaxed);
        self.bus.nodes.write().retain(|node| !node.gone.load(Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance;
    use super::*;

    async fn two() -> Option<conformance::Ends> {
        let bus = LocalBus::new();
        Some((bus.join(), bus.join()))
    }

    conformance::clauses!(two);

    #[tokio::test]
    async fn a_full_receiver_blocks_no_publisher_and_learns_of_one_gap() {
        let bus = LocalBus::new();
        let (publisher, receiver) = (bus.join(), bus.join_with_capacity(2));
        let channel = conformance::room(1);
        receiver.subscribe(&[channel]).await.unwrap();
        for seq in 1..=5 {
            publisher.publish(conformance::event(channel, seq));
        }
        let mut incoming = receiver.incoming().unwrap();
        assert_eq!(conformance::seqs(&mut incoming, 2).await, [Some(1), Some(2)]);
        publisher.publish(conformance::event(channel, 6));
        assert_eq!(conformance::seqs(&mut incoming, 2).await, [None, Some(6)]);
    }
}
