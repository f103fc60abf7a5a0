//! Whoever is given the whole of a roster once, and then what they are owed, knows who is there.

use super::super::update::Due;
use super::*;
use proptest::prelude::*;

fn person(id: i64) -> Arc<UserRef> {
    Arc::new(UserRef { id: UserId(id), name: format!("p{id}"), handle: format!("p{id}"), avatar_url: None })
}

/// A room that was quiet for long, with these people in it.
fn room(people: std::ops::RangeInclusive<i64>) -> Roster {
    let mut roster = Roster::new(7);
    people.for_each(|id| roster.enter(Some(&person(id))));
    let _ = roster.update(0);
    roster
}

fn ids(users: Option<&Vec<Arc<UserRef>>>) -> Option<Vec<i64>> {
    users.map(|users| users.iter().map(|user| user.id.0).collect())
}

/// The ids that joined and left.
fn said(update: Option<Update>) -> (Vec<i64>, Vec<i64>) {
    let Some(Update { changes: Changes::Said(changes), .. }) = update else { panic!("no changes are said") };
    assert_eq!(changes.users, None);
    (ids(changes.joined.as_ref()).unwrap(), changes.left.unwrap().iter().map(|id| id.0).collect())
}

/// What a client knows.
#[derive(Debug, Default, PartialEq)]
struct View {
    revision: u32,
    people: BTreeMap<i64, Arc<UserRef>>,
    numbers: (u64, u64),
}

impl View {
    fn of(roster: &Roster) -> Self {
        let mut view = Self { revision: roster.revision(), ..Self::default() };
        view.take(&roster.whole());
        view
    }

    fn take(&mut self, told: &Presence) {
        self.numbers = (told.count, told.anonymous);
        let named = [&told.users, &told.joined, &told.left.as_ref().map(|_| Vec::new())];
        if told.users.is_some() || named.iter().all(|list| list.is_none()) {
            self.people.clear();
        }
        for id in told.left.iter().flatten() {
            assert!(self.people.remove(&id.0).is_some() || told.count > 100, "{id} left and was not there");
        }
        for user in told.users.iter().chain(&told.joined).flatten() {
            let before = self.people.insert(user.id.0, user.clone());
            assert_ne!(before.as_ref(), Some(user), "told twice");
        }
    }

    fn hear(&mut self, update: &Update) -> Due {
        let due = update.due(self.revision);
        match (due, &update.changes) {
            (Due::Nothing, _) => return due,
            (Due::Silence, _) => {}
            (Due::Changes, Changes::Said(changes)) => self.take(changes),
            _ => self.take(&update.whole),
        }
        self.revision = update.revision;
        due
    }
}

#[test]
fn the_first_is_told_at_once_and_the_rest_together_half_a_second_later() {
    let mut roster = room(1..=1);
    roster.enter(Some(&person(2)));
    assert_eq!(roster.next_due(), Some(500));
    roster.enter(Some(&person(3)));
    roster.enter(None);
    assert!(roster.update(499).is_none());
    assert_eq!(said(roster.update(500)), (vec![2, 3], vec![]));
    assert_eq!(roster.next_due(), None);
    roster.enter(Some(&person(4)));
    assert_eq!(said(roster.update(1_000)), (vec![4], vec![]));
}

#[test]
fn who_is_back_within_a_second_was_never_away_and_who_is_not_is_gone() {
    let mut roster = room(1..=2);
    roster.leave(Some(UserId(2)), 10_000, AWAY_MS);
    assert!(roster.update(10_999).is_none());
    roster.enter(Some(&person(2)));
    assert!(roster.update(20_000).is_none());
    roster.leave(Some(UserId(2)), 20_000, AWAY_MS);
    assert!(roster.update(20_999).is_none());
    assert_eq!(said(roster.update(21_000)), (vec![], vec![2]));
}

#[test]
fn who_comes_and_goes_between_two_updates_is_not_told_of() {
    let mut roster = room(1..=1);
    let mut before = View::of(&roster);
    roster.enter(Some(&person(2)));
    // This one has seen it.
    let mut between = View::of(&roster);
    roster.leave(Some(UserId(2)), 100, AWAY_MS);
    let update = roster.update(500).unwrap();
    assert_eq!((before.hear(&update), between.hear(&update)), (Due::Silence, Due::Whole));
    assert_eq!(between, before);
    assert_eq!(roster.next_due(), None);
}

#[test]
fn who_was_told_of_elsewhere_alone_counts_a_little_longer_too() {
    let mut roster = room(1..=1);
    roster.enter(Some(&person(2)));
    assert_eq!(ids(Some(&roster.take_untold().0)), Some(vec![1, 2]));
    roster.leave(Some(UserId(2)), 100, AWAY_MS);
    assert_eq!(said(roster.update(500)), (vec![2], vec![]));
    assert!(!roster.has_untold());
    assert_eq!(said(roster.update(1_100)), (vec![], vec![2]));
    assert_eq!(roster.take_untold().1, [UserId(2)]);
}

