//! The bus contract, executable: every back end runs every clause.

use super::{Bus, Incoming, Message};
use crate::model::event::EventData;
use crate::model::{Channel, PostId, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

pub fn room(id: i64) -> Channel {
    Channel::Post(PostId(id))
}

pub fn event(channel: Channel, seq: i64) -> Message {
    Message::Event(EventData::Void.at(channel, seq, Timestamp(0)))
}

/// The next `count` arrivals: the seq of an event, `None` for a gap.
pub async fn seqs(incoming: &mut Receiver<Incoming>, count: usize) -> Vec<Option<i64>> {
    let mut seqs = Vec::new();
    while seqs.len() < count {
        match timeout(Duration::from_secs(5), incoming.recv()).await.expect("nothing arrived").expect("closed") {
            Incoming::Message(Message::Event(event)) => seqs.push(Some(event.seq)),
            Incoming::Message(Message::Signal { .. }) => {}
            Incoming::Gap => seqs.push(None),
        }
    }
    seqs
}

pub async fn what_is_published_reaches_the_other_instance_in_order((a, b): (Arc<dyn Bus>, Arc<dyn Bus>)) {
    let mut incoming = b.incoming().unwrap();
    b.subscribe(&[room(1)]).await.unwrap();
    for seq in 1..=100 {
        a.publish(event(room(1), seq));
    }
    assert_eq!(seqs(&mut incoming, 100).await, (1..=100).map(Some).collect::<Vec<_>>());
}

pub async fn an_instance_does_not_hear_itself((a, b): (Arc<dyn Bus>, Arc<dyn Bus>)) {
    let mut incoming = a.incoming().unwrap();
    a.subscribe(&[room(1)]).await.unwrap();
    a.publish(event(room(1), 1));
    b.publish(event(room(1), 2));
    assert_eq!(seqs(&mut incoming, 1).await, [Some(2)]);
}

pub async fn only_subscribed_channels_arrive((a, b): (Arc<dyn Bus>, Arc<dyn Bus>)) {
    let mut incoming = b.incoming().unwrap();
    b.subscribe(&[room(1), room(2)]).await.unwrap();
    b.unsubscribe(&[room(2), room(9)]).await;
    a.publish(event(room(2), 7));
    a.publish(event(room(3), 8));
    a.publish(event(room(1), 1));
    assert_eq!(seqs(&mut incoming, 1).await, [Some(1)]);
}

pub async fn the_receiving_end_is_given_once((a, _b): (Arc<dyn Bus>, Arc<dyn Bus>)) {
    assert!(a.incoming().is_some());
    assert!(a.incoming().is_none());
}

/// One test per clause for a back end, given what makes two ends of one fresh bus.
macro_rules! clauses {
    ($two:expr) => {
        $crate::bus::conformance::clauses!(@ $two;
            what_is_published_reaches_the_other_instance_in_order,
            an_instance_does_not_hear_itself,
            only_subscribed_channels_arrive,
            the_receiving_end_is_given_once,
        );
    };
    (@ $two:expr; $($clause:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $clause() {
            $crate::bus::conformance::$clause($two()).await;
        }
    )+};
}
pub(crate) use clauses;
