//! Reading logs: composed from the rows as they are now.

use super::support::*;
use crate::model::{Channel, PostId, Role};
use crate::store::read::Stretch;
use crate::store::write::*;
use serde_json::json;
use std::collections::HashMap;

fn after(channel: Channel, after: i64, limit: i64) -> Stretch {
    Stretch { channel, after, limit, last: false }
}

fn last(channel: Channel, after: i64, limit: i64) -> Stretch {
    Stretch { channel, after, limit, last: true }
}

pub async fn what_is_replayed_at_once_is_what_was_told(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    p.comment(post.id, ada, "one").await;
    p.done(publish(room(post.id), r#"{"x":1}"#)).await;
    p.done(UpdatePost { post_id: post.id, actor: author(ada), title: Some("two".into()), body: None, tags: None })
        .await;
    let log = p.log(room(post.id)).await;
    assert_eq!(log.iter().map(told).collect::<Vec<_>>(), p.told.events().iter().map(told).collect::<Vec<_>>());
    assert_eq!(
        log.iter().map(|e| e.subject).collect::<Vec<_>>(),
        p.told.events().iter().map(|e| e.subject).collect::<Vec<_>>()
    );
}

pub async fn a_replay_shows_an_edit_in_every_event_of_the_comment(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let comment = p.comment(post.id, ada, "before").await;
    p.comment(post.id, ada, "another").await;
    let edited = p.done(edit(comment.id, author(ada), "after")).await;
    let log = p.log(room(post.id)).await;
    assert_eq!(kinds(&log), ["comment.created", "comment.created", "comment.updated"]);
    // The subject as it is now, the counts as they were then.
    assert_eq!(data(&log[0]), json!({ "comment": edited, "comment_count": 1, "parent": null }));
    assert_eq!(data(&p.told.events()[0])["comment"]["body"], json!("before"));
}

pub async fn a_replay_tells_nothing_of_what_was_deleted(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let comment = p.comment(post.id, ada, "secret").await;
    p.done(edit(comment.id, author(ada), "secret still")).await;
    let reply = p.reply(&comment, ada, "stays").await;
    let tombstone = p.done(DeleteComment { comment_id: comment.id, actor: author(ada) }).await;
    let log = p.log(room(post.id)).await;
    assert_eq!(kinds(&log), ["comment.created", "comment.updated", "comment.created", "comment.deleted"]);
    for event in [&log[0], &log[1], &log[3]] {
        assert_eq!(data(event)["comment"], json!(tombstone), "at {}", event.seq);
    }
    assert_eq!(data(&log[2])["comment"], json!(reply));
    assert_eq!(data(&log[2])["parent"], json!({ "id": comment.id, "reply_count": 1 }));
}

pub async fn a_stretch_is_the_first_or_the_last_events_after_a_seq(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let channel = room(p.post(ada).await.id);
    for n in 1..=10 {
        p.done(publish(channel, &n.to_string())).await;
    }
    for (stretch, expected) in [
        (after(channel, 0, 3), vec![1, 2, 3]),
        (after(channel, 8, 5), vec![9, 10]),
        (after(channel, 10, 5), vec![]),
        (after(channel, 99, 5), vec![]),
        (after(channel, 3, 0), vec![]),
        (last(channel, 0, 3), vec![8, 9, 10]),
        (last(channel, 8, 5), vec![9, 10]),
        (last(channel, 0, 99), (1..=10).collect()),
    ] {
        let logs = p.store.read().events(&[stretch]).await.unwrap();
        assert_eq!(seqs(logs.get(&channel).map_or(&[], Vec::as_slice)), expected, "{stretch:?}");
    }
}

pub async fn many_logs_are_read_at_once_and_stay_apart(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let (a, b, empty) = (room(p.post(ada).await.id), room(p.post(ada).await.id), room(p.post(ada).await.id));
    let missing = room(PostId(999_999));
    for n in 1..=5 {
        p.done(publish(a, &format!("\"a{n}\""))).await;
        p.done(publish(b, &format!("\"b{n}\""))).await;
    }
    p.done(SetRole { handle: "ada".into(), role: Role::Admin }).await;
    let stretches =
        [after(a, 2, 2), last(b, 0, 1), after(empty, 0, 9), after(missing, 0, 9), after(Channel::Revocations, 0, 9)];
    let logs = p.store.read().events(&stretches).await.unwrap();
    let told: HashMap<_, _> =
        logs.iter().map(|(c, log)| (*c, log.iter().map(|e| e.data.get()).collect::<Vec<_>>())).collect();
    assert_eq!((&told[&a], &told[&b]), (&vec!["\"a3\"", "\"a4\""], &vec!["\"b5\""]));
    assert_eq!(kinds(&logs[&Channel::Revocations]), ["role.changed"]);
    assert!(logs.get(&empty).is_none_or(Vec::is_empty) && logs.get(&missing).is_none_or(Vec::is_empty));

    let heads = p.store.read().heads(&[a, empty, missing, Channel::Revocations, Channel::User(ada)]).await.unwrap();
    let seqs: HashMap<_, _> = heads.iter().map(|(channel, head)| (*channel, head.seq)).collect();
    assert_eq!(seqs, HashMap::from([(a, 5), (empty, 0), (Channel::Revocations, 1), (Channel::User(ada), 0)]));
    assert!(p.store.read().heads(&[]).await.unwrap().is_empty());
    assert!(p.store.read().events(&[]).await.unwrap().is_empty());
}

pub async fn of_many_heads_those_are_told_that_are_elsewhere_than_thought(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let (still, ahead, empty) = (room(p.post(ada).await.id), room(p.post(ada).await.id), room(p.post(ada).await.id));
    let (missing, never) = (room(PostId(999_999)), room(PostId(999_998)));
    for n in 1..=3 {
        p.done(publish(still, &n.to_string())).await;
        p.done(publish(ahead, &n.to_string())).await;
    }
    let moved = async |known: &[(Channel, i64)]| p.store.read().moved(known).await.unwrap();
    assert!(moved(&[]).await.is_empty());
    assert!(moved(&[(still, 3), (ahead, 3), (empty, 0), (never, 0)]).await.is_empty());
    let told = moved(&[(still, 3), (ahead, 2), (empty, 1), (missing, 1), (never, 0)]).await;
    let seqs: HashMap<_, _> = told.iter().map(|(channel, head)| (*channel, head.map(|head| head.seq))).collect();
    assert_eq!(seqs, HashMap::from([(ahead, Some(3)), (empty, Some(0)), (missing, None)]));
}

pub async fn a_log_read_by_two_overlapping_stretches_tells_each_event_once(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let channel = room(p.post(ada).await.id);
    for n in 1..=6 {
        p.done(publish(channel, &n.to_string())).await;
    }
    let logs = p.store.read().events(&[after(channel, 0, 4), last(channel, 0, 4)]).await.unwrap();
    assert_eq!(seqs(&logs[&channel]), [1, 2, 3, 4, 5, 6]);
}
