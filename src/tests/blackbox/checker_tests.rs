//! The checker accepts what is good and rejects each single thing that is not: a checker that never says no is none.

use crate::checker::{Violation, check};
use crate::history::{Action, DELETED, Event, History, Mark, Op, Row, Subject, Truth, View};

const ROOM: &str = "post:1";
const EPOCH: &str = "e";

fn event(seq: u64, kind: &str, id: u64, version: u32, count: i64) -> Event {
    let count = (kind != "comment.updated").then_some(count);
    Event { seq, kind: kind.into(), subject: Subject::Comment(id), version: Some(version), count, ..Event::default() }
}

fn void(seq: u64) -> Event {
    Event { seq, kind: "void".into(), ..Event::default() }
}

fn view(name: &str, marks: Vec<Mark>) -> View {
    View { name: name.into(), channel: ROOM.into(), marks }
}

fn subscribed(seq: u64, recovered: bool) -> Mark {
    Mark::Subscribed { epoch: EPOCH.into(), seq, recovered }
}

fn invoke(key: &str, action: Action) -> Op {
    Op::Invoke { key: key.into(), channel: ROOM.into(), action }
}

fn ok(key: &str, id: u64, seq: u64) -> Op {
    Op::Ok { key: key.into(), id, seq }
}

/// Three comments, the first edited, the second deleted; one view live, one that reconnected, one that had to refetch.
fn good() -> History {
    let log = vec![
        event(1, "comment.created", 11, 1, 1),
        event(2, "comment.created", 12, DELETED, 2),
        event(3, "comment.updated", 11, 1, 0),
        event(4, "comment.created", 13, 0, 3),
        event(5, "comment.deleted", 12, DELETED, 2),
    ];
    let row = |id, key: &str, seq, version| Row { id, key: Some(key.into()), seq, version, ..Row::default() };
    let rows = vec![row(11, "a", 1, 1), row(12, "b", 2, DELETED), row(13, "c", 4, 0)];
    let live: Vec<Mark> = log.iter().cloned().map(Mark::Event).collect();
    let mut steady = vec![subscribed(0, false)];
    steady.extend(live.clone());
    let mut reconnected = vec![subscribed(0, false)];
    reconnected.extend(live[..2].iter().cloned());
    reconnected.push(subscribed(2, true));
    reconnected.extend(live[2..].iter().cloned());
    let mut refetched = vec![subscribed(0, false), live[0].clone(), Mark::Resync { epoch: EPOCH.into(), seq: 3 }];
    refetched.push(live[3].clone());
    refetched.push(subscribed(5, false));
    let (edit, delete) = (Action::Edit { comment: 11, version: 1 }, Action::Delete { comment: 12 });
    History {
        ops: vec![
            invoke("a", Action::Create),
            ok("a", 11, 1),
            ok("a", 11, 1),
            invoke("b", Action::Create),
            invoke("a/1", edit),
            ok("a/1", 11, 3),
            ok("b", 12, 2),
            invoke("c", Action::Create),
            Op::Info { key: "c".into() },
            invoke("b/2", delete),
            ok("b/2", 12, 5),
            invoke("d", Action::Create),
            Op::Fail { key: "d".into() },
        ],
        views: vec![view("steady", steady), view("reconnected", reconnected), view("refetched", refetched)],
        truth: [(ROOM.to_owned(), Truth { epoch: EPOCH.into(), head: 5, rows, log })].into(),
        ..History::default()
    }
}

/// Spoils a good history and returns what the checker says.
fn spoiled(spoil: impl FnOnce(&mut History)) -> Vec<Violation> {
    let mut history = good();
    spoil(&mut history);
    check(&history)
}

fn truth(history: &mut History) -> &mut Truth {
    history.truth.get_mut(ROOM).unwrap()
}

fn marks(history: &mut History, view: usize) -> &mut Vec<Mark> {
    &mut history.views[view].marks
}

