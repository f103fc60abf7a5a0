//! Who is in a room, as a state machine: who comes and who goes is put in, what is to be told comes out. No I/O; times are
//! passed in, in milliseconds of one clock. A person has a seat for each socket there, wherever that socket is connected.
//!
//! **Invariant.** Every visible change has a revision of its own. Who was told the roster of one revision and is given
//! what an [`Update`] owes to it knows the roster of the update's.

use crate::model::{UserId, UserRef};
use crate::protocol::server::Presence;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Most people that one message names; of more it gives a sample.
pub const MAX_NAMED: usize = 100;
/// Above so many people only their number is told.
pub const MAX_SAMPLED: usize = 1_000;
/// Shortest time between two updates.
pub const TOLD_EVERY_MS: u64 = 500;
/// Who is back within this time was never away.
pub const AWAY_MS: u64 = 1_000;

/// The people and the nameless of one room.
pub struct Roster {
    people: BTreeMap<UserId, Person>,
    /// Seats without a name.
    anonymous: u64,
    /// When people without a seat cease to be there.
    leaving: BTreeSet<(u64, UserId)>,
    /// When seats without a name that were given up cease to count, in order.
    anonymous_leaving: VecDeque<u64>,
    revision: u32,
    /// People who came, or changed their name, since the last update.
    joined: BTreeSet<UserId>,
    /// People who are gone since.
    left: BTreeMap<UserId, Arc<UserRef>>,
    /// Too many of both to be named.
    crowded: bool,
    told: Told,
}

struct Person {
    user: Arc<UserRef>,
    seats: u32,
    /// When they cease to be there; counts while there is no seat.
    until_ms: u64,
    /// The revision they came with.
    since: u32,
}

/// How things stood at the last update.
struct Told {
    revision: u32,
    people: usize,
    anonymous: u64,
    at_ms: Option<u64>,
}

/// What changed from one revision to another.
pub struct Update {
    before: u32,
    /// What is known by whoever was given this.
    pub revision: u32,
    /// All of it.
    pub whole: Presence,
    /// What changed.
    pub changes: Changes,
}

/// What those can be told who know how things stood.
pub enum Changes {
    /// Nothing: what came is gone again.
    None,
    /// This.
    Said(Presence),
    /// It cannot be said, or takes more words than all of it.
    Unsaid,
}

/// What somebody is owed by an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// They know it already.
    Nothing,
    /// They know what came before it, and nothing changed that could be told.
    Silence,
    /// They know what came before it.
    Changes,
    /// They know something older, or something in between.
    Whole,
}

impl Update {
    /// What is owed to somebody who was last told `revision`.
    pub fn due(&self, revision: u32) -> Due {
        if !is_newer(self.revision, revision) {
            return Due::Nothing;
        }
        match &self.changes {
            Changes::None if revision == self.before => Due::Silence,
            Changes::Said(_) if revision == self.before => Due::Changes,
            _ => Due::Whole,
        }
    }
}

/// Whether a revision came after another; they may go round.
fn is_newer(revision: u32, than: u32) -> bool {
    revision.wrapping_sub(than) as i32 > 0
}

impl Roster {
    /// Nobody is there, and this is the last revision that was told of.
    pub fn new(revision: u32) -> Self {
        Self {
            people: BTreeMap::new(),
            anonymous: 0,
            leaving: BTreeSet::new(),
            anonymous_leaving: VecDeque::new(),
            revision,
            joined: BTreeSet::new(),
            left: BTreeMap::new(),
            crowded: false,
            told: Told { revision, people: 0, anonymous: 0, at_ms: None },
        }
    }

    /// The present revision, never 0.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Whether nobody is there and everybody knows.
    pub fn is_idle(&self) -> bool {
        self.people.is_empty() && self.nameless() == 0 && self.next_due().is_none()
    }

    /// A seat is taken, by a person or by nobody in particular.
    pub fn enter(&mut self, who: Option<&Arc<UserRef>>) {
        let Some(user) = who else {
            self.anonymous += 1;
            // One who has just left may have come back: which one does not matter.
            if self.anonymous_leaving.pop_front().is_none() {
                self.change();
            }
            return;
        };
        let Some(person) = self.people.get_mut(&user.id) else { return self.appear(user) };
        if person.seats == 0 {
            self.leaving.remove(&(person.until_ms, user.id));
        }
        person.seats += 1;
        self.rename(user);
    }

    /// Somebody gives a seat up.
    pub fn leave(&mut self, who: Option<UserId>, now_ms: u64) {
        let Some(id) = who else {
            self.anonymous = self.anonymous.saturating_sub(1);
            self.anonymous_leaving.push_back(now_ms + AWAY_MS);
            return;
        };
        let Some(person) = self.people.get_mut(&id) else { return };
        person.seats = person.seats.saturating_sub(1);
        if person.seats > 0 {
            return;
        }
        if is_newer(person.since, self.told.revision) {
            // Nobody was told that they came: there is no need to wait.
            self.people.remove(&id);
            self.joined.remove(&id);
            self.change();
        } else {
            person.until_ms = now_ms + AWAY_MS;
            self.leaving.insert((person.until_ms, id));
        }
    }

