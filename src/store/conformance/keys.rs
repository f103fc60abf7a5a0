//! One idempotency key, one event.

use super::support::*;
use crate::model::{PostId, UserId};
use crate::store::write::*;
use crate::store::{Rejection, StoreError};
use std::time::Duration;

fn keyed(post: PostId, by: UserId, name: &str, content: u8) -> CreateComment {
    let body = format!("content {content}");
    CreateComment { key: key(by, "comment", name, content), ..create_comment(post, by, &body) }
}

pub async fn a_replayed_key_returns_the_first_result_as_it_is_now(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let ada = p.user("ada").await;
    let new_post = || CreatePost { key: key(ada, "post", "k", 1), ..create_post(ada, "A title") };
    let first = p.done(new_post()).await;
    let post = first.value.value.id;
    let comment = p.done(keyed(post, ada, "k", 1)).await;
    let again = q.done(keyed(post, ada, "k", 1)).await;
    assert_eq!((comment.replayed, again.replayed, &again.value), (false, true, &comment.value));
    let published = || Publish { key: key(ada, "publish", "k", 1), ..publish(room(post), "1") };
    assert_eq!(p.done(published()).await, Applied { value: 2, replayed: false });
    assert_eq!(q.done(published()).await, Applied { value: 2, replayed: true });

    let edited = p.done(edit(comment.value.id, author(ada), "changed")).await;
    assert_eq!(q.done(keyed(post, ada, "k", 1)).await, Applied { value: edited, replayed: true });
    let replayed = q.done(new_post()).await;
    assert!(replayed.replayed);
    assert_eq!((replayed.value.value.id, replayed.value.value.comment_count, replayed.value.seq), (post, 1, 3));
    assert_eq!(seqs(&p.log(room(post)).await), [1, 2, 3]);
}

pub async fn a_key_of_something_deleted_returns_what_is_left_of_it(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let new_post = || CreatePost { key: key(ada, "post", "k", 1), ..create_post(ada, "A title") };
    let post = p.done(new_post()).await.value.value.id;
    let comment = p.done(keyed(post, ada, "k", 1)).await.value;
    let tombstone = p.done(DeleteComment { comment_id: comment.id, actor: author(ada) }).await;
    assert_eq!(p.done(keyed(post, ada, "k", 1)).await, Applied { value: tombstone, replayed: true });
    p.done(DeletePost { post_id: post, actor: author(ada) }).await;
    assert!(matches!(p.refused(keyed(post, ada, "k", 1)).await, Rejection::NotFound(_)));
    assert!(matches!(p.refused(new_post()).await, Rejection::NotFound(_)));
    assert_eq!(p.head(room(post)).await.seq, 3);
}

pub async fn a_key_used_twice_at_once_causes_one_event(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let ada = p.user("ada").await;
    let post = p.post(ada).await.id;
    for round in 0..10 {
        let name = format!("k{round}");
        let (a, b) = tokio::join!(p.done(keyed(post, ada, &name, 1)), q.done(keyed(post, ada, &name, 1)));
        assert_eq!(a.value, b.value);
        assert!(a.replayed != b.replayed, "one wrote, the other heard of it");
    }
    assert_eq!(p.head(room(post)).await.seq, 10);
}

pub async fn a_key_used_twice_in_one_group_causes_one_event(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await.id;
    let results = p
        .group(vec![
            keyed(post, ada, "k", 1).into(),
            keyed(post, ada, "k", 1).into(),
            keyed(post, ada, "k", 2).into(),
            Publish { key: key(ada, "publish", "k", 1), ..publish(room(post), "1") }.into(),
            Publish { key: key(ada, "publish", "k", 1), ..publish(room(post), "1") }.into(),
            // The first of these is refused: the key is still free for the second.
            keyed(PostId(999_999), ada, "free", 1).into(),
            keyed(post, ada, "free", 2).into(),
        ])
        .await;
    let comment = |n: usize| match &results[n] {
        Ok(committed) => match &committed.outcome {
            Outcome::CreateComment(applied) => applied.clone(),
            other => panic!("{other:?}"),
        },
        Err(error) => panic!("{error}"),
    };
    assert_eq!((comment(0).replayed, comment(1).replayed, comment(0).value), (false, true, comment(1).value));
    assert!(matches!(&results[2], Err(StoreError::Rejected(Rejection::Conflict(_)))));
    assert!(matches!(&results[5], Err(StoreError::Rejected(Rejection::NotFound(_)))));
    assert!(!comment(6).replayed);
    let appended: Vec<usize> =
        results.iter().map(|result| result.as_ref().map_or(0, |done| done.events.len())).collect();
    assert_eq!(appended, [1, 0, 0, 1, 0, 0, 1]);
    assert_eq!(seqs(&p.log(room(post)).await), [1, 2, 3]);
}

pub async fn a_key_with_other_content_is_a_conflict(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let ada = p.user("ada").await;
    let post = p.post(ada).await.id;
    p.done(keyed(post, ada, "k", 1)).await;
    for process in [&p, &q] {
        assert!(matches!(process.refused(keyed(post, ada, "k", 2)).await, Rejection::Conflict(_)));
    }
    assert_eq!(p.head(room(post)).await.seq, 1);
}

pub async fn a_key_belongs_to_its_caller_and_action(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let post = p.post(ada).await.id;
    assert!(!p.done(keyed(post, ada, "k", 1)).await.replayed);
    assert!(!p.done(keyed(post, bob, "k", 2)).await.replayed);
    assert!(!p.done(keyed(post, ada, "K", 2)).await.replayed);
    let published = Publish { key: key(ada, "publish", "k", 3), ..publish(room(post), "1") };
    assert!(!p.done(published).await.replayed);
    assert_eq!(p.head(room(post)).await.seq, 4);
}

pub async fn a_refused_write_does_not_use_its_key(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await.id;
    assert_eq!(p.refused(keyed(PostId(999_999), ada, "k", 1)).await, Rejection::NotFound("post"));
    assert!(!p.done(keyed(post, ada, "k", 2)).await.replayed);
}

pub async fn a_key_is_kept_for_seven_days(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await.id;
    let prune = || Prune { events_before: crate::model::Timestamp(0), events_per_channel: 10_000, at_most: 100 };
    let first = p.done(keyed(post, ada, "k", 1)).await.value;
    db.clock.advance(KEY_LIFE - Duration::from_secs(1));
    p.done(prune()).await;
    assert_eq!(p.done(keyed(post, ada, "k", 1)).await.value.id, first.id);
    db.clock.advance(Duration::from_secs(2));
    assert_eq!(p.done(prune()).await.rows, 1);
    assert_ne!(p.done(keyed(post, ada, "k", 1)).await.value.id, first.id);
}