#[test]
fn who_comes_back_before_their_leaving_was_told_was_never_away() {
    let mut roster = room(1..=3);
    roster.enter(Some(&person(4)));
    let _ = roster.update(9_800);
    roster.leave(Some(UserId(2)), 9_000, AWAY_MS);
    assert!(roster.update(10_001).is_none());
    roster.enter(Some(&person(2)));
    let mut view = View { revision: 0, ..View::default() };
    let update = roster.update(10_300).unwrap();
    assert!(matches!(update.changes, Changes::None));
    assert_eq!(view.hear(&update), Due::Whole);
    assert_eq!(view, View::of(&roster));
}

#[test]
fn a_person_with_many_sockets_is_one() {
    let mut roster = room(1..=1);
    (0..5).for_each(|_| roster.enter(Some(&person(1))));
    (0..5).for_each(|_| roster.leave(Some(UserId(1)), 1_000, AWAY_MS));
    assert!(roster.update(10_000).is_none());
    assert_eq!(roster.whole().count, 1);
    roster.leave(Some(UserId(1)), 10_000, AWAY_MS);
    assert_eq!(said(roster.update(11_000)), (vec![], vec![1]));
    assert!(roster.is_vacant() && roster.next_due().is_none());
}

#[test]
fn the_nameless_are_counted_and_a_reload_of_theirs_is_not_seen_either() {
    let mut roster = room(1..=1);
    (0..3).for_each(|_| roster.enter(None));
    let update = roster.update(500).unwrap();
    assert_eq!((update.whole.count, update.whole.anonymous), (4, 3));
    roster.leave(None, 10_000, AWAY_MS);
    roster.enter(None);
    assert!(roster.update(20_000).is_none());
    roster.leave(None, 20_000, AWAY_MS);
    assert!(roster.update(20_999).is_none());
    let update = roster.update(21_000).unwrap();
    assert_eq!((update.whole.count, update.whole.anonymous), (3, 2));
}

#[test]
fn who_signs_in_is_no_longer_nameless_and_a_new_name_is_told() {
    let mut roster = room(1..=1);
    roster.enter(None);
    let _ = roster.update(1_000);
    roster.reseat(None, &person(2), 2_000);
    let update = roster.update(2_000);
    let whole = &update.as_ref().unwrap().whole;
    assert_eq!((whole.count, whole.anonymous), (2, 0));
    assert_eq!(said(update), (vec![2], vec![]));
    let renamed = Arc::new(UserRef { name: "Bob".into(), ..(*person(2)).clone() });
    roster.reseat(Some(UserId(2)), &renamed, 3_000);
    assert_eq!(said(roster.update(3_000)), (vec![2], vec![]));
    roster.reseat(Some(UserId(2)), &renamed, 4_000);
    assert!(roster.update(9_000).is_none());
    assert_eq!(roster.whole().users.unwrap()[1].name, "Bob");
}

#[test]
fn up_to_a_hundred_are_named_and_up_to_a_thousand_a_sample_of_a_hundred() {
    for (people, named) in [(100, Some(100)), (101, Some(100)), (1_000, Some(100)), (1_001, None)] {
        let whole = room(1..=people).whole();
        assert_eq!((whole.count, whole.users.map(|users| users.len())), (people as u64, named), "{people}");
    }
}

#[test]
fn who_has_had_a_sample_is_told_all_once_the_room_is_small_enough() {
    let mut roster = room(1..=102);
    let mut view = View::of(&roster);
    roster.leave(Some(UserId(1)), 1_000, AWAY_MS);
    let update = roster.update(2_000).unwrap();
    assert_eq!(view.hear(&update), Due::Changes);
    roster.leave(Some(UserId(2)), 3_000, AWAY_MS);
    let update = roster.update(4_000).unwrap();
    assert_eq!(view.hear(&update), Due::Whole);
    assert_eq!((view.people.len(), view.numbers), (100, (100, 0)));
}

#[test]
fn above_a_thousand_the_number_alone_is_told_and_below_it_a_sample_again() {
    let mut roster = room(1..=1_000);
    let mut view = View::of(&roster);
    roster.enter(Some(&person(1_001)));
    let update = roster.update(1_000).unwrap();
    assert_eq!(view.hear(&update), Due::Whole);
    assert_eq!((view.people.len(), view.numbers), (0, (1_001, 0)));
    roster.enter(Some(&person(1_002)));
    let update = roster.update(2_000).unwrap();
    assert_eq!(view.hear(&update), Due::Changes);
    assert_eq!((view.people.len(), view.numbers), (0, (1_002, 0)));
    [1_001, 1_002].into_iter().for_each(|id| roster.leave(Some(UserId(id)), 3_000, AWAY_MS));
    let update = roster.update(4_000).unwrap();
    assert_eq!(view.hear(&update), Due::Whole);
    assert_eq!((view.people.len(), view.numbers), (100, (1_000, 0)));
}

