//! What back ends tell people, and what is taken back of deleted posts.

use super::support::*;
use crate::model::notification::Which;
use crate::model::{Channel, UserId};
use crate::store::Rejection;
use crate::store::read::Recipients;
use crate::store::write::*;
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;

fn notice(to: &[UserId], title: &str, group: Option<&str>) -> Notify {
    Notify {
        to: to.to_vec(),
        unknown: 0,
        kind: "order.paid".into(),
        title: title.into(),
        body: Some("Thank you".into()),
        url: Some("https://shop.example/1".into()),
        group: group.map(str::to_owned),
        key: None,
    }
}

fn accepted(accepted: i64, unknown: i64, replayed: bool) -> Applied<Notified> {
    Applied { value: Notified { accepted, unknown }, replayed }
}

pub async fn a_notice_reaches_those_who_are_there_each_by_one_of_its_own(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let to = [ada, bob, UserId(999_999)];
    let first = Notify { unknown: 2, ..notice(&to, "Paid", None) };
    assert_eq!(p.done(first.clone()).await, accepted(2, 3, false));
    assert_eq!(p.done(first).await, accepted(2, 3, false), "without a group or a key it is another one");
    let inbox = p.inbox(ada).await;
    assert_eq!((inbox.items.len(), inbox.unread, inbox.seq), (2, 2, 2));
    let item = &inbox.items[0];
    assert_eq!((item.kind.as_str(), item.title.as_str(), item.count, item.seq), ("order.paid", "Paid", 1, 2));
    assert_eq!((item.body.as_deref(), item.url.as_deref()), (Some("Thank you"), Some("https://shop.example/1")));
    assert_eq!((item.post_id, item.comment_id, item.actors.len()), (None, None, 0));
    let log = p.log(Channel::User(ada)).await;
    assert_eq!(kinds(&log), ["notification.created"; 2]);
    assert_eq!(data(&log[1]), json!({ "notification": item, "unread": 2 }));
    let live = p.told.events().into_iter().rfind(|event| event.channel == Channel::User(ada)).unwrap();
    assert_eq!(told(&live), told(&log[1]));
    assert_eq!(p.inbox(bob).await.unread, 2);
    assert_eq!(p.done(notice(&[], "Nobody", None)).await, accepted(0, 0, false));
}

pub async fn a_group_is_one_notification_that_counts_and_is_unread_again(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    for all in [false, true] {
        let group = Some(if all { "b" } else { "a" });
        p.done(notice(&[ada], "One", group)).await;
        let first = p.inbox(ada).await.items[0].clone();
        let which = if all { Which::All } else { Which::These(vec![first.id]) };
        p.done(MarkRead { user_id: ada, which }).await;
        db.clock.advance(Duration::from_millis(3));
        let again = Notify { body: None, url: None, ..notice(&[bob, ada], "Two", group) };
        p.done(again.clone()).await;
        let inbox = p.inbox(ada).await;
        let item = &inbox.items[0];
        assert_eq!((item.id, item.title.as_str(), &item.body, &item.url), (first.id, "Two", &None, &None));
        assert_eq!((item.count, item.read_at, inbox.unread), (2, None, 1));
        assert_eq!((item.created_at, item.updated_at), (first.created_at, p.store_now()));
        p.done(again).await;
        assert_eq!(p.inbox(ada).await.unread, 1, "unread once");
        p.done(MarkRead { user_id: ada, which: Which::All }).await;
    }
    let log = p.log(Channel::User(ada)).await;
    let told = ["notification.created", "notifications.read", "notification.updated", "notification.updated"];
    assert_eq!(kinds(&log[..4]), told);
    // Another kind, another person: another notification. One that was dismissed begins anew.
    let other = Notify { kind: "order.sent".into(), ..notice(&[ada], "Sent", Some("a")) };
    p.done(other).await;
    let inbox = p.inbox(ada).await;
    assert_eq!(inbox.items.len(), 3);
    let a = inbox.items.iter().find(|item| item.count == 3 && item.title == "Two").unwrap().id;
    p.done(Dismiss { user_id: ada, id: a }).await;
    p.done(notice(&[ada], "New", Some("a"))).await;
    p.done(notice(&[ada], "New", Some("b"))).await;
    let counts: Vec<i64> = p.inbox(ada).await.items.iter().map(|item| item.count).collect();
    assert!(counts.contains(&1) && counts.len() == 3, "{counts:?}");
}

pub async fn a_notice_repeated_with_its_key_tells_nobody_again(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let ada = p.user("ada").await;
    let mine = |content| Notify { key: key(ada, "notify", "k", content), unknown: 4, ..notice(&[ada], "Paid", None) };
    let (one, other) = tokio::join!(p.done(mine(1)), q.done(mine(1)));
    assert_eq!((one.value, other.value), (accepted(1, 4, true).value, accepted(1, 4, true).value));
    assert_ne!(one.replayed, other.replayed);
    let twice = p.group(vec![mine(1).into(), mine(1).into()]).await;
    assert!(twice.iter().all(Result::is_ok), "{twice:?}");
    assert!(matches!(p.refused(mine(2)).await, Rejection::Conflict(_)));
    assert_eq!(p.inbox(ada).await.items.len(), 1);
}

