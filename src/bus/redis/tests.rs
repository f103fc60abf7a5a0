//! The bus over a real Redis: the contract, and what becomes of it when Redis is not well.

use super::testing::server::{RedisServer, required_in_ci};
use super::testing::{connected, end, ends, epoch, is_up, pair, until};
use super::*;
use crate::bus::conformance::{self, Ends, arrival, event, events, room, seqs};
use tokio::time::timeout;

async fn two() -> Option<Ends> {
    let (a, b) = ends(&required_in_ci("BELFRY_TEST_REDIS")?).await;
    Some((a, b))
}

conformance::clauses!(two);

#[tokio::test]
async fn instances_of_another_database_are_not_heard() {
    let Some(url) = required_in_ci("BELFRY_TEST_REDIS") else { return };
    let (a, b, mut incoming) = pair(&url).await;
    let stranger = end(&url, &epoch());
    connected(&stranger).await;
    b.subscribe(&[room(1)]).await.unwrap();
    stranger.publish(event(room(1), 1));
    until("the stranger to have spoken", || stranger.shared.outbox.is_empty()).await;
    a.publish(event(room(1), 2));
    assert_eq!(events(&mut incoming, 1).await, [(room(1), 2)]);
}

#[tokio::test]
async fn when_the_database_becomes_another_one_all_is_subscribed_to_under_its_name() {
    let Some(url) = required_in_ci("BELFRY_TEST_REDIS") else { return };
    let (old, new) = (epoch(), epoch());
    let (a, b, left_behind) = (end(&url, &old), end(&url, &old), end(&url, &EpochCell::new(old.get())));
    let (mut incoming, mut others) = (b.incoming().unwrap(), a.incoming().unwrap());
    b.subscribe(&[room(1)]).await.unwrap();
    connected(&left_behind).await;
    assert_eq!((seqs(&mut incoming, 1).await, seqs(&mut others, 1).await), (vec![None], vec![None]));
    old.set(&new.get());
    assert_eq!((seqs(&mut incoming, 1).await, seqs(&mut others, 1).await), (vec![None], vec![None]));
    left_behind.publish(event(room(1), 7));
    until("who was left behind to have spoken", || left_behind.shared.outbox.is_empty()).await;
    a.publish(event(room(1), 1));
    let Incoming::Message { message: Message::Event(event), epoch, .. } = arrival(&mut incoming).await else {
        panic!("no event")
    };
    assert_eq!((event.seq, epoch.unwrap()), (1, new.get()));
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_said_at_once_and_used_once_it_is() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let (url, epoch) = (redis.url(), epoch());
    redis.kill();
    let (a, b) = (end(&url, &epoch), end(&url, &epoch));
    let mut incoming = b.incoming().unwrap();
    assert!(b.subscribe(&[room(1)]).await.is_err());
    a.publish(event(room(1), 1));
    assert_eq!((a.delivery(), a.delivery().is_up()), (Delivery::Proved(None), false));
    redis.start_again().await;
    assert_eq!(seqs(&mut incoming, 1).await, [None]);
    connected(&a).await;
    a.publish(event(room(1), 2));
    assert_eq!(seqs(&mut incoming, 1).await, [Some(2)]);
}

#[tokio::test]
async fn after_redis_was_killed_and_came_back_empty_everything_is_subscribed_to_again() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let (a, b, mut incoming) = pair(&redis.url()).await;
    let rooms: Vec<Channel> = (1..=1_500).map(room).collect();
    b.subscribe(&rooms).await.unwrap();
    redis.kill();
    until("the loss to be noticed", || !is_up(&a) && !is_up(&b)).await;
    assert!(b.subscribe(&[room(9_000)]).await.is_err());
    b.unsubscribe(&[room(1)]).await;
    redis.start_again().await;
    assert_eq!(seqs(&mut incoming, 1).await, [None]);
    connected(&a).await;
    assert_eq!(redis.channels(), 1_500);
    [room(1), room(2), room(1_500), room(9_000)].into_iter().for_each(|room| a.publish(event(room, 5)));
    assert_eq!(events(&mut incoming, 3).await, [(room(2), 5), (room(1_500), 5), (room(9_000), 5)]);
}

