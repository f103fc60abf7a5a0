//! The receiving end of a bus: bounded, and what does not fit becomes one gap.

use super::{Incoming, Message, Node};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;

/// Where a bus puts what arrives.
pub struct Inbound {
    sender: mpsc::Sender<Incoming>,
    receiver: Mutex<Option<mpsc::Receiver<Incoming>>>,
    /// Messages were lost and the receiver has not been told yet.
    gap: AtomicBool,
}

impl Inbound {
    /// An end that holds so many arrivals.
    pub fn new(capacity: usize) -> Self {
        let (sender, receiver) = mpsc::channel(capacity);
        Self { sender, receiver: Mutex::new(Some(receiver)), gap: AtomicBool::new(false) }
    }

    /// The reading end; `Some` once.
    pub fn reader(&self) -> Option<mpsc::Receiver<Incoming>> {
        self.receiver.lock().take()
    }

    /// Puts a message, after the gap that lies before it; whether there was room.
    pub fn put(&self, from: Node, message: Message, epoch: Option<Arc<str>>) -> bool {
        self.tell_gap();
        let fits = self.sender.try_send(Incoming::Message { from, message, epoch }).is_ok();
        if !fits {
            self.gap.store(true, Ordering::Relaxed);
        }
        fits
    }

    /// Messages may have been lost. Told now, or where there is no room before the next message.
    pub fn gap(&self) {
        self.gap.store(true, Ordering::Relaxed);
        self.tell_gap();
    }

    fn tell_gap(&self) {
        if self.gap.load(Ordering::Relaxed) && self.sender.try_send(Incoming::Gap).is_ok() {
            self.gap.store(false, Ordering::Relaxed);
        }
    }
}
