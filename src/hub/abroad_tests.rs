//! Several instances of one room, and what lies between them.

use super::super::roster::{AWAY_MS, TOLD_EVERY_MS};
use super::super::update::Changes;
use super::*;
use crate::bus::PART;
use crate::model::{PostId, UserId, UserRef};
use crate::protocol::server::Presence;
use std::collections::{BTreeMap, BTreeSet};

const ROOM: Channel = Channel::Post(PostId(1));
const PATIENCE: u32 = 3;
const REFRESH_MS: u64 = 10_000;

fn person(id: i64) -> Arc<UserRef> {
    Arc::new(UserRef { id: UserId(id), name: format!("p{id}"), handle: format!("p{id}"), avatar_url: None })
}

/// One instance, as far as this room goes.
pub(super) struct Instance {
    pub(super) node: Node,
    pub(super) roster: Roster,
    pub(super) abroad: Abroad,
    pub(super) version: u64,
    /// Seats here.
    pub(super) seats: BTreeMap<Option<i64>, u32>,
    pub(super) dead: bool,
    /// Who was ever said to have left.
    pub(super) left: BTreeSet<i64>,
}

impl Instance {
    pub(super) fn new(node: u64) -> Self {
        let (roster, abroad, seats) = (Roster::new(node as u32), Abroad::default(), BTreeMap::new());
        Self { node: Node(node), roster, abroad, version: 0, seats, dead: false, left: BTreeSet::new() }
    }

    pub(super) fn enter(&mut self, who: Option<i64>, now_ms: u64) {
        if self.roster.is_vacant() {
            self.abroad.begin(&mut self.roster, false, now_ms);
        }
        *self.seats.entry(who).or_default() += 1;
        self.roster.enter(who.map(person).as_ref());
    }

    pub(super) fn leave(&mut self, who: Option<i64>, now_ms: u64) {
        let Some(seats) = self.seats.get_mut(&who).filter(|seats| **seats > 0) else { return };
        *seats -= 1;
        self.roster.leave(who.map(UserId), now_ms, AWAY_MS);
    }

    pub(super) fn hear(&mut self, from: Node, message: &Message, now_ms: u64) {
        if self.dead || self.roster.is_vacant() {
            return;
        }
        match message {
            Message::Seats { seats, .. } => self.abroad.hear(&mut self.roster, from, seats, now_ms + 20),
            Message::Ask { ask, .. } => self.abroad.hear_ask(self.node, from, ask, now_ms, now_ms + 20),
            _ => {}
        }
    }

    pub(super) fn look(&mut self, now_ms: u64) -> Vec<Message> {
        if self.dead {
            return Vec::new();
        }
        let version = &mut self.version;
        let next = || {
            *version += 1;
            *version
        };
        let said = self.abroad.look(&mut self.roster, ROOM, now_ms, next);
        let update = self.roster.update(now_ms).map(|update| update.changes);
        if let Some(Changes::Said(Presence { left: Some(left), .. })) = update {
            self.left.extend(left.iter().map(|id| id.0));
        }
        self.abroad.end(&mut self.roster);
        said
    }

    pub(super) fn people(&self) -> BTreeSet<i64> {
        self.roster.whole().users.unwrap().iter().map(|user| user.id.0).collect()
    }
}

/// Instances, and messages on their way: to whom, from whom.
pub(super) struct World {
    pub(super) instances: Vec<Instance>,
    pub(super) underway: Vec<(usize, Node, Message)>,
    pub(super) now_ms: u64,
    pub(super) said: usize,
}

impl World {
    pub(super) fn of(count: u64) -> Self {
        let instances = (1..=count).map(Instance::new).collect();
        Self { instances, underway: Vec::new(), now_ms: 10_000, said: 0 }
    }

    pub(super) fn look(&mut self) {
        for at in 0..self.instances.len() {
            let from = self.instances[at].node;
            for message in self.instances[at].look(self.now_ms) {
                self.said += 1;
                for to in (0..self.instances.len()).filter(|to| *to != at) {
                    self.underway.push((to, from, message.clone()));
                }
            }
        }
    }

    pub(super) fn deliver(&mut self) {
        for (to, from, message) in std::mem::take(&mut self.underway) {
            self.instances[to].hear(from, &message, self.now_ms);
        }
    }

    pub(super) fn pass(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(50) {
            self.now_ms += 50;
            self.look();
            self.deliver();
        }
    }