#[test]
fn more_changes_than_can_be_named_are_told_as_a_whole() {
    for (new, whole) in [(100, false), (101, true)] {
        let mut roster = room(1..=1);
        (2..2 + new).for_each(|id| roster.enter(Some(&person(id))));
        let update = roster.update(1_000).unwrap();
        assert_eq!(matches!(update.changes, Changes::Unsaid), whole, "{new}");
        assert_eq!((roster.joined.len(), roster.left.len()), (0, 0));
    }
}

#[test]
fn revisions_may_go_round() {
    let mut roster = Roster::new(u32::MAX - 1);
    let mut view = View { revision: u32::MAX - 1, ..View::default() };
    for id in 1..=5 {
        roster.enter(Some(&person(id)));
        assert_eq!(view.hear(&roster.update(id as u64 * 1_000).unwrap()), Due::Changes);
        assert_ne!(roster.revision(), 0);
    }
    assert_eq!(view, View::of(&roster));
}

#[derive(Debug, Clone)]
enum Step {
    Enter(Option<i64>),
    Leave(Option<i64>),
    SignIn(i64),
    Arrive,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = || prop_oneof![Just(None), (1..6_i64).prop_map(Some)];
    prop_oneof![
        3 => who().prop_map(Step::Enter),
        3 => who().prop_map(Step::Leave),
        1 => (1..6_i64).prop_map(Step::SignIn),
        1 => Just(Step::Arrive),
        4 => (0..700_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_the_end_everybody_knows_who_is_there_whatever_they_missed(
        steps in prop::collection::vec(step(), 0..120),
        misses in prop::collection::vec(any::<bool>(), 64),
    ) {
        let mut roster = Roster::new(0);
        let (mut seats, mut nameless) = (BTreeMap::<i64, u32>::new(), 0_u64);
        let mut views = Vec::new();
        let (mut now_ms, mut last_ms, mut chance) = (10_000, None, misses.iter().cycle());
        let mut news: Option<Update> = None;
        let mut tell = |roster: &mut Roster, views: &mut Vec<View>, now_ms: u64, all: bool| {
            if let Some(update) = roster.update(now_ms) {
                assert!(last_ms.replace(now_ms).is_none_or(|last_ms| now_ms >= last_ms + TOLD_EVERY_MS));
                news = Some(update);
                for view in views.iter_mut() {
                    if *chance.next().unwrap() {
                        view.hear(news.as_ref().unwrap());
                    }
                }
            }
            if let (true, Some(news)) = (all, &news) {
                views.iter_mut().for_each(|view| { view.hear(news); });
            }
        };
        for step in steps {
            match step {
                Step::Enter(None) => {
                    nameless += 1;
                    roster.enter(None);
                }
                Step::Enter(Some(id)) => {
                    *seats.entry(id).or_default() += 1;
                    roster.enter(Some(&person(id)));
                }
                Step::Leave(None) if nameless > 0 => {
                    nameless -= 1;
                    roster.leave(None, now_ms, AWAY_MS);
                }
                Step::Leave(Some(id)) if seats.get(&id).is_some_and(|seats| *seats > 0) => {
                    *seats.entry(id).or_default() -= 1;
                    roster.leave(Some(UserId(id)), now_ms, AWAY_MS);
                }
                Step::SignIn(id) if nameless > 0 => {
                    nameless -= 1;
                    *seats.entry(id).or_default() += 1;
                    roster.reseat(None, &person(id), now_ms);
                }
                Step::Leave(_) | Step::SignIn(_) => {}
                Step::Arrive => views.push(View::of(&roster)),
                Step::Wait(ms) => now_ms += ms,
            }
            tell(&mut roster, &mut views, now_ms, false);
        }
        while let Some(due_ms) = roster.next_due() {
            now_ms = now_ms.max(due_ms);
            tell(&mut roster, &mut views, now_ms, false);
        }
        tell(&mut roster, &mut views, now_ms, true);
        seats.retain(|_, seats| *seats > 0);
        for view in &views {
            prop_assert_eq!(view.people.keys().collect::<Vec<_>>(), seats.keys().collect::<Vec<_>>());
            prop_assert_eq!(view.numbers, (seats.len() as u64 + nameless, nameless));
            prop_assert_eq!(view.revision, roster.revision());
        }
        prop_assert_eq!(roster.is_vacant(), seats.is_empty() && nameless == 0);
    }
}
