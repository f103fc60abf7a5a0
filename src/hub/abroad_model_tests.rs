//! Three instances of one room to which anything may happen.

use super::tests::{Instance, World};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Debug, Clone)]
enum Step {
    Enter(usize, Option<i64>),
    Leave(usize, Option<i64>),
    Look,
    /// So many messages under way arrive, out of turn, doubled or not at all.
    Arrive(Vec<(prop::sample::Index, u8)>),
    Round,
    Die(usize),
    /// A frozen one goes on; the flag says whether it was killed and began anew.
    Return(usize, bool),
    Blind(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let at = || 0..3_usize;
    let who = || prop_oneof![1 => Just(None), 3 => (1..6_i64).prop_map(Some)];
    prop_oneof![
        4 => (at(), who()).prop_map(|(at, who)| Step::Enter(at, who)),
        4 => (at(), who()).prop_map(|(at, who)| Step::Leave(at, who)),
        4 => Just(Step::Look),
        6 => prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8), 1..8).prop_map(Step::Arrive),
        2 => Just(Step::Round),
        1 => at().prop_map(Step::Die),
        1 => (at(), any::<bool>()).prop_map(|(at, anew)| Step::Return(at, anew)),
        1 => at().prop_map(Step::Blind),
        4 => (0..900_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_lost_doubled_or_late_everybody_ends_with_those_who_are_there(
        steps in prop::collection::vec(step(), 0..150),
    ) {
        let mut world = World::of(3);
        let mut nodes = 10;
        for step in steps {
            let now_ms = world.now_ms;
            match step {
                Step::Enter(at, who) if !world.instances[at].dead => world.instances[at].enter(who, now_ms),
                Step::Leave(at, who) if !world.instances[at].dead => world.instances[at].leave(who, now_ms),
                Step::Enter(..) | Step::Leave(..) => {}
                Step::Look => world.look(),
                Step::Arrive(messages) => for (which, times) in messages {
                    if !world.underway.is_empty() {
                        let (to, from, message) = world.underway.swap_remove(which.index(world.underway.len()));
                        for _ in 0..times.min(2) {
                            world.instances[to].hear(from, &message, now_ms);
                        }
                    }
                },
                Step::Round => world.round(),
                Step::Die(at) => world.instances[at].dead = true,
                Step::Return(at, anew) => {
                    if anew && world.instances[at].dead {
                        nodes += 1;
                        world.instances[at] = Instance::new(nodes);
                    }
                    world.instances[at].dead = false;
                }
                Step::Blind(at) => {
                    let Instance { abroad, roster, .. } = &mut world.instances[at];
                    if !roster.is_vacant() {
                        abroad.go_blind(roster);
                    }
                }
                Step::Wait(ms) => world.now_ms += ms,
            }
        }
        for instance in &mut world.instances {
            instance.abroad.see_again(world.now_ms);
        }
        world.settle();
        let living = || world.instances.iter().filter(|instance| !instance.dead);
        let seated = |who: &Option<i64>| living().any(|it| it.seats.get(who).is_some_and(|seats| *seats > 0));
        let people: BTreeSet<i64> = (1..6).filter(|id| seated(&Some(*id))).collect();
        let nameless: u64 = living().map(|it| u64::from(it.seats.get(&None).copied().unwrap_or(0))).sum();
        for instance in living().filter(|instance| !instance.roster.is_vacant()) {
            let whole = instance.roster.whole();
            prop_assert_eq!((instance.people(), whole.anonymous, whole.partial), (people.clone(), nameless, false));
        }
    }
}
