//! Who has their turn when: what must reach many sockets without all of them acting on it in the same moment.

use super::conn::Conn;
use super::log::ChannelLog;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::{Arc, Weak};

/// What a socket's turn is for. A socket that is gone by then is not kept for it.
pub enum Turn {
    /// To be told where to go on in a log that was placed anew.
    Resync(Weak<Conn>, Arc<ChannelLog>),
    /// To be closed, at the latest then (milliseconds of the hub), whatever it still waits for.
    Close(Weak<Conn>, u64),
}

struct Due {
    at_ms: u64,
    /// Those that are due together come in the order given.
    order: u64,
    turn: Turn,
}

/// The turns of one shard's sockets. There is at most one to close a socket, and one a subscription and epoch.
#[derive(Default)]
pub struct Turns {
    heap: BinaryHeap<Reverse<Due>>,
    given: u64,
}

impl Turns {
    /// Gives a turn at a time (milliseconds of the hub).
    pub fn give(&mut self, at_ms: u64, turn: Turn) {
        self.given += 1;
        self.heap.push(Reverse(Due { at_ms, order: self.given, turn }));
    }

    /// The next whose time has come.
    pub fn take(&mut self, now_ms: u64) -> Option<Turn> {
        if self.heap.peek()?.0.at_ms > now_ms {
            return None;
        }
        let turn = self.heap.pop()?.0.turn;
        if self.heap.is_empty() {
            self.heap = BinaryHeap::new();
        }
        Some(turn)
    }

    /// Whether nobody waits for a turn.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at_ms, self.order).cmp(&(other.at_ms, other.order))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: u64) -> Turn {
        Turn::Close(Weak::new(), name)
    }

    fn name(turn: Option<Turn>) -> Option<u64> {
        turn.map(|turn| if let Turn::Close(_, name) = turn { name } else { 0 })
    }

    #[test]
    fn turns_come_when_they_are_due_and_in_the_order_given() {
        let mut turns = Turns::default();
        for (at_ms, turn) in [(20, 3), (10, 1), (10, 2), (30, 4)] {
            turns.give(at_ms, named(turn));
        }
        assert_eq!(name(turns.take(9)), None);
        assert_eq!([name(turns.take(10)), name(turns.take(10)), name(turns.take(10))], [Some(1), Some(2), None]);
        assert_eq!([name(turns.take(40)), name(turns.take(40))], [Some(3), Some(4)]);
        assert!(turns.is_empty() && turns.take(u64::MAX).is_none());
    }
}
