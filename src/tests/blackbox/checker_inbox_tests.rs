//! As the other tests of the checker: of reactions and of an inbox it accepts what is good, and nothing else.

use crate::checker::{Violation, check};
use crate::history::{Action, Event, History, Inbox, Mark, Notice, Op, Row, Subject, Toggle, Truth, View};

const ROOM: &str = "post:1";
const OWN: &str = "user:1";
/// The owner, who wrote comment 11, and somebody who answered and reacted.
const OWNER: u64 = 1;
const BOB: u64 = 2;

fn event(seq: u64, kind: &str, subject: Subject) -> Event {
    Event { seq, kind: kind.into(), subject, ..Event::default() }
}

fn reacted(seq: u64, user: u64, on: bool) -> Event {
    let by = vec![Toggle { user, emoji: "👍".into(), on }];
    Event { by, ..event(seq, "comment.reacted", Subject::Comment(11)) }
}

fn told(seq: u64, kind: &str, id: u64, unread: i64) -> Event {
    Event { unread: Some(unread), ..event(seq, kind, Subject::Notification(id)) }
}

fn truth(log: Vec<Event>, rows: Vec<Row>) -> Truth {
    Truth { epoch: "e".into(), head: log.len() as u64, rows, log }
}

/// Bob turns his emoji on, off and on, the owner theirs on; both are told of once, and the first notification is read.
fn good() -> History {
    let created = |seq, id| Event { version: Some(0), ..event(seq, "comment.created", Subject::Comment(id)) };
    let log = vec![
        created(1, 11),
        reacted(2, BOB, true),
        reacted(3, BOB, false),
        created(4, 12),
        reacted(5, BOB, true),
        reacted(6, OWNER, true),
    ];
    let rows = vec![
        Row { id: 11, seq: 1, author: Some(OWNER), reactions: [("👍".into(), 2)].into(), ..Row::default() },
        Row { id: 12, seq: 4, author: Some(BOB), ..Row::default() },
    ];
    let own = vec![
        told(1, "notification.created", 21, 1),
        told(2, "notification.deleted", 21, 0),
        told(3, "notification.created", 22, 1),
        told(4, "notification.created", 23, 2),
        Event { unread: Some(1), ..event(5, "notifications.read", Subject::None) },
    ];
    let mut marks = vec![Mark::Subscribed { epoch: "e".into(), seq: 0, recovered: false }];
    marks.extend(own.iter().cloned().map(Mark::Event));
    let react = |on| Action::React { comment: 11, emoji: "👍", on };
    let op = |key: &str, channel: &str, action, id, seq| {
        let (key, channel) = (key.to_owned(), channel.to_owned());
        [Op::Invoke { key: key.clone(), channel, action }, Op::Ok { key, id, seq }]
    };
    let notice = |id, kind: &str, comment, read| Notice { id, kind: kind.into(), comment, count: 1, read };
    History {
        ops: [
            op("bob-1", ROOM, react(true), 11, 2),
            op("bob-2", ROOM, react(false), 11, 3),
            op("bob-3", ROOM, react(true), 11, 5),
            op("owner-1", ROOM, react(true), 11, 6),
            op("owner-2", OWN, Action::Read { notification: 22 }, 22, 5),
        ]
        .concat(),
        views: vec![View { name: "owner".into(), channel: OWN.into(), marks }],
        truth: [(ROOM.into(), truth(log, rows)), (OWN.into(), truth(own, Vec::new()))].into(),
        people: [("owner".into(), OWNER), ("bob".into(), BOB)].into(),
        mine: [((OWNER, 11), ["👍".into()].into()), ((BOB, 11), ["👍".into()].into())].into(),
        inbox: Some(Inbox {
            owner: OWNER,
            channel: OWN.into(),
            unread: 1,
            rows: vec![notice(22, "comment", 12, true), notice(23, "reaction", 11, false)],
        }),
    }
}

fn spoiled(spoil: impl FnOnce(&mut History)) -> Vec<Violation> {
    let mut history = good();
    spoil(&mut history);
    check(&history)
}

fn inbox(history: &mut History) -> &mut Inbox {
    history.inbox.as_mut().unwrap()
}

