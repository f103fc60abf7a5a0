//! What other instances say of who is in a room, as a state machine without I/O: what they say is put in, who came and who
//! went comes out. Nothing comes out while this instance cannot hear them; what it knew of them is kept until it can.
//!
//! **Invariant.** What is known of an instance is what it had at some version, or a newer one is asked for. Who has not
//! been heard of for some rounds is forgotten; rounds are counted while this instance is awake, so that one that was
//! frozen takes nobody for dead.

use crate::bus::{Node, Seats};
use crate::model::{UserId, UserRef};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Shortest time that others have to say what they know, once they can be heard again.
const SETTLE_MS: u64 = 1_000;
/// Longest time that those are waited for who were known before.
const LONGEST_SETTLE_MS: u64 = 5_000;

/// Something about somebody elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// One more instance has them.
    Came(Arc<UserRef>),
    /// They are called otherwise now.
    Renamed(Arc<UserRef>),
    /// One instance less has them.
    Went(UserId),
}

/// What is known of the others.
#[derive(Default)]
pub struct Elsewhere {
    nodes: BTreeMap<Node, Far>,
    sight: Sight,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// They are heard.
    #[default]
    Clear,
    /// They are not.
    Blind,
    /// They are again, and have been asked; there is time to answer between these two.
    Returning(u64, u64),
}

#[derive(Default)]
struct Far {
    version: u64,
    people: BTreeMap<UserId, Arc<UserRef>>,
    anonymous: u64,
    /// Since it was last asked it has said what there is.
    confirmed: bool,
    /// Rounds since it was heard of.
    unheard: u32,
    /// When its people are gone, after its farewell.
    ends_ms: Option<u64>,
    /// Parts of all its people, of a version not known yet.
    parts: Option<(u64, BTreeMap<u32, Arc<Seats>>)>,
}

/// What hearing something leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// What is seen of it.
    pub changes: Vec<Change>,
    /// Something was missed: it must be asked for.
    pub missed: bool,
}

impl Elsewhere {
    /// Nothing is known; `blind` where the others are not heard.
    pub fn new(blind: bool) -> Self {
        Self { nodes: BTreeMap::new(), sight: if blind { Sight::Blind } else { Sight::Clear } }
    }

    /// Whether others may be there who are not seen.
    pub fn is_partial(&self) -> bool {
        self.sight != Sight::Clear
    }

    /// Whether they are not heard.
    pub fn is_blind(&self) -> bool {
        self.sight == Sight::Blind
    }

    /// Nameless sockets that are seen.
    pub fn anonymous(&self) -> u64 {
        if self.is_partial() { 0 } else { self.nodes.values().map(|far| far.anonymous).sum() }
    }

    /// What is known of each, as it is told with a question.
    pub fn known(&self) -> Vec<(Node, u64)> {
        self.nodes.iter().map(|(node, far)| (*node, far.version)).collect()
    }

    /// Takes what an instance says.
    pub fn hear(&mut self, from: Node, seats: &Arc<Seats>) -> Heard {
        let seen = !self.is_partial();
        let far = self.nodes.entry(from).or_default();
        far.unheard = 0;
        let mut heard = Heard::default();
        match seats.version {
            version if version < far.version || version == 0 => {}
            version if version == far.version => far.holds(),
            _ if seats.before == 0 => far.put_part(seats, &mut heard.changes),
            _ if seats.before == far.version => far.advance(seats, &mut heard.changes),
            _ => heard.missed = far.ends_ms.is_none(),
        }
        if !seen {
            heard.changes.clear();
        }
        heard
    }

    /// An instance said in passing what it has told of itself, 0 for nothing; whether something of it was missed.
    pub fn hear_version(&mut self, from: Node, version: u64) -> bool {
        let Some(far) = self.nodes.get_mut(&from) else { return version > 0 };
        far.unheard = 0;
        if version == far.version {
            far.holds();
        }
        version > far.version && far.ends_ms.is_none()
    }

    /// An instance ends; its people are gone at this time.
    pub fn farewell(&mut self, from: Node, ends_ms: u64) {
        if let Some(far) = self.nodes.get_mut(&from) {
            far.ends_ms.get_or_insert(ends_ms);
        }
    }