    /// Whoever has a seat says who they are, or what they are called now.
    pub fn reseat(&mut self, was: Option<UserId>, user: &Arc<UserRef>, now_ms: u64) {
        match was {
            Some(id) if id == user.id => return self.rename(user),
            Some(id) => self.leave(Some(id), now_ms),
            None => {
                // At once: nobody is two for a while.
                self.anonymous = self.anonymous.saturating_sub(1);
                self.change();
            }
        }
        self.enter(Some(user));
    }

    /// All that can be told of the present.
    pub fn whole(&self) -> Presence {
        let named = || self.people.values().take(MAX_NAMED).map(|person| person.user.clone()).collect();
        Presence { users: (self.people.len() <= MAX_SAMPLED).then(named), ..self.numbers() }
    }

    /// When [`Roster::update`] has something to do next.
    pub fn next_due(&self) -> Option<u64> {
        let untold = self.revision != self.told.revision;
        let told = untold.then(|| self.told.at_ms.map_or(0, |at_ms| at_ms + TOLD_EVERY_MS));
        let person = self.leaving.first().map(|(until_ms, _)| *until_ms);
        [told, person, self.anonymous_leaving.front().copied()].into_iter().flatten().min()
    }

    /// Lets those go who are gone for good, and says what has changed if it is time to.
    pub fn update(&mut self, now_ms: u64) -> Option<Update> {
        self.expire(now_ms);
        let early = self.told.at_ms.is_some_and(|at_ms| now_ms < at_ms + TOLD_EVERY_MS);
        if self.revision == self.told.revision || early {
            return None;
        }
        let told = Told {
            revision: self.revision,
            people: self.people.len(),
            anonymous: self.nameless(),
            at_ms: Some(now_ms),
        };
        let whole = self.whole();
        let changes = self.changes();
        let before = std::mem::replace(&mut self.told, told).revision;
        self.joined.clear();
        self.left.clear();
        self.crowded = false;
        Some(Update { before, revision: self.revision, whole, changes })
    }

    /// What changed since the last update, where that adds up to the present for those who know the past.
    fn changes(&self) -> Changes {
        let (before, now) = (self.told.people, self.people.len());
        let numbers = self.numbers();
        if before > MAX_SAMPLED && now > MAX_SAMPLED {
            let same = numbers.anonymous == self.told.anonymous && before == now;
            return if same { Changes::None } else { Changes::Said(numbers) };
        }
        // Those who had a part of it, or the number alone, cannot complete it by what changed.
        let only_part_known = before.max(now) > MAX_SAMPLED || before > MAX_NAMED && now <= MAX_NAMED;
        if only_part_known || self.crowded {
            return Changes::Unsaid;
        }
        if self.joined.is_empty() && self.left.is_empty() && numbers.anonymous == self.told.anonymous {
            return Changes::None;
        }
        let joined = self.joined.iter().filter_map(|id| self.people.get(id)).map(|person| person.user.clone());
        let left = self.left.keys().copied();
        Changes::Said(Presence { joined: Some(joined.collect()), left: Some(left.collect()), ..numbers })
    }

    fn numbers(&self) -> Presence {
        let anonymous = self.nameless();
        let count = self.people.len() as u64 + anonymous;
        Presence { count, anonymous, users: None, joined: None, left: None }
    }

    fn nameless(&self) -> u64 {
        self.anonymous + self.anonymous_leaving.len() as u64
    }

    fn appear(&mut self, user: &Arc<UserRef>) {
        self.change();
        // Who was known as gone to nobody yet was not away.
        let known = self.left.remove(&user.id);
        let since = if known.is_some() { self.told.revision } else { self.revision };
        if known.as_ref() != Some(user) {
            self.joined.insert(user.id);
        }
        self.people.insert(user.id, Person { user: user.clone(), seats: 1, until_ms: 0, since });
        self.bound();
    }

    fn rename(&mut self, user: &Arc<UserRef>) {
        let Some(person) = self.people.get_mut(&user.id) else { return };
        if person.user != *user {
            person.user = user.clone();
            self.change();
            self.joined.insert(user.id);
            self.bound();
        }
    }

    fn expire(&mut self, now_ms: u64) {
        while let Some((until_ms, id)) = self.leaving.first().copied().filter(|(until_ms, _)| *until_ms <= now_ms) {
            self.leaving.remove(&(until_ms, id));
            if let Some(person) = self.people.remove(&id) {
                self.joined.remove(&id);
                self.left.insert(id, person.user);
                self.change();
                self.bound();
            }
        }
        while self.anonymous_leaving.front().is_some_and(|until_ms| *until_ms <= now_ms) {
            self.anonymous_leaving.pop_front();
            self.change();
        }
    }

    fn change(&mut self) {
        // 0 is left to those who were told nothing.
        self.revision = self.revision.wrapping_add(1).max(1);
    }

    fn bound(&mut self) {
        self.crowded |= self.joined.len() + self.left.len() > MAX_NAMED;
        if self.crowded {
            self.joined.clear();
            self.left.clear();
        }
    }
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
