//! Reactions: each acknowledged toggle holds, each counts once, and the counts are what the log adds up to.

use super::Violation;
use crate::history::{Action, DELETED, History, Op, Subject, Truth};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything that is wrong with the reactions of a history.
pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    toggles(history, found);
    for (channel, truth) in &history.truth {
        counts(channel, truth, found);
    }
}

/// A client has one toggle of a comment and an emoji on its way at a time: the last one it began is how it ends, if it
/// was acknowledged.
fn toggles(history: &History, found: &mut Vec<Violation>) {
    let mut last: BTreeMap<(u64, u64, &str), (&str, bool)> = BTreeMap::new();
    let mut acked: BTreeSet<&str> = BTreeSet::new();
    for op in &history.ops {
        match op {
            Op::Invoke { key, action: Action::React { comment, emoji, on }, .. } => {
                let name = key.split_once('-').map_or(key.as_str(), |(name, _)| name);
                let user = history.people.get(name).copied().expect("a client is somebody");
                last.insert((user, *comment, emoji), (key, *on));
            }
            Op::Ok { key, .. } => drop(acked.insert(key)),
            _ => {}
        }
    }
    for ((user, comment, emoji), (key, on)) in last {
        let seen = history.mine.get(&(user, comment)).is_some_and(|mine| mine.contains(emoji));
        if acked.contains(key) && seen != on {
            found.push(Violation::LostToggle { key: key.to_owned() });
        }
    }
}

/// Adds up a log. What a `void` stood for is not known: from a comment that may have had one, nothing is concluded.
fn counts(channel: &str, truth: &Truth, found: &mut Vec<Violation>) {
    let mut chosen: HashMap<u64, BTreeSet<(u64, &str)>> = HashMap::new();
    for event in truth.log.iter().filter(|event| event.kind == "comment.reacted") {
        let Subject::Comment(comment) = event.subject else { continue };
        let chosen = chosen.entry(comment).or_default();
        for toggle in &event.by {
            let choice = (toggle.user, toggle.emoji.as_str());
            let changed = if toggle.on { chosen.insert(choice) } else { chosen.remove(&choice) };
            if !changed {
                found.push(Violation::DoubledToggle { channel: channel.to_owned(), seq: event.seq });
            }
        }
    }
    for row in truth.rows.iter().filter(|row| row.version != DELETED) {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for (_, emoji) in chosen.get(&row.id).into_iter().flatten() {
            *sums.entry((*emoji).to_owned()).or_default() += 1;
        }
        if sums != row.reactions {
            found.push(Violation::WrongReactions { channel: channel.to_owned(), id: row.id });
        }
    }
}