    /// One more round: who has not been heard of in more than `patience` of them is forgotten.
    pub fn round(&mut self, patience: u32) -> Vec<Change> {
        if self.is_blind() {
            return Vec::new();
        }
        self.nodes.values_mut().for_each(|far| far.unheard += 1);
        self.forget(|far| far.unheard > patience)
    }

    /// Others are not heard any more. Nobody is said to have left for it.
    pub fn go_blind(&mut self) {
        self.sight = Sight::Blind;
    }

    /// They are heard again from now on, and asked. Whoever was known has as long as ever to be heard of.
    pub fn return_at(&mut self, now_ms: u64) {
        self.sight = Sight::Returning(now_ms + SETTLE_MS, now_ms + LONGEST_SETTLE_MS);
        for far in self.nodes.values_mut() {
            (far.unheard, far.confirmed) = (0, false);
        }
    }

    /// When [`Elsewhere::look`] has something to do next.
    pub fn next_due(&self) -> Option<u64> {
        let settled = match self.sight {
            Sight::Returning(first, last) => Some(if self.is_confirmed() { first } else { last }),
            _ => None,
        };
        self.nodes.values().filter_map(|far| far.ends_ms).chain(settled).min()
    }

    /// Does what is due. Where the others are seen again, everybody who is there comes out.
    pub fn look(&mut self, now_ms: u64) -> Vec<Change> {
        let mut changes = self.forget(|far| far.ends_ms.is_some_and(|ends_ms| ends_ms <= now_ms));
        let settled = self.next_due().is_some_and(|due_ms| due_ms <= now_ms);
        if let (Sight::Returning(..), true) = (self.sight, settled) {
            self.sight = Sight::Clear;
            let everybody = self.nodes.values().flat_map(|far| far.people.values());
            changes.extend(everybody.map(|user| Change::Came(user.clone())));
        }
        changes
    }

    fn is_confirmed(&self) -> bool {
        self.nodes.values().all(|far| far.confirmed || far.people.is_empty() && far.anonymous == 0)
    }

    fn forget(&mut self, over: impl Fn(&Far) -> bool) -> Vec<Change> {
        let mut gone = Vec::new();
        self.nodes.retain(|_, far| {
            let over = over(far);
            if over {
                gone.extend(far.people.keys().copied().map(Change::Went));
            }
            !over
        });
        if self.is_partial() { Vec::new() } else { gone }
    }
}

impl Far {
    /// What is known is what there is.
    fn holds(&mut self) {
        (self.confirmed, self.parts) = (true, None);
    }

    /// Takes what changed against what is known.
    fn advance(&mut self, seats: &Seats, changes: &mut Vec<Change>) {
        seats.joined.iter().for_each(|user| self.put(user, changes));
        changes.extend(seats.left.iter().filter(|id| self.people.remove(id).is_some()).copied().map(Change::Went));
        (self.version, self.anonymous) = (seats.version, seats.anonymous);
        self.holds();
    }

    /// Takes a part of all its people; with the last one missing they take the place of what was known.
    fn put_part(&mut self, seats: &Arc<Seats>, changes: &mut Vec<Change>) {
        if self.parts.as_ref().is_none_or(|(version, _)| *version < seats.version) {
            self.parts = Some((seats.version, BTreeMap::new()));
        }
        let Some((version, parts)) = self.parts.as_mut().filter(|(version, _)| *version == seats.version) else {
            return;
        };
        parts.insert(seats.part, seats.clone());
        if parts.len() < seats.parts as usize {
            return;
        }
        self.version = *version;
        self.anonymous = seats.anonymous;
        let parts = std::mem::take(parts);
        let mut before = std::mem::take(&mut self.people);
        for user in parts.values().flat_map(|part| &part.joined) {
            if let Some(known) = before.remove(&user.id) {
                self.people.insert(user.id, known);
            }
            self.put(user, changes);
        }
        changes.extend(before.into_keys().map(Change::Went));
        self.holds();
    }

    fn put(&mut self, user: &Arc<UserRef>, changes: &mut Vec<Change>) {
        match self.people.insert(user.id, user.clone()) {
            None => changes.push(Change::Came(user.clone())),
            Some(known) if known != *user => changes.push(Change::Renamed(user.clone())),
            Some(_) => {}
        }
    }
}
