//! What one transaction has in hand: the channel rows it holds, the idempotency keys it knows, the events it will append.
//!
//! Channel rows are read once under their lock, changed here, and written once at the end, together with all events and
//! keys; so a group costs a few statements however many members append. A member that is refused is taken back by
//! [`Ledger::undo`], as the back end rolls back to its savepoint.

use super::error::{Rejection, StoreError};
use super::rows::{ChannelRow, KeyRow};
use super::write::IdempotencyKey;
use crate::model::{Channel, Event, EventData, Timestamp, UserId};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An event to be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose log.
    pub channel: Channel,
    /// Its place there.
    pub seq: i64,
    /// What happened.
    pub kind: std::sync::Arc<str>,
    /// What it tells of.
    pub subject_id: Option<i64>,
    /// Who did it.
    pub actor_id: Option<i64>,
    /// What no row holds, as JSON text.
    pub facts: Option<String>,
    /// Unread notifications after it, on a person's channel.
    pub unread: Option<i64>,
}

/// What a key caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caused {
    /// The row.
    pub subject_id: Option<i64>,
    /// The event.
    pub seq: i64,
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    fingerprint: [u8; 32],
    caused: Caused,
}

/// How much was in hand when a member began.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    entries: usize,
    new_keys: usize,
    changes: usize,
}

/// The state of one transaction.
#[derive(Debug)]
pub struct Ledger {
    now: Timestamp,
    rows: BTreeMap<Channel, ChannelRow>,
    absent: BTreeSet<Channel>,
    before: Vec<(Channel, Option<ChannelRow>)>,
    entries: Vec<Entry>,
    keys: HashMap<(String, String, String), Kept>,
    new_keys: Vec<(IdempotencyKey, Caused)>,
    events: Vec<Event>,
}

impl Ledger {
    /// Nothing in hand; `now` is the time of every event.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            rows: BTreeMap::new(),
            absent: BTreeSet::new(),
            before: Vec::new(),
            entries: Vec::new(),
            keys: HashMap::new(),
            new_keys: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The time of every row and event.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Takes in a channel row that was read under its lock, or was just made.
    pub fn hold(&mut self, channel: Channel, row: ChannelRow) {
        let before = self.rows.insert(channel, row);
        self.before.push((channel, before));
    }

    /// Takes in that there is no such channel.
    pub fn miss(&mut self, channel: Channel) {
        self.absent.insert(channel);
    }

    /// Whether there is no such channel, as far as was looked for.
    pub fn is_absent(&self, channel: Channel) -> bool {
        self.absent.contains(&channel)
    }

    /// A channel row as it will be, if it is held.
    pub fn row(&self, channel: Channel) -> Option<ChannelRow> {
        self.rows.get(&channel).copied()
    }

    /// Changes a held row.
    pub fn change(&mut self, channel: Channel, change: impl FnOnce(&mut ChannelRow)) {
        if let Some(row) = self.rows.get_mut(&channel) {
            self.before.push((channel, Some(*row)));
            change(row);
        }
    }

    /// The seq that the next event of a held channel will get.
    pub fn next_seq(&self, channel: Channel) -> i64 {
        self.rows.get(&channel).map_or(1, |row| row.head + 1)
    }

    /// Appends an event to a held channel, with its counters as they are by now; answers its seq.
    pub fn append(
        &mut self,
        channel: Channel,
        data: &EventData<'_>,
        subject_id: Option<i64>,
        actor_id: Option<UserId>,
        facts: Option<String>,
    ) -> i64 {
        let seq = self.next_seq(channel);
        self.change(channel, |row| row.head = seq);
        let unread = self.rows.get(&channel).filter(|_| matches!(channel, Channel::User(_))).map(|row| row.unread);
        let event = Event { unread, ..data.at(channel, seq, self.now) };
        let actor_id = actor_id.map(|id| id.0);
        self.entries.push(Entry { channel, seq, kind: event.kind.clone(), subject_id, actor_id, facts, unread });
        self.events.push(event);
        seq
    }