fn of_view(found: &[Violation], wanted: &str) -> bool {
    found.iter().any(|violation| format!("{violation:?}").starts_with(wanted))
}

#[test]
fn a_good_history_is_accepted() {
    assert_eq!(check(&good()), []);
}

#[test]
fn void_may_stand_for_any_event_on_either_side() {
    assert_eq!(spoiled(|history| marks(history, 0)[2] = Mark::Event(void(2))), []);
    let logged = spoiled(|history| {
        truth(history).log[1] = void(2);
        truth(history).rows[1].key = None;
    });
    assert_eq!(logged, []);
}

#[test]
fn a_write_without_an_answer_may_or_may_not_have_happened() {
    let without = spoiled(|history| {
        history.ops.insert(0, invoke("e", Action::Create));
        history.ops.insert(1, Op::Info { key: "e".into() });
    });
    assert_eq!(without, []);
}

#[test]
fn a_lost_write_is_found() {
    let lost = spoiled(|history| truth(history).rows.retain(|row| row.id != 11));
    assert!(lost.contains(&Violation::Lost { key: "a".into() }), "{lost:?}");
    let edit = spoiled(|history| truth(history).rows[0].version = 0);
    assert_eq!(edit, [Violation::Lost { key: "a/1".into() }]);
    let delete = spoiled(|history| truth(history).rows[1].version = 0);
    assert_eq!(delete, [Violation::Lost { key: "b/2".into() }]);
}

#[test]
fn a_doubled_write_is_found() {
    let doubled = spoiled(|history| {
        let truth = truth(history);
        truth.rows.push(Row { id: 14, key: Some("a".into()), seq: 6, version: 1, ..Row::default() });
        truth.log.push(event(6, "comment.created", 14, 1, 3));
        truth.head = 6;
        for view in [0, 1, 2] {
            marks(history, view).push(Mark::Event(event(6, "comment.created", 14, 1, 3)));
        }
    });
    assert_eq!(doubled, [Violation::Doubled { key: "a".into() }]);
    let unkeyed = spoiled(|history| {
        truth(history).log.push(event(6, "comment.created", 14, 1, 3));
        truth(history).head = 6;
    });
    assert!(of_view(&unkeyed, "Phantom"), "{unkeyed:?}");
}

#[test]
fn a_retry_with_another_answer_is_found() {
    let changed = spoiled(|history| history.ops[2] = ok("a", 13, 4));
    assert_eq!(changed[0], Violation::Changed { key: "a".into() });
}

#[test]
fn an_acknowledged_seq_that_is_not_the_rows_is_found() {
    let wrong = spoiled(|history| history.ops[6] = ok("b", 12, 4));
    assert!(wrong.contains(&Violation::WrongSeq { key: "b".into() }), "{wrong:?}");
    let key = spoiled(|history| {
        truth(history).rows[0].key = Some("b".into());
        truth(history).rows[1].key = Some("a".into());
    });
    assert!(key.contains(&Violation::WrongSeq { key: "a".into() }), "{key:?}");
}

#[test]
fn a_write_that_nobody_began_or_that_was_refused_is_found() {
    for key in ["x", "d"] {
        let unasked = spoiled(|history| truth(history).rows[2].key = Some(key.into()));
        assert_eq!(unasked, [Violation::Unasked { channel: ROOM.into(), id: 13 }]);
    }
}

#[test]
fn two_writes_in_the_wrong_order_are_found() {
    // "c" was begun after the answer that told of seq 3, and yet stands before it.
    let reordered = spoiled(|history| {
        let truth = truth(history);
        truth.log.swap(2, 3);
        (truth.log[2].seq, truth.log[3].seq) = (3, 4);
        truth.rows[2].seq = 3;
    });
    assert!(reordered.contains(&Violation::Reordered { key: "c".into() }), "{reordered:?}");
}

