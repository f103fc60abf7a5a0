//! Holds a history to what Belfry promises. A pure function: it is told everything and touches nothing.
//!
//! `acked ⊆ rows`, exactly once by key, the acknowledged `seq` is the row's, views without a hole that was not told,
//! all views and the log tell the same, nothing is seen that is not there, no seq shows what is older than itself, and
//! what was acknowledged before something else was begun comes before it.

mod inbox;
mod reactions;

use crate::history::{Action, DELETED, Event, History, Mark, Op, Row, Subject, Truth, View};
use std::collections::{BTreeMap, HashMap};

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// An acknowledged write is not there.
    Lost { key: String },
    /// One key made several comments.
    Doubled { key: String },
    /// A retry was answered with another comment or seq than the first attempt.
    Changed { key: String },
    /// The acknowledged seq is not the row's, or the row does not bear the key.
    WrongSeq { key: String },
    /// A comment that nobody wrote, or that was refused.
    Unasked { channel: String, id: u64 },
    /// What was acknowledged earlier comes later.
    Reordered { key: String },
    /// The log is not 1, 2, 3 … head.
    BrokenLog { channel: String, seq: u64 },
    /// A comment's creation is not what the log says at its seq.
    Unlogged { channel: String, id: u64 },
    /// A view skipped events without being told.
    Hole { view: String, channel: String, expected: u64, got: u64 },
    /// A view was told an event again.
    Repeated { view: String, channel: String, seq: u64 },
    /// A view was told another event than the log has there.
    Disagreement { view: String, channel: String, seq: u64 },
    /// A view was told an event that is not in the log.
    Phantom { view: String, channel: String, seq: u64 },
    /// An event, the log or a row shows a text older than what was acknowledged at or before it.
    Stale { view: String, channel: String, seq: u64 },
    /// `comment_count` is not the number of comments after that seq.
    WrongCount { view: String, channel: String, seq: u64 },
    /// A view did not reach the head.
    Behind { view: String, channel: String, at: u64, head: u64 },
    /// A person does not see their emoji as it was acknowledged last.
    LostToggle { key: String },
    /// A person's emoji was put where it was, or taken from where it was not.
    DoubledToggle { channel: String, seq: u64 },
    /// A comment's counts are not what the log adds up to.
    WrongReactions { channel: String, id: u64 },
    /// What was read is unread, and nothing happened to it since.
    LostRead { key: String },
    /// Nobody told the owner of a comment or of reactions.
    Unnotified { comment: u64 },
    /// The owner was told of the same twice, of themselves, or of what is gone.
    OverNotified { comment: u64 },
    /// A notification of reactions counts other people than reacted.
    WrongActors { comment: u64 },
    /// `unread` is not the number of unread notifications.
    WrongUnread { view: String, seq: u64 },
}

/// Everything that is wrong with a history; empty for a good one.
pub fn check(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    writes(history, &mut found);
    for (channel, truth) in &history.truth {
        log(channel, truth, &mut found);
        let judge = Judge { channel, truth, acked: acked_versions(history, channel) };
        judge.texts("the log", &truth.log, &mut found);
        for view in history.views.iter().filter(|view| view.channel == *channel) {
            judge.view(view, &mut found);
        }
    }
    reactions::check(history, &mut found);
    inbox::check(history, &mut found);
    found
}

/// A write that was begun.
struct Begun<'a> {
    channel: &'a str,
    action: Action,
    /// The highest seq of its channel that was acknowledged before.
    floor: u64,
    acked: Option<(u64, u64)>,
    refused: bool,
}

/// Reads the operations in order; what contradicts itself is found on the way.
fn begun<'a>(history: &'a History, found: &mut Vec<Violation>) -> BTreeMap<&'a str, Begun<'a>> {
    let mut begun: BTreeMap<&str, Begun<'_>> = BTreeMap::new();
    let mut heads: HashMap<&str, u64> = HashMap::new();
    for op in &history.ops {
        match op {
            Op::Invoke { key, channel, action } => {
                let floor = heads.get(channel.as_str()).copied().unwrap_or(0);
                let write = Begun { channel, action: *action, floor, acked: None, refused: false };
                assert!(begun.insert(key, write).is_none(), "a history invokes {key} once");
            }
            Op::Ok { key, id, seq } => {
                let write = begun.get_mut(key.as_str()).expect("an answer follows its invocation");
                match write.acked {
                    Some(first) if first != (*id, *seq) && write.action == Action::Create => {
                        found.push(Violation::Changed { key: key.clone() });
                    }
                    Some(_) => {}
                    None => write.acked = Some((*id, *seq)),
                }
                let head = heads.entry(write.channel).or_default();
                *head = (*head).max(*seq);
            }
            Op::Fail { key } => {
                begun.get_mut(key.as_str()).expect("a refusal follows its invocation").refused = true;
            }
            Op::Info { .. } => {}
        }
    }
    begun
}