#[tokio::test]
async fn a_frozen_redis_is_noticed_and_used_again_when_it_goes_on() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, b, mut incoming) = pair(&redis.url()).await;
    b.subscribe(&[room(1)]).await.unwrap();
    redis.freeze();
    // Silent, not known to be down: whoever subscribes goes on without it and is told when it is confirmed.
    assert!(timeout(Duration::from_millis(300), b.subscribe(&[room(2)])).await.is_err());
    until("the silence to be noticed", || !b.delivery().is_up() && !is_up(&a) && !is_up(&b)).await;
    assert!(b.subscribe(&[room(3)]).await.is_err());
    redis.thaw();
    assert_eq!(seqs(&mut incoming, 1).await, [None]);
    connected(&a).await;
    (1..=3).for_each(|id| a.publish(event(room(id), 5)));
    assert_eq!(events(&mut incoming, 3).await, [(room(1), 5), (room(2), 5), (room(3), 5)]);
}

#[tokio::test]
async fn a_subscription_confirmed_too_late_for_who_asked_is_reported_as_a_gap() {
    let Some(redis) = RedisServer::start().await else { return };
    let (_a, b, mut incoming) = pair(&redis.url()).await;
    redis.freeze();
    assert!(timeout(Duration::from_millis(50), b.subscribe(&[room(1)])).await.is_err());
    redis.thaw();
    assert_eq!(seqs(&mut incoming, 1).await, [None]);
    assert!(is_up(&b), "it was the same connection");
}

#[tokio::test]
async fn connections_cut_by_the_server_are_made_again() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, b, mut incoming) = pair(&redis.url()).await;
    let mut others = a.incoming().unwrap();
    assert_eq!(seqs(&mut others, 1).await, [None]);
    b.subscribe(&[room(1)]).await.unwrap();
    for seq in 1..=3 {
        redis.ask(&["CLIENT", "KILL", "SKIPME", "yes"]);
        // Either has noticed and is back.
        assert_eq!((seqs(&mut incoming, 1).await, seqs(&mut others, 1).await), (vec![None], vec![None]));
        a.publish(event(room(1), seq));
        assert_eq!(seqs(&mut incoming, 1).await, [Some(seq)]);
    }
}

#[tokio::test]
async fn nothing_stays_subscribed_to_after_much_coming_and_going() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, b, mut incoming) = pair(&redis.url()).await;
    let rooms: Vec<Channel> = (1..=200).map(room).collect();
    for round in 0..20 {
        b.subscribe(&rooms).await.unwrap();
        b.unsubscribe(&rooms[round..]).await;
        b.subscribe(&rooms[150..]).await.unwrap();
        b.unsubscribe(&rooms).await;
    }
    b.subscribe(&[room(7)]).await.unwrap();
    until("the last to be left", || redis.channels() == 1).await;
    a.publish(event(room(7), 1));
    assert_eq!(seqs(&mut incoming, 1).await, [Some(1)]);
    drop(b);
    until("the connection to end", || redis.channels() == 0).await;
}

#[tokio::test]
async fn a_reader_that_falls_behind_learns_of_the_gap_and_goes_on() {
    let Some(redis) = RedisServer::start().await else { return };
    let (a, b, mut incoming) = pair(&redis.url()).await;
    b.subscribe(&[room(1)]).await.unwrap();
    let sent = CAPACITY as i64 + 1_000;
    for seq in 1..=sent {
        a.publish(event(room(1), seq));
        if seq % 4_096 == 0 || seq == sent {
            until("all to be sent", || a.shared.outbox.is_empty()).await;
        }
    }
    let (mut last, mut gap, mut missed) = (0, false, false);
    while last <= sent {
        match seqs(&mut incoming, 1).await[0] {
            Some(seq) => {
                assert!(seq == last + 1 || gap && seq > last, "{seq} after {last}");
                missed |= seq > last + 1;
                (last, gap) = (seq, false);
            }
            None => gap = true,
        }
        if last == CAPACITY as i64 {
            // What was read makes room for the gap, and for what comes after it.
            a.publish(event(room(1), sent + 1));
        }
    }
    assert!(missed, "there was room for all");
}
