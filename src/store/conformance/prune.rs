//! Forgetting: only ever a prefix.

use super::accounts::session;
use super::support::*;
use crate::model::{Channel, Timestamp};
use crate::store::write::*;
use std::time::Duration;

fn keep(events_per_channel: i64) -> Prune {
    Prune { events_before: Timestamp(0), events_per_channel, at_most: 1_000 }
}

async fn fill(p: &Process, channel: Channel, events: i64) {
    for n in 0..events {
        p.done(publish(channel, &n.to_string())).await;
    }
}

/// The log is whole from its floor to its head.
async fn whole(p: &Process, channel: Channel) -> (i64, i64) {
    let head = p.head(channel).await;
    assert_eq!(seqs(&p.log(channel).await), (head.floor + 1..=head.seq).collect::<Vec<_>>());
    (head.floor, head.seq)
}

pub async fn a_long_log_loses_its_beginning_and_its_floor_moves(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let (long, short) = (room(p.post(ada).await.id), room(p.post(ada).await.id));
    fill(&p, long, 10).await;
    fill(&p, short, 4).await;
    assert_eq!(p.done(keep(4)).await, Pruned { rows: 6, more: false });
    assert_eq!((whole(&p, long).await, whole(&p, short).await), ((6, 10), (0, 4)));
    assert_eq!(p.done(keep(4)).await, Pruned { rows: 0, more: false });
    assert_eq!(p.done(publish(long, "1")).await.value, 11);
    assert_eq!(whole(&p, long).await, (6, 11));
    let stretch = crate::store::read::Stretch { channel: long, after: 0, limit: 2, last: false };
    assert_eq!(seqs(&p.store.read().events(&[stretch]).await.unwrap()[&long]), [7, 8]);
    assert_eq!(p.done(keep(0)).await.rows, 9);
    assert_eq!((whole(&p, long).await, whole(&p, short).await), ((11, 11), (4, 4)));
    assert_eq!(p.done(publish(long, "1")).await.value, 12);
}

pub async fn old_events_go_and_young_ones_stay(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let (a, b) = (room(p.post(ada).await.id), room(p.post(ada).await.id));
    fill(&p, a, 3).await;
    fill(&p, b, 2).await;
    db.clock.advance(Duration::from_secs(60));
    let events_before = p.store_now();
    fill(&p, a, 2).await;
    let prune = || Prune { events_before, events_per_channel: 10_000, at_most: 1_000 };
    assert_eq!(p.done(prune()).await, Pruned { rows: 5, more: false });
    assert_eq!((whole(&p, a).await, whole(&p, b).await), ((3, 5), (2, 2)));
    assert_eq!(p.done(prune()).await.rows, 0);
}

pub async fn a_call_deletes_no_more_than_it_may(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let (a, b) = (room(p.post(ada).await.id), room(p.post(ada).await.id));
    fill(&p, a, 6).await;
    fill(&p, b, 6).await;
    let mut rows = Vec::new();
    loop {
        let pruned = p.done(Prune { at_most: 4, ..keep(1) }).await;
        whole(&p, a).await;
        whole(&p, b).await;
        rows.push(pruned.rows);
        if !pruned.more {
            break;
        }
    }
    assert!(rows.iter().all(|rows| *rows <= 4), "{rows:?}");
    assert_eq!(rows.iter().sum::<i64>(), 10);
    db.clock.advance(Duration::from_secs(60));
    let old = || Prune { events_before: p.store_now(), events_per_channel: 10_000, at_most: 1 };
    assert_eq!(p.done(old()).await, Pruned { rows: 1, more: true });
    assert_eq!(p.done(old()).await, Pruned { rows: 1, more: true });
    assert_eq!(p.done(old()).await, Pruned { rows: 0, more: false });
    assert_eq!((whole(&p, a).await, whole(&p, b).await), ((6, 6), (6, 6)));
}

pub async fn credentials_go_when_they_have_ended_and_not_before(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let short = NewSession { refresh_expires_at: p.store_now().plus(Duration::from_secs(1_000)), ..session(&p, 1) };
    let opened = p.done(OpenSession { user_id: ada, session: short }).await;
    let kept = p.done(OpenSession { user_id: ada, session: session(&p, 2) }).await;
    p.done(EndSession { session: SessionRef::Id(opened.session_id) }).await;
    assert_eq!(p.done(keep(10_000)).await.rows, 0);
    // The access token of the ended session ends after 900 s, its refresh token after 1,000.
    db.clock.advance(Duration::from_secs(950));
    assert_eq!(p.done(keep(10_000)).await.rows, 1);
    db.clock.advance(Duration::from_secs(50));
    assert_eq!(p.done(keep(10_000)).await.rows, 2);
    assert_eq!(p.done(keep(10_000)).await.rows, 0);
    p.done(EndSession { session: SessionRef::Id(opened.session_id) }).await;
    p.done(EndSession { session: SessionRef::RefreshHash([2; 32]) }).await;
    let log = p.log(Channel::Revocations).await;
    assert_eq!(log.len(), 2, "the row that went says nothing any more, the one that stayed does");
    assert_eq!(data(&log[1])["session_id"], serde_json::json!(kept.session_id));
}