pub async fn people_are_found_by_id_or_by_the_host_sites_name(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let found = |named: Recipients| {
        let p = p.clone();
        async move { p.store.read().recipients(&named).await.unwrap() }
    };
    assert_eq!(found(Recipients::Ids(vec![ada, UserId(999_999)])).await, [ada]);
    assert_eq!(found(Recipients::External(vec!["ada".into(), String::new()])).await, []);
    assert_eq!(found(Recipients::Ids(vec![])).await, []);
}

pub async fn what_a_deleted_post_has_told_is_taken_back_by_whoever_gets_to_it(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let (ada, bob, eve) = (p.user("ada").await, p.user("bob").await, p.user("eve").await);
    let (post, kept) = (p.post(ada).await, p.post(ada).await);
    let kept = p.comment(kept.id, bob, "kept").await;
    for n in 0..120 {
        let handles: &[&str] = if n % 3 == 0 { &["eve"] } else { &[] };
        p.mentioning(&create_comment(post.id, bob, "secret"), handles).await;
    }
    p.done(MarkRead { user_id: eve, which: Which::All }).await;
    p.done(notice(&[ada], "Of no post", None)).await;
    assert_eq!(p.store.read().takebacks(10).await.unwrap(), []);
    for _ in 0..2 {
        p.done(DeletePost { post_id: post.id, actor: author(ada) }).await;
    }
    assert_eq!(p.store.read().takebacks(10).await.unwrap(), [post.id]);
    let first = p.done(TakeBack { post_id: post.id }).await;
    assert_eq!(first, TakenBack { taken: 100, more: true });
    assert_eq!(p.store.read().takebacks(10).await.unwrap(), [post.id], "the rest is not forgotten");
    let both = [p.clone(), q.clone()].map(|process| async move {
        let mut taken = 0;
        loop {
            let step = process.done(TakeBack { post_id: post.id }).await;
            taken += step.taken;
            if !step.more {
                return taken;
            }
        }
    });
    assert_eq!(join_all(both).await.iter().sum::<i64>(), 60);
    assert_eq!(p.store.read().takebacks(10).await.unwrap(), []);
    assert_eq!(p.done(TakeBack { post_id: post.id }).await, TakenBack { taken: 0, more: false });

    let inbox = p.inbox(ada).await;
    assert_eq!((inbox.items.len(), inbox.items[1].comment_id, inbox.unread), (2, Some(kept.id), 2));
    assert_eq!((p.inbox(eve).await.items, p.inbox(eve).await.unread), (vec![], 0));
    let log = p.log(Channel::User(ada)).await;
    assert_eq!(log.iter().filter(|event| &*event.kind == "notification.deleted").count(), 120);
    assert!(log.iter().all(|event| !event.data.get().contains("secret")));
    // Nobody was told of this one.
    let quiet = p.post(ada).await;
    p.done(DeletePost { post_id: quiet.id, actor: author(ada) }).await;
    assert_eq!(p.store.read().takebacks(10).await.unwrap(), []);
}

pub async fn a_held_person_stalls_only_the_rooms_that_tell_them(db: &Database) {
    let p = db.process().await;
    // Eve's row comes before Ada's: whoever waits for both in that order has hers.
    let [eve, bob, dan, ada] = [p.user("eve").await, p.user("bob").await, p.user("dan").await, p.user("ada").await];
    let (of_ada, of_bob, of_eve) = (p.post(ada).await, p.post(bob).await, p.post(eve).await);
    // Where only the whole database can be held, the order is what is left to see.
    let hold = db.hold(Channel::User(ada)).await;
    let waiting = tokio::spawn({
        let p = p.clone();
        async move {
            let tells_both = CreateComment { mentions: vec!["eve".into()], ..create_comment(of_ada.id, dan, "first") };
            // What tells nobody waits behind what came before it in the room.
            tokio::join!(p.done(tells_both), p.done(create_comment(of_ada.id, ada, "second")))
        }
    });
    for n in 1..=10 {
        p.comment(of_bob.id, dan, "x").await;
        assert_eq!(p.inbox(bob).await.unread, n);
    }
    if let Some(hold) = hold {
        // Eve is told in the stalled room, too: that must not keep her from being told elsewhere until whoever holds
        // Ada's row gives up, which takes longer than this.
        let elsewhere = tokio::time::timeout(Duration::from_secs(4), p.comment(of_eve.id, dan, "x"));
        elsewhere.await.expect("a room waits that needs nothing of what is held");
        assert_eq!(p.inbox(eve).await.unread, 1);
        assert!(!waiting.is_finished());
        assert_eq!(p.head(room(of_ada.id)).await.seq, 0);
        hold.let_go().await;
    }
    let (first, second) = waiting.await.unwrap();
    assert_eq!((first.value.seq, second.value.seq), (1, 2));
    assert_eq!(p.inbox(ada).await.unread, 1);
    assert!(p.inbox(eve).await.items.iter().any(|item| item.comment_id == Some(first.value.id)));
    assert_eq!(p.comment(of_ada.id, dan, "third").await.seq, 3);
}
