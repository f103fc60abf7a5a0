//! Sessions, refresh tokens and revocations.

use super::accounts::session;
use super::support::*;
use crate::model::{Channel, SessionId, UserId};
use crate::store::Rejection;
use crate::store::read::{Revocation, Revoked};
use crate::store::write::*;
use serde_json::json;
use std::time::Duration;

const ACCESS: Duration = Duration::from_secs(900);

fn rotate(p: &Process, presented: u8, successor: u8) -> RotateRefresh {
    RotateRefresh {
        presented: [presented; 32],
        successor: [successor; 32],
        refresh_expires_at: p.store_now().plus(Duration::from_secs(30 * 86_400)),
        access_expires_at: p.store_now().plus(ACCESS),
    }
}

async fn open(p: &Process, user_id: UserId, refresh: u8) -> SessionId {
    p.done(OpenSession { user_id, session: session(p, refresh) }).await.session_id
}

fn end(session: SessionId) -> EndSession {
    EndSession { session: SessionRef::Id(session) }
}

pub async fn a_refresh_token_is_spent_for_its_successor(db: &Database) {
    let p = db.process().await;
    let ada = p.person("ada").await;
    let in_body = NewSession { in_body: true, ..session(&p, 1) };
    let opened = p.done(OpenSession { user_id: ada.user.id, session: in_body }).await;
    assert_eq!(opened.account, ada);
    let rotated = Rotation::Rotated { opened, in_body: true };
    assert_eq!(p.done(rotate(&p, 1, 2)).await, rotated);
    db.clock.advance(Duration::from_secs(3600));
    assert_eq!(p.done(rotate(&p, 2, 3)).await, rotated);
    assert!(matches!(p.refused(rotate(&p, 99, 100)).await, Rejection::Unauthenticated(_)));
    assert_eq!(
        p.refused(OpenSession { user_id: UserId(999_999), session: session(&p, 9) }).await,
        Rejection::NotFound("user")
    );
    assert!(p.told.events().is_empty());
}

pub async fn a_spent_refresh_token_is_good_for_ten_seconds_then_ends_its_session(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let id = open(&p, ada, 1).await;
    p.done(rotate(&p, 1, 2)).await;
    db.clock.advance(REFRESH_GRACE - Duration::from_millis(1));
    assert!(matches!(p.done(rotate(&p, 1, 2)).await, Rotation::Rotated { .. }));
    let until = p.store_now().plus(ACCESS);
    db.clock.advance(Duration::from_millis(1));
    assert_eq!(p.done(rotate(&p, 1, 2)).await, Rotation::Reused);
    for token in [1, 2] {
        assert!(matches!(p.refused(rotate(&p, token, 50)).await, Rejection::Unauthenticated(_)), "{token}");
    }
    let revocations = p.store.read().revocations().await.unwrap();
    let sessions = vec![Revocation { user_id: ada, session_id: id, until }];
    assert_eq!(revocations, Versioned { value: Revoked { sessions, people: vec![] }, seq: 1 });
    assert_eq!(kinds(&p.told.events()), ["session.revoked"]);
}

pub async fn a_refresh_token_ends_by_itself(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    open(&p, ada, 1).await;
    db.clock.advance(Duration::from_secs(30 * 86_400));
    assert!(matches!(p.refused(rotate(&p, 1, 2)).await, Rejection::Unauthenticated(_)));
    assert!(p.told.events().is_empty());
}

pub async fn two_at_once_get_the_same_successor(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let ada = p.user("ada").await;
    open(&p, ada, 1).await;
    let (a, b) = tokio::join!(p.done(rotate(&p, 1, 2)), q.done(rotate(&q, 1, 2)));
    assert_eq!(a, b);
    assert!(matches!(p.done(rotate(&p, 2, 3)).await, Rotation::Rotated { .. }));
}

pub async fn an_ended_session_is_revoked_until_its_last_token_ends(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let (ended, kept) = (open(&p, ada, 1).await, open(&p, ada, 10).await);
    db.clock.advance(Duration::from_secs(60));
    p.done(rotate(&p, 1, 2)).await;
    let until = p.store_now().plus(ACCESS);
    p.done(end(ended)).await;
    p.done(end(ended)).await;
    p.done(EndSession { session: SessionRef::RefreshHash([1; 32]) }).await;
    p.done(end(SessionId(999_999))).await;
    p.done(EndSession { session: SessionRef::RefreshHash([99; 32]) }).await;

    let revocations = p.store.read().revocations().await.unwrap();
    let sessions = vec![Revocation { user_id: ada, session_id: ended, until }];
    assert_eq!(revocations, Versioned { value: Revoked { sessions, people: vec![] }, seq: 1 });
    let log = p.log(Channel::Revocations).await;
    assert_eq!(kinds(&log), ["session.revoked"]);
    assert_eq!(data(&log[0]), json!({ "session_id": ended, "user_id": ada, "until": until }));
    assert_eq!(told(&p.told.events()[0]), told(&log[0]));
    assert!(matches!(p.refused(rotate(&p, 2, 3)).await, Rejection::Unauthenticated(_)));
    assert!(matches!(p.done(rotate(&p, 10, 11)).await, Rotation::Rotated { .. }));
    p.done(EndSession { session: SessionRef::RefreshHash([11; 32]) }).await;
    assert_eq!(p.store.read().revocations().await.unwrap().value.sessions[1].session_id, kept);
}

pub async fn everywhere_ends_each_session_of_that_person_and_no_other(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let first = open(&p, ada, 1).await;
    let mine = [first, open(&p, ada, 2).await, open(&p, ada, 3).await];
    open(&p, bob, 10).await;
    p.done(end(first)).await;
    p.done(EndSessions { session: SessionRef::Id(mine[1]) }).await;
    p.done(EndSessions { session: SessionRef::RefreshHash([3; 32]) }).await;
    p.done(EndSessions { session: SessionRef::Id(SessionId(999_999)) }).await;
    let Versioned { value, seq } = p.store.read().revocations().await.unwrap();
    assert_eq!((value.sessions.iter().map(|r| r.session_id).collect::<Vec<_>>(), seq), (mine.to_vec(), 3));
    assert_eq!(kinds(&p.told.events()), ["session.revoked"; 3]);
    assert!(matches!(p.done(rotate(&p, 10, 11)).await, Rotation::Rotated { .. }));
}

pub async fn a_session_without_refreshing_can_be_ended_too(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let once = NewSession { refresh_hash: None, ..session(&p, 0) };
    let (a, b) = (
        p.done(OpenSession { user_id: ada, session: once.clone() }).await.session_id,
        p.done(OpenSession { user_id: ada, session: once }).await.session_id,
    );
    p.done(end(a)).await;
    assert_ne!(a, b);
    assert_eq!(p.store.read().revocations().await.unwrap().value.sessions.len(), 1);
}

pub async fn a_revocation_that_has_outlived_every_token_is_not_listed(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    // By the database's own clock, which no test moves.
    let past = p.store_now().minus(Duration::from_secs(3600));
    let over = NewSession { access_expires_at: past, ..session(&p, 1) };
    let (over, live) = (p.done(OpenSession { user_id: ada, session: over }).await.session_id, open(&p, ada, 2).await);
    p.done(end(over)).await;
    p.done(end(live)).await;
    let Versioned { value, seq } = p.store.read().revocations().await.unwrap();
    assert_eq!((value.sessions.iter().map(|r| r.session_id).collect::<Vec<_>>(), seq), (vec![live], 2));
}