    /// Takes in a key that was found in the database.
    pub fn know(&mut self, row: KeyRow) -> Result<(), StoreError> {
        let fingerprint = row
            .fingerprint
            .try_into()
            .map_err(|_| StoreError::Internal("a fingerprint that is not 32 bytes long".into()))?;
        let caused = Caused { subject_id: row.subject_id, seq: row.seq };
        self.keys.insert((row.caller, row.action, row.key), Kept { fingerprint, caused });
        Ok(())
    }

    /// What an earlier request with this key caused; a conflict if its content was another.
    pub fn replay(&self, key: Option<&IdempotencyKey>) -> Result<Option<Caused>, Rejection> {
        match key.and_then(|key| Some((key, self.keys.get(&name(key))?))) {
            None => Ok(None),
            Some((key, kept)) if kept.fingerprint == key.fingerprint => Ok(Some(kept.caused)),
            Some(_) => {
                Err(Rejection::Conflict(Cow::Borrowed("the idempotency key was used before with other content")))
            }
        }
    }

    /// Keeps what a key caused, for the members after this one and for later transactions.
    pub fn keep(&mut self, key: Option<IdempotencyKey>, caused: Caused) {
        if let Some(key) = key {
            self.keys.insert(name(&key), Kept { fingerprint: key.fingerprint, caused });
            self.new_keys.push((key, caused));
        }
    }

    /// Begins a member.
    pub fn mark(&mut self) -> Mark {
        self.events.clear();
        Mark { entries: self.entries.len(), new_keys: self.new_keys.len(), changes: self.before.len() }
    }

    /// Takes back everything since the mark.
    pub fn undo(&mut self, mark: Mark) {
        self.events.clear();
        self.entries.truncate(mark.entries);
        for (key, _) in self.new_keys.drain(mark.new_keys..) {
            self.keys.remove(&name(&key));
        }
        for (channel, before) in self.before.drain(mark.changes..).rev() {
            match before {
                Some(row) => self.rows.insert(channel, row),
                None => self.rows.remove(&channel),
            };
        }
    }

    /// The events of the member since its mark, composed.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// What is to be inserted, in commit order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The keys to be inserted, sorted as every transaction takes them.
    pub fn new_keys(&mut self) -> &[(IdempotencyKey, Caused)] {
        self.new_keys.sort_by(|(a, _), (b, _)| (&a.caller, a.action, &a.key).cmp(&(&b.caller, b.action, &b.key)));
        &self.new_keys
    }

    /// The rows that differ from what was read, with what they are to be.
    pub fn changed(&self) -> BTreeMap<Channel, ChannelRow> {
        let changed = self.before.iter().filter(|(_, before)| before.is_some()).map(|(channel, _)| *channel);
        changed.filter_map(|channel| Some((channel, self.row(channel)?))).collect()
    }
}

fn name(key: &IdempotencyKey) -> (String, String, String) {
    (key.caller.clone(), key.action.to_owned(), key.key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PostId;

    #[test]
    fn what_is_undone_leaves_the_ledger_as_it_was() {
        let channel = Channel::Post(PostId(1));
        let key = IdempotencyKey { caller: "u:1".into(), action: "post", key: "k".into(), fingerprint: [1; 32] };
        let mut ledger = Ledger::new(Timestamp(5));
        ledger.hold(channel, ChannelRow { head: 7, ..ChannelRow::default() });
        assert_eq!(ledger.append(channel, &EventData::Void, None, None, None), 8);

        let mark = ledger.mark();
        ledger.append(channel, &EventData::Void, None, None, None);
        ledger.change(channel, |row| row.comment_count += 1);
        ledger.hold(Channel::Revocations, ChannelRow::default());
        ledger.keep(Some(key.clone()), Caused { subject_id: Some(1), seq: 9 });
        assert!(ledger.replay(Some(&key)).unwrap().is_some());
        ledger.undo(mark);

        assert_eq!(ledger.row(channel), Some(ChannelRow { head: 8, ..ChannelRow::default() }));
        assert_eq!(ledger.row(Channel::Revocations), None);
        assert_eq!(ledger.entries().len(), 1);
        assert_eq!((ledger.replay(Some(&key)).unwrap(), ledger.new_keys().len()), (None, 0));
        assert!(ledger.take_events().is_empty());
        assert_eq!(ledger.changed().len(), 1);
    }
}