fn log<'a>(history: &'a mut History, channel: &str) -> &'a mut Vec<Event> {
    &mut history.truth.get_mut(channel).unwrap().log
}

#[test]
fn a_good_history_of_reactions_and_notifications_is_accepted() {
    assert_eq!(check(&good()), []);
}

#[test]
fn a_lost_toggle_is_found() {
    let lost = spoiled(|history| drop(history.mine.remove(&(OWNER, 11))));
    assert_eq!(lost, [Violation::LostToggle { key: "owner-1".into() }]);
}

#[test]
fn a_toggle_that_counts_twice_or_not_at_all_is_found() {
    let doubled = spoiled(|history| log(history, ROOM)[2] = reacted(3, BOB, true));
    assert!(doubled.contains(&Violation::DoubledToggle { channel: ROOM.into(), seq: 3 }), "{doubled:?}");
    let uncounted = spoiled(|history| {
        history.truth.get_mut(ROOM).unwrap().rows[0].reactions.insert("👍".into(), 1);
    });
    assert_eq!(uncounted, [Violation::WrongReactions { channel: ROOM.into(), id: 11 }]);
}

#[test]
fn a_comment_or_a_reaction_that_the_owner_was_not_told_of_is_found() {
    let comment = spoiled(|history| drop(inbox(history).rows.remove(0)));
    assert_eq!(comment, [Violation::Unnotified { comment: 12 }]);
    let reaction = spoiled(|history| {
        inbox(history).rows[1].comment = 12;
    });
    assert!(reaction.contains(&Violation::Unnotified { comment: 11 }), "{reaction:?}");
}

#[test]
fn an_owner_told_twice_or_of_what_is_gone_is_found() {
    let twice = spoiled(|history| {
        let again = inbox(history).rows[0].clone();
        inbox(history).rows.push(again);
    });
    assert_eq!(twice, [Violation::OverNotified { comment: 12 }]);
    let own = spoiled(|history| inbox(history).rows[0].comment = 11);
    assert!(own.contains(&Violation::OverNotified { comment: 11 }), "{own:?}");
    let gone = spoiled(|history| {
        let row = &mut history.truth.get_mut(ROOM).unwrap().rows[1];
        (row.version, row.author) = (crate::history::DELETED, None);
    });
    assert_eq!(gone, [Violation::OverNotified { comment: 12 }]);
}

#[test]
fn a_wrong_number_of_people_is_found() {
    let more = spoiled(|history| inbox(history).rows[1].count = 2);
    assert_eq!(more, [Violation::WrongActors { comment: 11 }]);
}

#[test]
fn a_lost_read_is_found_unless_the_notification_was_told_again() {
    let unread = |history: &mut History, told: i64| {
        inbox(history).rows[0].read = false;
        inbox(history).unread = told;
    };
    let lost = spoiled(|history| unread(history, 2));
    assert!(lost.contains(&Violation::LostRead { key: "owner-2".into() }), "{lost:?}");
    let renewed = spoiled(|history| {
        unread(history, 2);
        let again = told(6, "notification.updated", 22, 2);
        log(history, OWN).push(again.clone());
        history.truth.get_mut(OWN).unwrap().head = 6;
        history.views[0].marks.push(Mark::Event(again));
    });
    assert_eq!(renewed, []);
}

#[test]
fn a_number_of_unread_that_is_not_the_rows_is_found() {
    let rest = spoiled(|history| inbox(history).unread = 2);
    assert_eq!(rest, [Violation::WrongUnread { view: "the inbox".into(), seq: 5 }]);
    let told = spoiled(|history| log(history, OWN)[4].unread = Some(0));
    assert_eq!(told, [Violation::WrongUnread { view: "the log".into(), seq: 5 }]);
    let jump = spoiled(|history| log(history, OWN)[3].unread = Some(3));
    assert_eq!(jump, [Violation::WrongUnread { view: "the log".into(), seq: 4 }]);
    let view = spoiled(|history| {
        let Some(Mark::Event(last)) = history.views[0].marks.last_mut() else { panic!("no event") };
        last.unread = Some(2);
    });
    assert_eq!(view, [Violation::WrongUnread { view: "owner".into(), seq: 5 }]);
}
