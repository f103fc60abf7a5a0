//! Who is kept out.

use super::accounts::session;
use super::support::*;
use crate::model::event::UserBanned;
use crate::model::{Channel, Role, Timestamp, UserId};
use crate::store::Rejection;
use crate::store::write::*;
use serde_json::json;
use std::time::Duration;

fn ban(user_id: UserId, until: Option<Timestamp>) -> Ban {
    Ban { whom: Whom::Id(user_id), by: None, until, reason: None }
}

fn lift(user_id: UserId) -> LiftBan {
    LiftBan { whom: Whom::Id(user_id), by: None }
}

async fn with_role(p: &Process, handle: &str, role: Role) -> Moderator {
    let user_id = p.user(handle).await;
    p.done(SetRole { handle: handle.into(), role }).await;
    Moderator { user_id, role }
}

async fn banned(p: &Process) -> Vec<UserBanned> {
    p.store.read().revocations().await.unwrap().value.people
}

pub async fn a_ban_is_told_listed_and_lifted(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.person("ada").await, p.user("bob").await);
    let mo = with_role(&p, "mo", Role::Moderator).await;
    let until = p.store_now().plus(Duration::from_secs(3_600));
    let reason = Some("Spam, spam\nand spam".to_owned());
    let first = Ban { by: Some(mo), reason: reason.clone(), ..ban(ada.user.id, Some(until)) };
    assert_eq!(p.done(first).await, ada);
    p.done(Ban { whom: Whom::Handle("bob".into()), ..ban(bob, None) }).await;

    let in_force = [(ada.user.id, Some(until)), (bob, None)].map(|(user_id, until)| UserBanned { user_id, until });
    assert_eq!(banned(&p).await, in_force);
    let listed = p.store.read().bans(p.store_now(), None, 10).await.unwrap();
    let short: Vec<_> = listed.iter().map(|ban| (ban.user.id, ban.until, ban.reason.clone())).collect();
    assert_eq!(short, [(bob, None, None), (ada.user.id, Some(until), reason)]);
    assert_eq!((&listed[1].user, listed[1].created_at), (&ada.user, p.store_now()));
    let by: Vec<_> = listed.iter().map(|ban| ban.by.as_ref().map(|by| by.handle.as_str())).collect();
    assert_eq!(by, [None, Some("mo")]);
    assert_eq!(p.store.read().bans(p.store_now(), None, 1).await.unwrap(), listed[..1]);
    assert_eq!(p.store.read().bans(p.store_now(), Some(listed[0].id), 10).await.unwrap(), listed[1..]);

    p.done(LiftBan { by: Some(mo), ..lift(ada.user.id) }).await;
    p.done(LiftBan { whom: Whom::Handle("bob".into()), by: None }).await;
    assert!(banned(&p).await.is_empty());
    assert!(p.store.read().bans(p.store_now(), None, 10).await.unwrap().is_empty());
    let log = p.log(Channel::Revocations).await;
    assert_eq!(kinds(&log), ["role.changed", "user.banned", "user.banned", "user.unbanned", "user.unbanned"]);
    assert_eq!(data(&log[1]), json!({ "user_id": ada.user.id, "until": until }));
    assert_eq!(data(&log[2]), json!({ "user_id": bob, "until": null }));
    assert_eq!(data(&log[3]), json!({ "user_id": ada.user.id }));
    let heard = p.told.events();
    assert_eq!(heard.iter().map(told).collect::<Vec<_>>(), log.iter().map(told).collect::<Vec<_>>());
}

pub async fn a_ban_that_changes_nothing_for_sockets_says_nothing(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let until = Some(p.store_now().plus(Duration::from_secs(60)));
    p.done(ban(ada, until)).await;
    p.done(ban(ada, until)).await;
    p.done(Ban { reason: Some("why".into()), ..ban(ada, until) }).await;
    assert_eq!(p.head(Channel::Revocations).await.seq, 1);
    let listed = p.store.read().bans(p.store_now(), None, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].reason.as_deref()), (1, Some("why")));
    p.done(ban(ada, None)).await;
    assert_eq!(banned(&p).await, [UserBanned { user_id: ada, until: None }]);
    p.done(lift(ada)).await;
    p.done(lift(ada)).await;
    p.done(lift(p.user("bob").await)).await;
    assert_eq!(kinds(&p.log(Channel::Revocations).await), ["user.banned", "user.banned", "user.unbanned"]);
}