/// Writes against the rows.
fn writes(history: &History, found: &mut Vec<Violation>) {
    let begun = begun(history, found);
    let mut by_key: BTreeMap<&str, Vec<(&str, &Row)>> = BTreeMap::new();
    let mut by_id: HashMap<(&str, u64), &Row> = HashMap::new();
    for (channel, truth) in &history.truth {
        for row in &truth.rows {
            by_id.insert((channel.as_str(), row.id), row);
            if let Some(key) = &row.key {
                by_key.entry(key).or_default().push((channel, row));
            }
        }
    }
    for (key, rows) in &by_key {
        if rows.len() > 1 {
            found.push(Violation::Doubled { key: (*key).to_owned() });
        }
        for (channel, row) in rows {
            match begun.get(key) {
                Some(write) if write.action == Action::Create && !write.refused && write.channel == *channel => {
                    // Also a write without an answer happened after what was acknowledged before it began.
                    if row.seq <= write.floor {
                        found.push(Violation::Reordered { key: (*key).to_owned() });
                    }
                }
                _ => found.push(Violation::Unasked { channel: (*channel).to_owned(), id: row.id }),
            }
        }
    }
    for (key, write) in &begun {
        let Some((id, seq)) = write.acked else { continue };
        if matches!(write.action, Action::Read { .. }) {
            continue;
        }
        let key = || (*key).to_owned();
        let Some(row) = by_id.get(&(write.channel, id)) else {
            found.push(Violation::Lost { key: key() });
            continue;
        };
        match write.action {
            Action::Create => {
                if row.seq != seq || row.key.as_deref().is_some_and(|shown| shown != key()) {
                    found.push(Violation::WrongSeq { key: key() });
                }
            }
            Action::Edit { comment, version } => {
                if comment != id || row.version < version {
                    found.push(Violation::Lost { key: key() });
                }
            }
            Action::Delete { comment } => {
                if comment != id || row.version != DELETED {
                    found.push(Violation::Lost { key: key() });
                }
            }
            Action::React { .. } | Action::Read { .. } => {}
        }
        // A repeated edit or delete may tell the first one's seq; its own invocation is then younger than that.
        if write.action == Action::Create && seq <= write.floor {
            found.push(Violation::Reordered { key: key() });
        }
    }
}

/// A log against itself and the rows.
fn log(channel: &str, truth: &Truth, found: &mut Vec<Violation>) {
    let mut expected = 1;
    let mut count = Some(0);
    for event in &truth.log {
        if event.seq != expected {
            found.push(Violation::BrokenLog { channel: channel.to_owned(), seq: event.seq });
        }
        expected = event.seq + 1;
        count = count.and_then(|count: i64| match event.kind.as_str() {
            "comment.created" => Some(count + 1),
            "comment.deleted" => Some(count - 1),
            // What it stood for is not known any more, nor are the counts after it.
            "void" => None,
            _ => Some(count),
        });
        if event.count.zip(count).is_some_and(|(told, count)| told != count) {
            let view = "the log".to_owned();
            found.push(Violation::WrongCount { view, channel: channel.to_owned(), seq: event.seq });
        }
    }
    if expected != truth.head + 1 {
        found.push(Violation::BrokenLog { channel: channel.to_owned(), seq: truth.head });
    }
    for row in &truth.rows {
        let logged = row.seq.checked_sub(1).and_then(|index| truth.log.get(index as usize));
        let right = logged.is_some_and(|event| {
            event.kind == "void" || event.kind == "comment.created" && event.subject == Subject::Comment(row.id)
        });
        if !right {
            found.push(Violation::Unlogged { channel: channel.to_owned(), id: row.id });
        }
    }
    let rows: HashMap<u64, &Row> = truth.rows.iter().map(|row| (row.id, row)).collect();
    for event in truth.log.iter().filter(|event| event.kind == "comment.created") {
        let right = match event.subject {
            Subject::Comment(id) => rows.get(&id).is_some_and(|row| row.seq == event.seq),
            _ => false,
        };
        if !right {
            let view = "the log".to_owned();
            found.push(Violation::Phantom { view, channel: channel.to_owned(), seq: event.seq });
        }
    }
}

