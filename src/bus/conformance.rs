//! The bus contract, executable: every back end runs every clause.

use super::{Ask, Bus, Incoming, Message, Node, PART, Seats};
use crate::model::event::{EventData, Subject};
use crate::model::{Channel, Event, NotificationId, PostId, Timestamp, UserId, UserRef};
use crate::protocol::server::Sender;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// Two ends of one bus.
pub type Ends = (Arc<dyn Bus>, Arc<dyn Bus>);

pub fn room(id: i64) -> Channel {
    Channel::Post(PostId(id))
}

pub fn event(channel: Channel, seq: i64) -> Message {
    Message::Event(EventData::Void.at(channel, seq, Timestamp(0)))
}

pub async fn arrival(incoming: &mut Receiver<Incoming>) -> Incoming {
    timeout(Duration::from_secs(5), incoming.recv()).await.expect("nothing arrived").expect("closed")
}

/// The next message, after whatever gaps.
pub async fn message(incoming: &mut Receiver<Incoming>) -> Message {
    loop {
        if let Incoming::Message { message, .. } = arrival(incoming).await {
            return message;
        }
    }
}

/// The next `count` arrivals: the seq of an event, `None` for a gap.
pub async fn seqs(incoming: &mut Receiver<Incoming>, count: usize) -> Vec<Option<i64>> {
    let mut seqs = Vec::new();
    while seqs.len() < count {
        match arrival(incoming).await {
            Incoming::Message { message: Message::Event(event), .. } => seqs.push(Some(event.seq)),
            Incoming::Message { .. } => {}
            Incoming::Gap => seqs.push(None),
        }
    }
    seqs
}

/// The next `count` events as channel and seq, after whatever gaps.
pub async fn events(incoming: &mut Receiver<Incoming>, count: usize) -> Vec<(Channel, i64)> {
    let mut events = Vec::new();
    while events.len() < count {
        if let Message::Event(event) = message(incoming).await {
            events.push((event.channel, event.seq));
        }
    }
    events
}

fn raw(text: &str) -> Arc<RawValue> {
    Arc::from(serde_json::from_str::<Box<RawValue>>(text).unwrap())
}

pub async fn what_is_published_reaches_the_other_instance_in_order((a, b): Ends) {
    let mut incoming = b.incoming().unwrap();
    b.subscribe(&[room(1)]).await.unwrap();
    for seq in 1..=1_000 {
        a.publish(event(room(1), seq));
    }
    assert!(events(&mut incoming, 1_000).await.into_iter().eq((1..=1_000).map(|seq| (room(1), seq))));
}

pub async fn an_event_arrives_as_it_was((a, b): Ends) {
    let mut incoming = b.incoming().unwrap();
    let channel = Channel::User(UserId(3));
    b.subscribe(&[channel]).await.unwrap();
    let text = format!("{{ \"big\":\"{}\", \"n\": 1.50 }}", "ü".repeat(100_000));
    let (at, kind, subject) =
        (Timestamp(1_772_366_400_005), "custom.of-mine".into(), Some(Subject::Notification(NotificationId(7))));
    a.publish(Message::Event(Event { channel, seq: 5, at, kind, subject, unread: Some(2), data: raw(&text) }));
    let Message::Event(event) = message(&mut incoming).await else { panic!("not an event") };
    assert_eq!((event.channel, event.seq, event.at, &*event.kind), (channel, 5, at, "custom.of-mine"));
    assert_eq!((event.subject, event.unread, event.data.get()), (subject, Some(2), &*text));
}

pub async fn a_signal_arrives_with_who_sent_it((a, b): Ends) {
    let mut incoming = b.incoming().unwrap();
    b.subscribe(&[room(1)]).await.unwrap();
    let from = Arc::new(Sender { id: UserId(3), name: "Ada".into() });
    a.publish(Message::Signal { channel: room(1), from, data: raw("[1 ,2]") });
    let Message::Signal { channel, from, data } = message(&mut incoming).await else { panic!("not a signal") };
    assert_eq!((channel, from.id, &*from.name, data.get()), (room(1), UserId(3), "Ada", "[1 ,2]"));
}

/// The next message and who sent it, after whatever gaps.
async fn letter(incoming: &mut Receiver<Incoming>) -> (Node, Message) {
    loop {
        if let Incoming::Message { from, message, .. } = arrival(incoming).await {
            return (from, message);
        }
    }
}

pub async fn every_instance_has_a_name_that_its_messages_bear((a, b): Ends) {
    assert_ne!(a.node(), b.node());
    let mut incoming = b.incoming().unwrap();
    b.subscribe(&[room(1), Channel::Revocations]).await.unwrap();
    a.publish(event(room(1), 1));
    assert_eq!(letter(&mut incoming).await.0, a.node());
    a.publish(Message::Farewell { away_ms: 6_000 });
    let (from, Message::Farewell { away_ms }) = letter(&mut incoming).await else { panic!("not a farewell") };
    assert_eq!((from, away_ms), (a.node(), 6_000));
}

pub async fn who_is_in_a_room_and_who_asks_arrives_as_it_was_said((a, b): Ends) {
    let mut incoming = b.incoming().unwrap();
    b.subscribe(&[room(1)]).await.unwrap();
    let person = |id| UserRef { id: UserId(id), name: "Jörg \"J\"".into(), handle: "j".into(), avatar_url: None };
    let joined = (1..=PART as i64).map(|id| Arc::new(person(id))).collect();
    let (version, left) = (u64::MAX, vec![UserId(7), UserId(8)]);
    let seats = Arc::new(Seats { before: 0, version, part: 1, parts: 3, joined, left, anonymous: 4 });
    a.publish(Message::Seats { channel: room(1), seats: seats.clone() });
    let Message::Seats { channel, seats: heard } = message(&mut incoming).await else { panic!("not who is there") };
    assert_eq!((channel, heard), (room(1), seats));
    let ask = Ask { version: 9, known: vec![(Node(u64::MAX), u64::MAX), (b.node(), 1)] };
    a.publish(Message::Ask { channel: room(1), ask: ask.clone() });
    let Message::Ask { channel, ask: heard } = message(&mut incoming).await else { panic!("not a question") };
    assert_eq!((channel, heard), (room(1), ask));
}

