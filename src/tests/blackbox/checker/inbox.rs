//! The owner's inbox: told once of everything of others that is still there, of nothing else, and counted right.

use super::Violation;
use crate::history::{Action, DELETED, History, Inbox, Mark, Op, Subject};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything that is wrong with the inbox of a history.
pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let Some(inbox) = &history.inbox else { return };
    comments(history, inbox, found);
    reactions(history, inbox, found);
    reads(history, inbox, found);
    unread(history, inbox, found);
}

/// All rooms are the owner's: each comment of somebody else, and no other, has its one notification.
fn comments(history: &History, inbox: &Inbox, found: &mut Vec<Violation>) {
    let mut told: BTreeMap<u64, u32> = BTreeMap::new();
    for row in inbox.rows.iter().filter(|row| row.kind != "reaction") {
        *told.entry(row.comment).or_default() += 1;
    }
    for row in history.truth.values().flat_map(|truth| &truth.rows) {
        let due = row.version != DELETED && row.author != Some(inbox.owner);
        match (due, told.remove(&row.id).unwrap_or(0)) {
            (true, 0) => found.push(Violation::Unnotified { comment: row.id }),
            (true, 1) | (false, 0) => {}
            _ => found.push(Violation::OverNotified { comment: row.id }),
        }
    }
    found.extend(told.into_keys().map(|comment| Violation::OverNotified { comment }));
}

/// One row for all reactions on a comment of the owner's, counting the others who have one there.
fn reactions(history: &History, inbox: &Inbox, found: &mut Vec<Violation>) {
    let mut told: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for row in inbox.rows.iter().filter(|row| row.kind == "reaction") {
        told.entry(row.comment).or_default().push(row.count);
    }
    let own = history.truth.values().flat_map(|truth| &truth.rows).filter(|row| row.author == Some(inbox.owner));
    for row in own {
        let choosers = history
            .mine
            .iter()
            .filter(|((user, comment), emoji)| *comment == row.id && *user != inbox.owner && !emoji.is_empty());
        let people = choosers.map(|((user, _), _)| user).collect::<BTreeSet<_>>().len() as u64;
        match told.remove(&row.id).as_deref() {
            None if people > 0 => found.push(Violation::Unnotified { comment: row.id }),
            Some([_]) if people == 0 => found.push(Violation::OverNotified { comment: row.id }),
            Some([count]) if *count != people => found.push(Violation::WrongActors { comment: row.id }),
            Some([_, _, ..]) => found.push(Violation::OverNotified { comment: row.id }),
            _ => {}
        }
    }
    found.extend(told.into_keys().map(|comment| Violation::OverNotified { comment }));
}

/// What was read stays so, unless it was told again later.
fn reads(history: &History, inbox: &Inbox, found: &mut Vec<Violation>) {
    let mut reads: HashMap<&str, u64> = HashMap::new();
    let read: HashMap<u64, bool> = inbox.rows.iter().map(|row| (row.id, row.read)).collect();
    let log = &history.truth[&inbox.channel].log;
    for op in &history.ops {
        match op {
            Op::Invoke { key, action: Action::Read { notification }, .. } => {
                reads.insert(key, *notification);
            }
            Op::Ok { key, seq, .. } => {
                let Some(notification) = reads.get(key.as_str()) else { continue };
                let renewed = log[*seq as usize..].iter().any(|event| {
                    event.kind == "notification.updated" && event.subject == Subject::Notification(*notification)
                });
                if read.get(notification) == Some(&false) && !renewed {
                    found.push(Violation::LostRead { key: key.clone() });
                }
            }
            _ => {}
        }
    }
}

/// The number told last is the number of unread rows, to every view; one notification moves it by one at most.
fn unread(history: &History, inbox: &Inbox, found: &mut Vec<Violation>) {
    let wrong = |view: &str, seq| Violation::WrongUnread { view: view.to_owned(), seq };
    let rows = inbox.rows.iter().filter(|row| !row.read).count() as i64;
    let truth = &history.truth[&inbox.channel];
    if inbox.unread != rows {
        found.push(wrong("the inbox", truth.head));
    }
    let mut before = Some(0);
    for event in &truth.log {
        if let (Some(before), Some(now)) = (before, event.unread)
            && (event.kind.starts_with("notification.") && (now - before).abs() > 1 || now < 0)
        {
            found.push(wrong("the log", event.seq));
        }
        // What a `void` told is not known any more.
        before = event.unread.or(before.filter(|_| event.kind != "void"));
    }
    if truth.log.iter().rev().find_map(|event| event.unread).is_some_and(|told| told != rows) {
        found.push(wrong("the log", truth.head));
    }
    for view in history.views.iter().filter(|view| view.channel == inbox.channel) {
        let told = view.marks.iter().rev().map_while(|mark| match mark {
            Mark::Event(event) => Some(event.unread),
            Mark::Subscribed { recovered: true, .. } => Some(None),
            Mark::Subscribed { .. } | Mark::Resync { .. } => None,
        });
        if told.flatten().next().is_some_and(|told| told != rows) {
            found.push(wrong(&view.name, truth.head));
        }
    }
}