/// For every comment of a channel, what was acknowledged: `(seq, version)`.
fn acked_versions(history: &History, channel: &str) -> HashMap<u64, Vec<(u64, u32)>> {
    let mut actions: HashMap<&str, Action> = HashMap::new();
    let mut acked: HashMap<u64, Vec<(u64, u32)>> = HashMap::new();
    for op in &history.ops {
        match op {
            Op::Invoke { key, channel: at, action } if at == channel => {
                actions.insert(key, *action);
            }
            Op::Ok { key, id, seq } => {
                let version = match actions.get(key.as_str()) {
                    Some(Action::Create) => 0,
                    Some(Action::Edit { version, .. }) => *version,
                    Some(Action::Delete { .. }) => DELETED,
                    Some(Action::React { .. } | Action::Read { .. }) | None => continue,
                };
                acked.entry(*id).or_default().push((*seq, version));
            }
            _ => {}
        }
    }
    acked
}

/// Judges what is told of one channel.
struct Judge<'a> {
    channel: &'a str,
    truth: &'a Truth,
    acked: HashMap<u64, Vec<(u64, u32)>>,
}

impl Judge<'_> {
    fn view(&self, view: &View, found: &mut Vec<Violation>) {
        let (name, channel) = (|| view.name.clone(), || self.channel.to_owned());
        let mut at: Option<u64> = None;
        let mut epoch: Option<&str> = None;
        for mark in &view.marks {
            match mark {
                Mark::Subscribed { epoch: told, seq, recovered: true } => {
                    // A recovered view goes on from its place; anything else is a hole, or told again.
                    let stood = at.filter(|_| epoch == Some(told.as_str()));
                    if stood != Some(*seq) {
                        let expected = stood.unwrap_or(0);
                        found.push(Violation::Hole { view: name(), channel: channel(), expected, got: *seq });
                    }
                    (at, epoch) = (Some(*seq), Some(told.as_str()));
                }
                Mark::Subscribed { epoch: told, seq, recovered: false } | Mark::Resync { epoch: told, seq } => {
                    (at, epoch) = (Some(*seq), Some(told.as_str()));
                }
                Mark::Event(event) => {
                    let (expected, got) = (at.map_or(0, |at| at + 1), event.seq);
                    if got > expected {
                        found.push(Violation::Hole { view: name(), channel: channel(), expected, got });
                    } else if got < expected {
                        found.push(Violation::Repeated { view: name(), channel: channel(), seq: got });
                    }
                    at = Some(got);
                    // Only the last epoch has a log to compare with; of one before, nothing but contiguity can be held.
                    if epoch == Some(&self.truth.epoch) {
                        self.event(&view.name, event, found);
                        self.texts(&view.name, [event], found);
                    }
                }
            }
        }
        let (reached, head) = (at.unwrap_or(0), self.truth.head);
        if reached != head || epoch != Some(&self.truth.epoch) {
            found.push(Violation::Behind { view: name(), channel: channel(), at: reached, head });
        }
    }

    /// An event of a view against the log.
    fn event(&self, view: &str, event: &Event, found: &mut Vec<Violation>) {
        let (view, channel, seq) = (view.to_owned(), self.channel.to_owned(), event.seq);
        let Some(logged) = event.seq.checked_sub(1).and_then(|index| self.truth.log.get(index as usize)) else {
            found.push(Violation::Phantom { view, channel, seq });
            return;
        };
        if event.kind == "void" || logged.kind == "void" {
            return;
        }
        if (&event.kind, &event.subject) != (&logged.kind, &logged.subject) {
            found.push(Violation::Disagreement { view, channel, seq });
        } else if event.count != logged.count {
            found.push(Violation::WrongCount { view, channel, seq });
        }
    }

    /// What is shown at a seq is the subject as of that seq or later, never earlier.
    fn texts<'a>(&self, view: &str, events: impl IntoIterator<Item = &'a Event>, found: &mut Vec<Violation>) {
        for event in events {
            let (Some(shown), Subject::Comment(id)) = (event.version, &event.subject) else { continue };
            let acked = self.acked.get(id).into_iter().flatten();
            if acked.filter(|(seq, _)| *seq <= event.seq).any(|(_, version)| shown < *version) {
                let (view, channel) = (view.to_owned(), self.channel.to_owned());
                found.push(Violation::Stale { view, channel, seq: event.seq });
            }
        }
    }
}
