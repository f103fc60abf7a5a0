//! What a comment's author is told of reactions: one row, which counts people.

use super::support::*;
use crate::model::notification::Which;
use crate::model::{Channel, Comment, CommentId, Event, Notification, UserId};
use crate::store::write::*;
use serde_json::json;
use std::time::Duration;

fn react(comment_id: CommentId, actor: UserId, emoji: &str, on: bool) -> React {
    React { comment_id, actor, emoji: emoji.into(), on, at_most: 20 }
}

impl Process {
    async fn toggle(&self, comment: &Comment, actor: UserId, emoji: &str, on: bool) {
        self.done(react(comment.id, actor, emoji, on)).await;
    }

    /// The one notification of reactions, if there is one.
    async fn bell(&self, user: UserId) -> Option<Notification> {
        let mut items = self.inbox(user).await.items;
        items.retain(|item| item.kind == "reaction");
        assert!(items.len() < 2, "{items:?}");
        items.pop()
    }

    /// The events of a person's channel, which must be what was told at once.
    async fn own_log(&self, user: UserId) -> Vec<Event> {
        self.log(Channel::User(user)).await
    }
}

fn handles(item: &Notification) -> Vec<&str> {
    item.actors.iter().map(|actor| actor.handle.as_str()).collect()
}

pub async fn reactions_are_one_notification_that_counts_people(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let comment = p.comment(post.id, ada, "hello").await;
    p.toggle(&comment, ada, "👍", true).await;
    assert_eq!(p.head(Channel::User(ada)).await.seq, 0, "nobody is told of their own");
    let mut people = Vec::new();
    for n in 0..7 {
        people.push(p.user(&format!("p{n}")).await);
        db.clock.advance(Duration::from_millis(1));
        p.toggle(&comment, people[n], "👍", true).await;
    }
    let first = p.store_now().minus(Duration::from_millis(6));
    let item = p.bell(ada).await.unwrap();
    assert_eq!((item.count, handles(&item)), (7, vec!["p6", "p5", "p4", "p3", "p2"]));
    assert_eq!((item.kind.as_str(), item.title.as_str(), item.body.as_deref()), ("reaction", "A title", Some("hello")));
    assert_eq!((item.comment_id, item.created_at, item.updated_at), (Some(comment.id), first, p.store_now()));
    assert_eq!((item.seq, p.inbox(ada).await.unread), (7, 1));
    // One more emoji of the same person is no news to its author.
    p.toggle(&comment, people[0], "❤️", true).await;
    p.toggle(&comment, people[0], "👍", false).await;
    assert_eq!(p.bell(ada).await, Some(item.clone()));
    let log = p.own_log(ada).await;
    assert_eq!(kinds(&log)[..2], ["notification.created", "notification.updated"]);
    assert_eq!(data(log.last().unwrap()), json!({ "notification": item, "unread": 1 }));
    let live = p.told.events().into_iter().rfind(|event| event.channel == Channel::User(ada)).unwrap();
    assert_eq!(told(&live), told(log.last().unwrap()));
    assert_eq!((live.subject, live.unread), (log[0].subject, Some(1)));
}

pub async fn who_takes_back_all_is_no_actor_and_the_last_takes_the_row(db: &Database) {
    let p = db.process().await;
    let (ada, bob, eve) = (p.user("ada").await, p.user("bob").await, p.user("eve").await);
    let post = p.post(ada).await;
    let comment = p.comment(post.id, ada, "hello").await;
    p.toggle(&comment, bob, "👍", true).await;
    p.toggle(&comment, bob, "❤️", true).await;
    p.toggle(&comment, eve, "👍", true).await;
    p.toggle(&comment, bob, "👍", false).await;
    assert_eq!(p.bell(ada).await.unwrap().count, 2);
    p.toggle(&comment, bob, "❤️", false).await;
    let item = p.bell(ada).await.unwrap();
    assert_eq!((item.count, handles(&item), item.seq), (1, vec!["eve"], 3));
    p.toggle(&comment, eve, "👍", false).await;
    assert_eq!(p.bell(ada).await, None);
    assert_eq!(p.inbox(ada).await.unread, 0);
    let log = p.own_log(ada).await;
    assert_eq!(kinds(&log), ["void", "void", "void", "notification.deleted"]);
    assert_eq!(data(&log[3]), json!({ "id": item.id, "unread": 0 }));
    p.toggle(&comment, bob, "👍", true).await;
    let again = p.bell(ada).await.unwrap();
    assert_eq!((again.count, again.id != item.id, again.seq), (1, true, 5));
}