pub async fn who_writes_arrives_and_that_they_have_ended((a, b): Ends) {
    let mut incoming = b.incoming().unwrap();
    b.subscribe(&[room(1)]).await.unwrap();
    let who = Arc::new(Sender { id: UserId(3), name: "Ada".into() });
    for said in [true, false] {
        a.publish(Message::Typing { channel: room(1), from: who.clone(), writes: said });
        let Message::Typing { channel, from, writes } = message(&mut incoming).await else { panic!("not typing") };
        assert_eq!((channel, from, writes), (room(1), who.clone(), said));
    }
}

pub async fn what_was_published_is_handed_over_before_the_end((a, b): Ends) {
    let mut incoming = b.incoming().unwrap();
    b.subscribe(&[room(1)]).await.unwrap();
    for seq in 1..=500 {
        a.publish(event(room(1), seq));
    }
    timeout(Duration::from_secs(5), a.flush()).await.expect("it was not handed over");
    drop(a);
    assert!(events(&mut incoming, 500).await.into_iter().eq((1..=500).map(|seq| (room(1), seq))));
}

pub async fn once_subscribed_nothing_published_later_is_missed((a, b): Ends) {
    let mut incoming = b.incoming().unwrap();
    for id in 1..=200 {
        b.subscribe(&[room(id)]).await.unwrap();
        a.publish(event(room(id), id));
    }
    // Across channels in any order.
    let mut heard = events(&mut incoming, 200).await;
    heard.sort_unstable();
    assert!(heard.into_iter().eq((1..=200).map(|id| (room(id), id))));
}

pub async fn many_channels_are_subscribed_to_at_once((a, b): Ends) {
    let mut incoming = b.incoming().unwrap();
    let rooms: Vec<Channel> = (1..=2_000).map(room).collect();
    b.subscribe(&rooms).await.unwrap();
    rooms.iter().for_each(|room| a.publish(event(*room, 1)));
    let mut heard: Vec<Channel> = events(&mut incoming, 2_000).await.into_iter().map(|(channel, _)| channel).collect();
    heard.sort_unstable();
    assert_eq!(heard, rooms);
}

pub async fn an_instance_does_not_hear_itself((a, b): Ends) {
    let mut incoming = a.incoming().unwrap();
    a.subscribe(&[room(1)]).await.unwrap();
    a.publish(event(room(1), 1));
    b.publish(event(room(1), 2));
    assert_eq!(events(&mut incoming, 1).await, [(room(1), 2)]);
}

pub async fn only_subscribed_channels_arrive((a, b): Ends) {
    let mut incoming = b.incoming().unwrap();
    b.subscribe(&[room(1), room(2)]).await.unwrap();
    b.unsubscribe(&[room(2), room(9)]).await;
    a.publish(event(room(2), 7));
    a.publish(event(room(3), 8));
    a.publish(event(room(1), 1));
    assert_eq!(events(&mut incoming, 1).await, [(room(1), 1)]);
}

pub async fn a_channel_left_and_entered_again_is_heard_again((a, b): Ends) {
    let mut incoming = b.incoming().unwrap();
    for seq in 1..=50 {
        b.subscribe(&[room(1)]).await.unwrap();
        a.publish(event(room(1), seq));
        assert_eq!(events(&mut incoming, 1).await, [(room(1), seq)]);
        b.unsubscribe(&[room(1)]).await;
    }
}

pub async fn the_receiving_end_is_given_once((a, _b): Ends) {
    assert!(a.incoming().is_some());
    assert!(a.incoming().is_none());
}

pub async fn a_bus_that_works_says_so((a, b): Ends) {
    assert!(a.delivery().is_up() && b.delivery().is_up());
}

/// The clauses: one test for each, given what makes two ends of one fresh bus (`None` where it is not to be had); or one
/// after the other, where what they need is too much to start for each.
macro_rules! clauses {
    ($two:expr) => { $crate::bus::conformance::clauses!(@ tests $two); };
    (in turn $two:expr) => { $crate::bus::conformance::clauses!(@ turns $two); };
    (@ $how:ident $two:expr) => {
        $crate::bus::conformance::clauses!(@ $how $two;
            what_is_published_reaches_the_other_instance_in_order,
            an_event_arrives_as_it_was,
            a_signal_arrives_with_who_sent_it,
            every_instance_has_a_name_that_its_messages_bear,
            who_is_in_a_room_and_who_asks_arrives_as_it_was_said,
            who_writes_arrives_and_that_they_have_ended,
            what_was_published_is_handed_over_before_the_end,
            once_subscribed_nothing_published_later_is_missed,
            many_channels_are_subscribed_to_at_once,
            an_instance_does_not_hear_itself,
            only_subscribed_channels_arrive,
            a_channel_left_and_entered_again_is_heard_again,
            the_receiving_end_is_given_once,
            a_bus_that_works_says_so,
        );
    };
    (@ tests $two:expr; $($clause:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $clause() {
            if let Some(ends) = $two().await {
                $crate::bus::conformance::$clause(ends).await;
            }
        }
    )+};
    (@ turns $two:expr; $($clause:ident),+ $(,)?) => {$(
        $crate::bus::conformance::$clause($two().await).await;
    )+};
}
pub(crate) use clauses;