    pub(super) fn round(&mut self) {
        for instance in self.instances.iter_mut().filter(|it| !it.dead && !it.roster.is_vacant()) {
            instance.abroad.round(&mut instance.roster, PATIENCE);
        }
    }

    /// Time goes on undisturbed for longer than it takes to find out who is dead.
    pub(super) fn settle(&mut self) {
        for _ in 0..=PATIENCE + 1 {
            self.round();
            self.pass(REFRESH_MS);
        }
    }

    pub(super) fn counts(&self) -> Vec<u64> {
        self.instances.iter().map(|instance| instance.roster.whole().count).collect()
    }
}

#[test]
fn who_is_on_one_instance_is_seen_on_the_other_and_a_person_on_both_is_one() {
    let mut world = World::of(2);
    world.instances[0].enter(Some(1), 10_000);
    world.instances[0].enter(None, 10_000);
    world.pass(200);
    world.instances[1].enter(Some(2), world.now_ms);
    world.instances[1].enter(Some(1), world.now_ms);
    world.pass(1_000);
    for instance in &world.instances {
        let whole = instance.roster.whole();
        assert_eq!((instance.people(), whole.count, whole.anonymous), ([1, 2].into(), 3, 1));
        assert!(!whole.partial);
    }
    // One of them stays, and one goes at the other instance as fast as here.
    world.instances[0].leave(Some(1), world.now_ms);
    world.instances[1].leave(Some(2), world.now_ms);
    world.pass(AWAY_MS + 350 + TOLD_EVERY_MS + 100);
    let told: Vec<_> = world.instances.iter().map(|instance| (instance.people(), instance.left.clone())).collect();
    assert_eq!(told, [([1].into(), [2].into()), ([1].into(), [2].into())]);
}

#[test]
fn a_name_is_the_one_last_said_and_is_not_said_back() {
    let mut world = World::of(2);
    world.instances[0].enter(Some(1), 10_000);
    world.instances[1].enter(Some(1), 10_000);
    world.pass(1_000);
    let renamed = Arc::new(UserRef { name: "Bob".into(), ..(*person(1)).clone() });
    world.instances[1].roster.reseat(Some(UserId(1)), &renamed, world.now_ms);
    let before = world.said;
    world.pass(2_000);
    for instance in &world.instances {
        assert_eq!(instance.roster.whole().users.unwrap()[0].name, "Bob");
    }
    assert_eq!(world.said - before, 1);
}

#[test]
fn who_moves_from_one_instance_to_another_within_a_second_is_never_said_to_have_left() {
    let mut world = World::of(3);
    (0..3).for_each(|at| world.instances[at].enter(Some(at as i64 + 1), 10_000));
    world.instances[0].enter(Some(9), 10_000);
    world.pass(2_000);
    world.instances[0].leave(Some(9), world.now_ms);
    world.pass(500);
    world.instances[1].enter(Some(9), world.now_ms);
    world.pass(5_000);
    for instance in &world.instances {
        assert_eq!((instance.people(), instance.left.clone()), ([1, 2, 3, 9].into(), [].into()));
    }
}

#[test]
fn the_people_of_an_instance_that_falls_silent_are_gone_after_so_many_rounds_and_back_with_it() {
    let mut world = World::of(2);
    world.instances[0].enter(Some(1), 10_000);
    world.instances[1].enter(Some(2), 10_000);
    world.pass(1_000);
    world.instances[1].dead = true;
    for _ in 0..PATIENCE {
        world.round();
        world.pass(REFRESH_MS);
        assert_eq!(world.instances[0].people(), [1, 2].into());
    }
    world.round();
    world.pass(1_000);
    assert_eq!((world.instances[0].people(), world.instances[0].left.clone()), ([1].into(), [2].into()));
    // As one that was frozen: it does not know that it was forgotten.
    world.instances[1].dead = false;
    world.round();
    world.pass(1_000);
    assert_eq!(world.counts(), [2, 2]);
    assert!(world.instances[1].left.is_empty());
}

#[test]
fn after_a_farewell_people_have_their_time_to_come_back_elsewhere() {
    let mut world = World::of(2);
    world.instances[0].enter(Some(1), 10_000);
    (2..=3).for_each(|id| world.instances[1].enter(Some(id), 10_000));
    world.pass(1_000);
    world.instances[1].dead = true;
    let (node, ends_ms) = (world.instances[1].node, world.now_ms + 6_000);
    world.instances[0].abroad.farewell(node, ends_ms);
    world.pass(3_000);
    world.instances[0].enter(Some(2), world.now_ms);
    world.pass(2_900);
    assert_eq!(world.instances[0].people(), [1, 2, 3].into());
    world.pass(700);
    assert_eq!((world.instances[0].people(), world.instances[0].left.clone()), ([1, 2].into(), [3].into()));
}