pub async fn one_who_joins_makes_it_unread_again_and_one_who_leaves_does_not(db: &Database) {
    let p = db.process().await;
    let (ada, bob, eve) = (p.user("ada").await, p.user("bob").await, p.user("eve").await);
    let post = p.post(ada).await;
    let comment = p.comment(post.id, ada, "hello").await;
    for all in [false, true] {
        p.toggle(&comment, bob, "👍", true).await;
        let id = p.bell(ada).await.unwrap().id;
        let which = if all { Which::All } else { Which::These(vec![id]) };
        p.done(MarkRead { user_id: ada, which: which.clone() }).await;
        p.toggle(&comment, eve, "👍", true).await;
        let item = p.bell(ada).await.unwrap();
        assert_eq!((item.read_at, item.count, p.inbox(ada).await.unread), (None, 2, 1));
        p.done(MarkRead { user_id: ada, which }).await;
        p.toggle(&comment, bob, "👍", false).await;
        let item = p.bell(ada).await.unwrap();
        assert_eq!((item.read_at, item.count, p.inbox(ada).await.unread), (Some(p.store_now()), 1, 0));
        let unread = p.store.read().inbox(ada, true, None, 10).await.unwrap().unwrap();
        assert_eq!(unread.items, []);
        p.toggle(&comment, eve, "👍", false).await;
        assert_eq!(p.inbox(ada).await.unread, 0);
    }
    let log = p.own_log(ada).await;
    let unread: Vec<i64> = log.iter().map(|event| event.unread.unwrap()).collect();
    assert_eq!(unread, [1, 0, 1, 0, 0, 0].repeat(2));
}

pub async fn reactions_that_go_together_are_one_event_for_each_author(db: &Database) {
    let p = db.process().await;
    let (ada, bob, eve) = (p.user("ada").await, p.user("bob").await, p.user("eve").await);
    let post = p.post(ada).await;
    let (adas, bobs) = (p.comment(post.id, ada, "a").await, p.comment(post.id, bob, "b").await);
    let before = p.head(Channel::User(ada)).await.seq;
    let dan = p.user("dan").await;
    let results = p
        .group(vec![
            react(adas.id, bob, "👍", true).into(),
            react(adas.id, eve, "👍", true).into(),
            react(bobs.id, eve, "👍", true).into(),
            // On and off again, which nobody is told of.
            react(adas.id, dan, "👍", true).into(),
            react(adas.id, dan, "👍", false).into(),
            react(bobs.id, bob, "👍", true).into(),
        ])
        .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let item = p.bell(ada).await.unwrap();
    assert_eq!((item.count, handles(&item), item.seq), (2, vec!["eve", "bob"], before + 1));
    let item = p.bell(bob).await.unwrap();
    assert_eq!((item.count, handles(&item), item.seq), (1, vec!["eve"], 1));
    // In one group but with something else between: one after the other.
    let results = p
        .group(vec![
            react(adas.id, bob, "👍", false).into(),
            react(adas.id, eve, "👍", false).into(),
            publish(room(post.id), "1").into(),
            react(adas.id, dan, "👍", true).into(),
            publish(room(post.id), "1").into(),
            react(adas.id, bob, "👍", true).into(),
            react(adas.id, dan, "👍", false).into(),
        ])
        .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let log = p.own_log(ada).await;
    assert_eq!(
        kinds(&log[before as usize..]),
        ["void", "notification.deleted", "notification.created", "notification.updated"]
    );
    let item = p.bell(ada).await.unwrap();
    assert_eq!((item.count, handles(&item), item.seq), (1, vec!["bob"], before + 4));
    assert_eq!(p.inbox(ada).await.unread, 2);
}

pub async fn what_was_told_of_reactions_goes_with_the_comment_or_is_dismissed(db: &Database) {
    let p = db.process().await;
    let (ada, bob, eve) = (p.user("ada").await, p.user("bob").await, p.user("eve").await);
    let post = p.post(ada).await;
    let comment = p.comment(post.id, ada, "hello").await;
    p.toggle(&comment, bob, "👍", true).await;
    let id = p.bell(ada).await.unwrap().id;
    p.done(Dismiss { user_id: ada, id }).await;
    // Who is forgotten with it is no actor of the next.
    p.toggle(&comment, eve, "👍", true).await;
    p.toggle(&comment, bob, "👍", false).await;
    let item = p.bell(ada).await.unwrap();
    assert_eq!((item.count, handles(&item), item.seq), (1, vec!["eve"], 3));
    let results = p
        .group(vec![
            react(comment.id, bob, "👍", true).into(),
            DeleteComment { comment_id: comment.id, actor: author(ada) }.into(),
        ])
        .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let inbox = p.inbox(ada).await;
    assert_eq!((inbox.items, inbox.unread, inbox.seq), (vec![], 0, 5));
}
