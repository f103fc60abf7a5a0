//! The one gate into a log: from whatever side an event comes, it opens in order only.

use crate::model::Event;
use std::collections::BTreeMap;

/// Events that may wait for an earlier one; more are fetched from the store once the hole is filled.
const MAX_EARLY: usize = 1_024;
/// Bytes of their data.
const MAX_EARLY_BYTES: usize = 1 << 20;

/// Where a log stands and what came too early. Pure: no time, no I/O.
#[derive(Debug, Default)]
pub struct Gate {
    head: Option<i64>,
    /// A pointer while nothing waits, as in most logs all the time.
    early: Option<Box<Early>>,
}

/// What waits for earlier events.
#[derive(Debug, Default)]
struct Early {
    events: BTreeMap<i64, Event>,
    bytes: usize,
}

impl Early {
    fn has_room(&self) -> bool {
        self.events.len() < MAX_EARLY && self.bytes < MAX_EARLY_BYTES
    }

    fn insert(&mut self, event: Event) {
        self.bytes += event.data.get().len();
        if let Some(same) = self.events.insert(event.seq, event) {
            self.bytes -= same.data.get().len();
        }
    }
}

impl Gate {
    /// The last event let through, once the gate stands somewhere.
    pub fn head(&self) -> Option<i64> {
        self.head
    }

    /// Places a gate that has not stood anywhere at a head read from the store; lets through what came early.
    pub fn open_at(&mut self, head: i64) -> Vec<Event> {
        if self.head.is_none() {
            self.head = Some(head);
        }
        self.drain()
    }

    /// Takes an event: a duplicate is dropped, an early one waits, the next one passes with all that waited for it.
    pub fn accept(&mut self, event: Event) -> Vec<Event> {
        match self.head {
            Some(head) if event.seq <= head => Vec::new(),
            Some(head) if event.seq == head + 1 && self.early.is_none() => {
                self.head = Some(event.seq);
                vec![event]
            }
            _ => {
                let early = self.early.get_or_insert_default();
                if early.has_room() || self.head.is_some_and(|head| event.seq == head + 1) {
                    early.insert(event);
                }
                self.drain()
            }
        }
    }

    /// Whether something waits for an event that has not come; then the last one let through.
    pub fn hole(&self) -> Option<i64> {
        self.head.filter(|_| self.early.is_some())
    }

    /// Forgets everything: the database is another one.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn drain(&mut self) -> Vec<Event> {
        let (Some(head), Some(early)) = (&mut self.head, &mut self.early) else { return Vec::new() };
        let mut passed = Vec::new();
        while let Some(first) = early.events.first_entry() {
            let ahead = *first.key() - *head;
            if ahead > 1 {
                break;
            }
            let event = first.remove();
            early.bytes -= event.data.get().len();
            if ahead == 1 {
                *head += 1;
                passed.push(event);
            }
        }
        if early.events.is_empty() {
            self.early = None;
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::EventData;
    use crate::model::{Channel, PostId, Timestamp};
    use proptest::prelude::*;

    fn event(seq: i64) -> Event {
        EventData::Void.at(Channel::Post(PostId(1)), seq, Timestamp(0))
    }

    const NONE: [i64; 0] = [];

    fn seqs(events: Vec<Event>) -> Vec<i64> {
        events.into_iter().map(|event| event.seq).collect()
    }

    #[test]
    fn a_duplicate_is_dropped_and_an_early_one_waits_for_the_hole_to_be_filled() {
        let mut gate = Gate::default();
        gate.open_at(5);
        assert_eq!(seqs(gate.accept(event(5))), NONE);
        assert_eq!(seqs(gate.accept(event(7))), NONE);
        assert_eq!(gate.hole(), Some(5));
        assert_eq!(seqs(gate.accept(event(6))), [6, 7]);
        assert_eq!((gate.hole(), gate.head()), (None, Some(7)));
    }

    #[test]
    fn what_comes_before_the_head_is_known_is_kept_until_it_is() {
        let mut gate = Gate::default();
        assert_eq!(seqs(gate.accept(event(4))), NONE);
        assert_eq!(seqs(gate.accept(event(6))), NONE);
        assert_eq!(seqs(gate.accept(event(5))), NONE);
        assert_eq!(seqs(gate.open_at(4)), [5, 6]);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_whatever_order_the_gate_opens_in_order_without_a_hole(
            head in 0..20i64,
            arrivals in prop::collection::vec(1..60i64, 0..200),
        ) {
            let mut gate = Gate::default();
            let mut passed = seqs(gate.open_at(head));
            for seq in &arrivals {
                passed.extend(seqs(gate.accept(event(*seq))));
            }
            prop_assert_eq!(&passed, &(head + 1..=head + passed.len() as i64).collect::<Vec<_>>());
            let next = head + passed.len() as i64 + 1;
            prop_assert!(!arrivals.contains(&next), "{} came and did not pass", next);
        }
    }
}