pub async fn only_people_below_a_moderator_are_banned_by_them(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let (mo, mia) = (with_role(&p, "mo", Role::Moderator).await, with_role(&p, "mia", Role::Moderator).await);
    let root = with_role(&p, "root", Role::Admin).await;
    let seq = p.head(Channel::Revocations).await.seq;
    let by = |by: Moderator, user_id| Ban { by: Some(by), ..ban(user_id, None) };
    for (who, whom) in [(mo, mo.user_id), (mo, mia.user_id), (mo, root.user_id), (root, root.user_id)] {
        assert!(matches!(p.refused(by(who, whom)).await, Rejection::Forbidden(_)), "{who:?} {whom:?}");
        let lift = LiftBan { by: Some(who), ..lift(whom) };
        assert!(matches!(p.refused(lift).await, Rejection::Forbidden(_)), "{who:?} {whom:?}");
    }
    assert_eq!(p.refused(by(mo, UserId(999_999))).await, Rejection::NotFound("user"));
    assert_eq!(p.refused(lift(UserId(999_999))).await, Rejection::NotFound("user"));
    let nobody = Ban { whom: Whom::Handle("nobody".into()), ..ban(ada, None) };
    assert_eq!(p.refused(nobody).await, Rejection::NotFound("user"));
    assert_eq!(p.head(Channel::Revocations).await.seq, seq);
    p.done(by(mo, ada)).await;
    p.done(by(root, mia.user_id)).await;
    p.done(ban(root.user_id, None)).await;
    assert_eq!(banned(&p).await.len(), 3);
}

pub async fn a_refresh_token_of_a_banned_person_is_refused_and_not_spent(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    p.done(OpenSession { user_id: ada, session: session(&p, 1) }).await;
    let rotate = |presented: u8, successor: u8| RotateRefresh {
        presented: [presented; 32],
        successor: [successor; 32],
        refresh_expires_at: p.store_now().plus(Duration::from_secs(86_400)),
        access_expires_at: p.store_now().plus(Duration::from_secs(900)),
    };
    p.done(rotate(1, 2)).await;
    let until = p.store_now().plus(Duration::from_secs(60));
    p.done(ban(ada, Some(until))).await;
    db.clock.advance(Duration::from_millis(59_999));
    // The first one was spent long ago: while the ban holds, that ends nothing either.
    for token in [1, 2] {
        assert!(matches!(p.refused(rotate(token, token + 1)).await, Rejection::Forbidden(_)), "{token}");
    }
    db.clock.advance(Duration::from_millis(1));
    assert!(matches!(p.done(rotate(2, 3)).await, Rotation::Rotated { .. }));
    p.done(ban(ada, None)).await;
    assert!(matches!(p.refused(rotate(3, 4)).await, Rejection::Forbidden(_)));
    p.done(lift(ada)).await;
    assert!(matches!(p.done(rotate(3, 4)).await, Rotation::Rotated { .. }));
}

pub async fn a_ban_that_has_ended_is_over_and_its_row_goes(db: &Database) {
    let p = db.process().await;
    let (ada, bob, eve) = (p.user("ada").await, p.user("bob").await, p.user("eve").await);
    // What every instance loads is judged by the database's own clock, which no test moves.
    let past = p.store_now().minus(Duration::from_secs(3_600));
    p.done(ban(bob, Some(past))).await;
    let until = p.store_now().plus(Duration::from_secs(3_600));
    p.done(ban(ada, Some(until))).await;
    p.done(ban(eve, None)).await;
    assert_eq!(banned(&p).await.iter().map(|banned| banned.user_id).collect::<Vec<_>>(), [ada, eve]);
    let listed = |at| {
        let read = p.store.read();
        async move { read.bans(at, None, 10).await.unwrap().iter().map(|ban| ban.user.id).collect::<Vec<_>>() }
    };
    assert_eq!(listed(until.minus(Duration::from_millis(1))).await, [eve, ada]);
    assert_eq!(listed(until).await, [eve]);

    let prune = || Prune { events_before: Timestamp(0), events_per_channel: 10_000, at_most: 100 };
    assert_eq!(p.done(prune()).await.rows, 1);
    db.clock.advance(Duration::from_secs(3_600));
    let seq = p.head(Channel::Revocations).await.seq;
    p.done(lift(ada)).await;
    assert_eq!(p.head(Channel::Revocations).await.seq, seq, "what has ended needs no lifting");
    p.done(ban(ada, Some(p.store_now().plus(Duration::from_secs(1))))).await;
    assert_eq!(p.head(Channel::Revocations).await.seq, seq + 1);
    db.clock.advance(Duration::from_secs(1));
    assert_eq!(p.done(prune()).await.rows, 1);
    assert_eq!(p.done(prune()).await.rows, 0);
    assert_eq!(listed(p.store_now()).await, [eve]);
}
