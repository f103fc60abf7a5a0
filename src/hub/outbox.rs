//! What waits to be written to a socket besides events: replies, signals that must not be skipped, the Close.

use bytes::Bytes;
use std::collections::VecDeque;

/// Whole frames in their order; a pointer while nothing waits, as at most sockets most of the time.
#[derive(Default)]
pub struct Outbox(Option<Box<Waiting>>);

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// A heartbeat is among them.
    heartbeat: bool,
}

impl Outbox {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Bytes of what waits.
    pub fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.bytes)
    }

    /// Puts a frame behind what waits.
    pub fn push(&mut self, frame: Bytes) {
        let waiting = self.0.get_or_insert_default();
        waiting.bytes += frame.len();
        waiting.frames.push_back(frame);
    }

    /// Puts a heartbeat behind what waits, unless one is there already.
    pub fn push_heartbeat(&mut self, heartbeat: &Bytes) {
        if !self.0.as_ref().is_some_and(|waiting| waiting.heartbeat) {
            self.push(heartbeat.clone());
            self.0.get_or_insert_default().heartbeat = true;
        }
    }

    /// Takes the first frame.
    pub fn pop(&mut self) -> Option<Bytes> {
        let waiting = self.0.as_mut()?;
        let frame = waiting.frames.pop_front()?;
        waiting.bytes -= frame.len();
        if waiting.frames.is_empty() {
            self.0 = None;
        }
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_leave_in_their_order_and_no_memory_is_held_for_none() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"one"));
        outbox.push(Bytes::from_static(b"three"));
        assert_eq!((outbox.bytes(), outbox.is_empty()), (8, false));
        assert_eq!((outbox.pop().as_deref(), outbox.bytes()), (Some(&b"one"[..]), 5));
        assert_eq!((outbox.pop().as_deref(), outbox.bytes()), (Some(&b"three"[..]), 0));
        assert_eq!((outbox.pop(), outbox.is_empty()), (None, true));
        assert_eq!(size_of::<Outbox>(), size_of::<usize>());
    }

    #[test]
    fn one_heartbeat_waits_however_long_it_has_to_and_the_next_only_after_it_was_taken() {
        let (heartbeat, mut outbox) = (Bytes::from_static(b"beat"), Outbox::default());
        outbox.push(Bytes::from_static(b"reply"));
        outbox.push_heartbeat(&heartbeat);
        outbox.push_heartbeat(&heartbeat);
        assert_eq!(outbox.bytes(), 9);
        assert!(outbox.pop().is_some() && outbox.pop().is_some() && outbox.is_empty());
        outbox.push_heartbeat(&heartbeat);
        assert_eq!(outbox.bytes(), 4);
    }
}