#[test]
fn two_swapped_events_of_a_view_are_found() {
    let swapped = spoiled(|history| marks(history, 0).swap(1, 2));
    assert!(of_view(&swapped, "Hole") && of_view(&swapped, "Repeated"), "{swapped:?}");
    let renumbered = spoiled(|history| {
        let marks = marks(history, 0);
        marks[1] = Mark::Event(event(1, "comment.created", 12, DELETED, 1));
        marks[2] = Mark::Event(event(2, "comment.created", 11, 1, 2));
    });
    assert!(of_view(&renumbered, "Disagreement"), "{renumbered:?}");
}

#[test]
fn a_hole_is_found_where_it_was_not_told() {
    let hole = spoiled(|history| drop(marks(history, 0).remove(3)));
    let (view, channel) = ("steady".to_owned(), ROOM.to_owned());
    assert_eq!(hole, [Violation::Hole { view, channel, expected: 3, got: 4 }]);
    let false_recovery = spoiled(|history| drop(marks(history, 1).remove(4)));
    assert!(of_view(&false_recovery, "Hole"), "{false_recovery:?}");
    let jumped = spoiled(|history| marks(history, 1)[3] = subscribed(3, true));
    assert!(of_view(&jumped, "Hole"), "{jumped:?}");
    let told = spoiled(|history| marks(history, 2)[2] = subscribed(3, false));
    assert_eq!(told, []);
}

#[test]
fn an_event_told_twice_is_found() {
    let twice = spoiled(|history| {
        let again = marks(history, 1)[2].clone();
        marks(history, 1).insert(4, again);
    });
    assert!(of_view(&twice, "Repeated"), "{twice:?}");
}

#[test]
fn a_phantom_is_found() {
    let phantom = spoiled(|history| marks(history, 0).push(Mark::Event(event(6, "comment.created", 15, 0, 3))));
    assert!(of_view(&phantom, "Phantom"), "{phantom:?}");
    let other = spoiled(|history| marks(history, 0)[4] = Mark::Event(event(4, "comment.created", 99, 0, 3)));
    assert!(of_view(&other, "Disagreement"), "{other:?}");
}

#[test]
fn two_views_that_disagree_are_found() {
    let disagree = spoiled(|history| marks(history, 1)[2] = Mark::Event(event(2, "comment.updated", 12, DELETED, 2)));
    assert!(of_view(&disagree, "Disagreement"), "{disagree:?}");
}

#[test]
fn a_text_from_before_its_seq_is_found() {
    let stale = spoiled(|history| marks(history, 0)[3] = Mark::Event(event(3, "comment.updated", 11, 0, 0)));
    assert_eq!(stale, [Violation::Stale { view: "steady".into(), channel: ROOM.into(), seq: 3 }]);
    // Before the edit's seq the older text is right.
    assert_eq!(spoiled(|history| marks(history, 0)[1] = Mark::Event(event(1, "comment.created", 11, 0, 1))), []);
}

#[test]
fn a_wrong_count_is_found() {
    let view = spoiled(|history| marks(history, 0)[5] = Mark::Event(event(5, "comment.deleted", 12, DELETED, 3)));
    assert!(of_view(&view, "WrongCount"), "{view:?}");
    let log = spoiled(|history| truth(history).log[4].count = Some(1));
    assert!(of_view(&log, "WrongCount"), "{log:?}");
}

#[test]
fn a_view_that_stays_behind_is_found() {
    let behind = spoiled(|history| drop(marks(history, 0).pop()));
    assert_eq!(behind, [Violation::Behind { view: "steady".into(), channel: ROOM.into(), at: 4, head: 5 }]);
}

#[test]
fn a_log_with_a_hole_and_a_row_without_an_event_are_found() {
    let hole = spoiled(|history| drop(truth(history).log.remove(2)));
    assert!(of_view(&hole, "BrokenLog"), "{hole:?}");
    let unlogged = spoiled(|history| truth(history).rows.push(Row { id: 19, seq: 3, ..Row::default() }));
    assert_eq!(unlogged, [Violation::Unlogged { channel: ROOM.into(), id: 19 }]);
}
