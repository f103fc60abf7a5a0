//! Who is in a room, as a state machine: who comes and who goes is put in, what is to be told comes out. No I/O; times are
//! passed in, in milliseconds of one clock. A person has a seat for each socket here and for each instance elsewhere that
//! has them. Who gives up their last seat here counts a little longer; what others say was so weighed by them.
//!
//! **Invariant.** Every visible change has a revision of its own. Who was told the roster of one revision and is given
//! what an [`Update`] owes to it knows the roster of the update's.

use super::elsewhere::Change;
use super::update::{Changes, Update, is_newer};
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
    /// How many of them are here.
    here: usize,
    /// Seats without a name here.
    anonymous: u64,
    /// Those elsewhere.
    anonymous_elsewhere: u64,
    /// There may be others elsewhere who are not seen.
    partial: bool,
    /// Who of those here came, changed their name or went since others were told.
    untold: Untold,
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

/// Changes of those here: who came, and who went.
type Untold = (BTreeSet<UserId>, BTreeSet<UserId>);

struct Person {
    user: Arc<UserRef>,
    /// Whether they are here, which is a little longer than they have a seat here.
    here: bool,
    seats: u32,
    /// Instances that have them.
    elsewhere: u32,
    /// When they cease to be here; counts while there is no seat.
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

impl Roster {
    /// Nobody is there, and this is the last revision that was told of.
    pub fn new(revision: u32) -> Self {
        Self {
            people: BTreeMap::new(),
            here: 0,
            anonymous: 0,
            anonymous_elsewhere: 0,
            partial: false,
            untold: Untold::default(),
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

    /// Whether nobody is here, so that nobody is to be told of anything.
    pub fn is_vacant(&self) -> bool {
        self.here == 0 && self.nameless_here() == 0
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
        match self.people.get_mut(&user.id) {
            None => {
                self.appear(user);
                self.begin_here(user.id);
            }
            Some(person) => {
                if person.here && person.seats == 0 {
                    self.leaving.remove(&(person.until_ms, user.id));
                } else if !person.here {
                    self.begin_here(user.id);
                }
                self.rename_here(user);
            }
        }
        if let Some(person) = self.people.get_mut(&user.id) {
            person.seats += 1;
        }
    }

    /// Somebody gives a seat up, and counts for so long more.
    pub fn leave(&mut self, who: Option<UserId>, now_ms: u64, away_ms: u64) {
        let Some(id) = who else {
            self.anonymous = self.anonymous.saturating_sub(1);
            self.anonymous_leaving.push_back(now_ms + away_ms);
            return;
        };
        let Some(person) = self.people.get_mut(&id) else { return };
        person.seats = person.seats.saturating_sub(1);
        if person.seats > 0 {
            return;
        }
        let unknown_elsewhere = person.elsewhere == 0 && self.untold.0.contains(&id);
        if unknown_elsewhere && is_newer(person.since, self.told.revision) {
            // Nobody was told that they came, here or elsewhere: there is no need to wait.
            self.end_here(id);
        } else {
            person.until_ms = now_ms + away_ms;
            self.leaving.insert((person.until_ms, id));
        }
    }

    /// Whoever has a seat says who they are, or what they are called now.
    pub fn reseat(&mut self, was: Option<UserId>, user: &Arc<UserRef>, now_ms: u64) {
        match was {
            Some(id) if id == user.id => return self.rename_here(user),
            Some(id) => self.leave(Some(id), now_ms, AWAY_MS),
            None => {
                // At once: nobody is two for a while.
                self.anonymous = self.anonymous.saturating_sub(1);
                self.change();
            }
        }
        self.enter(Some(user));
    }

    /// Takes what changed elsewhere, and how many are nameless there by now.
    pub fn apply(&mut self, changes: Vec<Change>, anonymous: u64) {
        for change in changes {
            match change {
                Change::Came(user) => {
                    self.appear(&user);
                    if let Some(person) = self.people.get_mut(&user.id) {
                        person.elsewhere += 1;
                    }
                }
                Change::Renamed(user) => _ = self.rename(&user),
                Change::Went(id) => {
                    if let Some(person) = self.people.get_mut(&id) {
                        person.elsewhere = person.elsewhere.saturating_sub(1);
                        self.vanish(id);
                    }
                }
            }
        }
        if std::mem::replace(&mut self.anonymous_elsewhere, anonymous) != anonymous {
            self.change();
        }
    }

    /// Forgets those elsewhere, and says from now on whether others may be there who are not seen. If that is anything
    /// new, all of it is told next.
    pub fn forget_elsewhere(&mut self, partial: bool) {
        let others = self.anonymous_elsewhere > 0 || self.people.values().any(|person| person.elsewhere > 0);
        if self.partial == partial && !others {
            return;
        }
        self.people.values_mut().for_each(|person| person.elsewhere = 0);
        self.people.retain(|_, person| person.here);
        (self.partial, self.anonymous_elsewhere, self.crowded) = (partial, 0, true);
        self.change();
        self.bound();
    }

    /// Those who are here.
    pub fn people_here(&self) -> impl Iterator<Item = &Arc<UserRef>> {
        self.people.values().filter(|person| person.here).map(|person| &person.user)
    }

    /// Nameless sockets here.
    pub fn nameless_here(&self) -> u64 {
        self.anonymous + self.anonymous_leaving.len() as u64
    }

    /// Whether there are changes of those here that others were not told.
    pub fn has_untold(&self) -> bool {
        !self.untold.0.is_empty() || !self.untold.1.is_empty()
    }

    /// Those changes: who came or has another name, and who went.
    pub fn take_untold(&mut self) -> (Vec<Arc<UserRef>>, Vec<UserId>) {
        let (came, went) = std::mem::take(&mut self.untold);
        let came = came.iter().filter_map(|id| self.people.get(id)).map(|person| person.user.clone());
        (came.collect(), went.into_iter().collect())
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
        if self.crowded {
            return Changes::Unsaid;
        }
        if before > MAX_SAMPLED && now > MAX_SAMPLED {
            let same = numbers.anonymous == self.told.anonymous && before == now;
            return if same { Changes::None } else { Changes::Said(numbers) };
        }
        // Those who had a part of it, or the number alone, cannot complete it by what changed.
        let only_part_known = before.max(now) > MAX_SAMPLED || before > MAX_NAMED && now <= MAX_NAMED;
        if only_part_known {
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
        Presence { count, anonymous, users: None, joined: None, left: None, partial: self.partial }
    }

    fn nameless(&self) -> u64 {
        self.nameless_here() + self.anonymous_elsewhere
    }

    fn begin_here(&mut self, id: UserId) {
        if let Some(person) = self.people.get_mut(&id) {
            person.here = true;
            self.here += 1;
            self.untold.1.remove(&id);
            self.untold.0.insert(id);
        }
    }

    fn end_here(&mut self, id: UserId) {
        if let Some(person) = self.people.get_mut(&id).filter(|person| person.here) {
            person.here = false;
            self.here -= 1;
            self.untold.0.remove(&id);
            self.untold.1.insert(id);
            self.vanish(id);
        }
    }

    /// Shows somebody who may be known already.
    fn appear(&mut self, user: &Arc<UserRef>) {
        if self.people.contains_key(&user.id) {
            self.rename(user);
            return;
        }
        self.change();
        // Who was known as gone to nobody yet was not away.
        let known = self.left.remove(&user.id);
        let since = if known.is_some() { self.told.revision } else { self.revision };
        if known.as_ref() != Some(user) {
            self.joined.insert(user.id);
        }
        self.people
            .insert(user.id, Person { user: user.clone(), here: false, seats: 0, elsewhere: 0, until_ms: 0, since });
        self.bound();
    }

    /// Lets somebody go at once who is neither here nor elsewhere.
    fn vanish(&mut self, id: UserId) {
        let there = |person: &Person| person.here || person.elsewhere > 0;
        if self.people.get(&id).is_none_or(there) {
            return;
        }
        if let Some(person) = self.people.remove(&id) {
            self.joined.remove(&id);
            self.change();
            // Nobody is told of the leaving of whom they were not told.
            if !is_newer(person.since, self.told.revision) {
                self.left.insert(id, person.user);
                self.bound();
            }
        }
    }

    fn rename_here(&mut self, user: &Arc<UserRef>) {
        if self.rename(user) {
            self.untold.0.insert(user.id);
        }
    }

    /// Whether that is another name or picture.
    fn rename(&mut self, user: &Arc<UserRef>) -> bool {
        let Some(person) = self.people.get_mut(&user.id).filter(|person| person.user != *user) else { return false };
        person.user = user.clone();
        self.change();
        self.joined.insert(user.id);
        self.bound();
        true
    }

    fn expire(&mut self, now_ms: u64) {
        while let Some((until_ms, id)) = self.leaving.first().copied().filter(|(until_ms, _)| *until_ms <= now_ms) {
            self.leaving.remove(&(until_ms, id));
            self.end_here(id);
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