#[test]
fn who_cannot_hear_the_others_tells_of_its_own_and_of_nobody_that_they_left() {
    let mut world = World::of(2);
    world.instances[0].enter(Some(1), 10_000);
    (2..=4).for_each(|id| world.instances[1].enter(Some(id), 10_000));
    world.pass(1_000);
    let Instance { abroad, roster, .. } = &mut world.instances[0];
    abroad.go_blind(roster);
    let told = roster.update(world.now_ms + 1_000).unwrap();
    assert!(matches!(told.changes, Changes::Unsaid), "it must be told as a whole");
    assert_eq!((told.whole.count, told.whole.partial), (1, true));
    // Meanwhile one more comes there, and one goes; nothing of it is heard, however long it lasts.
    world.instances[1].enter(Some(5), world.now_ms);
    world.instances[1].leave(Some(2), world.now_ms);
    for _ in 0..3 {
        world.now_ms += 10_000;
        world.look();
        world.underway.clear();
        world.round();
    }
    assert_eq!(world.counts()[0], 1);
    world.instances[0].abroad.see_again(world.now_ms);
    let mut partial = Vec::new();
    for _ in 0..40 {
        world.pass(50);
        let whole = world.instances[0].roster.whole();
        partial.push(whole.partial);
        // Never whole without those who are there.
        assert!(whole.partial && whole.count == 1 || whole.count == 4, "{whole:?}");
    }
    assert!(partial[0] && !partial[39]);
    assert_eq!((world.instances[0].people(), world.instances[0].left.clone()), ([1, 3, 4, 5].into(), [].into()));
}

#[test]
fn whoever_was_known_and_does_not_answer_is_waited_for_and_kept_until_taken_for_dead() {
    let mut world = World::of(2);
    world.instances[0].enter(Some(1), 10_000);
    world.instances[1].enter(Some(2), 10_000);
    world.pass(1_000);
    let Instance { abroad, roster, .. } = &mut world.instances[0];
    abroad.go_blind(roster);
    world.instances[1].dead = true;
    world.instances[0].abroad.see_again(world.now_ms);
    world.pass(4_900);
    assert_eq!((world.instances[0].abroad.is_partial(), world.counts()[0]), (true, 1));
    world.pass(200);
    assert_eq!((world.instances[0].abroad.is_partial(), world.counts()[0]), (false, 2));
    world.settle();
    assert_eq!(world.counts()[0], 1);
}

#[test]
fn thousands_are_told_in_parts_and_their_coming_and_going_in_few_messages() {
    let mut world = World::of(2);
    (1..=5_000).for_each(|id| world.instances[0].enter(Some(id), 10_000));
    world.pass(500);
    world.instances[1].enter(Some(9_999), world.now_ms);
    world.said = 0;
    let mut largest = 0;
    for _ in 0..20 {
        world.now_ms += 50;
        world.look();
        for (_, _, message) in &world.underway {
            if let Message::Seats { seats, .. } = message {
                largest = largest.max(seats.joined.len());
            }
        }
        world.deliver();
    }
    assert_eq!((world.counts(), largest), (vec![5_001, 5_001], PART));
    assert!(world.said <= 5_000 / PART + 3, "{}", world.said);
    world.said = 0;
    for id in 1..=5_000 {
        world.instances[0].leave(Some(id), world.now_ms);
        if id % 500 == 0 {
            world.pass(50);
        }
    }
    world.pass(3_000);
    assert_eq!(world.counts(), [0, 1]);
    assert!(world.said <= 5_000 / PART + 5, "{}", world.said);
}

#[test]
fn a_quiet_room_costs_one_message_a_round_and_one_without_people_none() {
    let mut world = World::of(2);
    world.instances[0].enter(Some(1), 10_000);
    world.pass(1_000);
    world.round();
    world.pass(1_000);
    world.said = 0;
    for _ in 0..5 {
        world.round();
        world.pass(REFRESH_MS);
    }
    assert_eq!(world.said, 5);
    world.instances[0].leave(Some(1), world.now_ms);
    world.pass(2_000);
    world.said = 0;
    world.settle();
    assert_eq!((world.said, world.instances[0].abroad.next_due(&world.instances[0].roster)), (0, None));
}
