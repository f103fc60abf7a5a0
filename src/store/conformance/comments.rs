//! Comments and their counters.

use super::support::*;
use crate::model::{CommentId, PostId, Subject, UserId};
use crate::store::Rejection;
use crate::store::write::*;
use futures_util::future::join_all;
use serde_json::json;
use std::collections::HashMap;

pub async fn a_comment_is_answered_told_and_read_alike(db: &Database) {
    let p = db.process().await;
    let ada = p.person("ada").await.user;
    let post = p.post(ada.id).await;
    let create = CreateComment { key: key(ada.id, "comment", "mine", 1), ..create_comment(post.id, ada.id, "hello") };
    let root = p.done(create).await;
    assert!(!root.replayed);
    let root = root.value;
    assert_eq!((root.root_id, root.depth, root.parent_id), (root.id, 0, None));
    assert_eq!((root.author.as_ref(), root.key.as_deref()), (Some(&ada), Some("mine")));
    assert_eq!((root.body.as_str(), root.html.as_str()), ("hello", "<p>hello</p>"));
    assert_eq!((root.seq, root.updated_seq, root.created_at), (1, 1, p.store_now()));
    let reply = p.reply(&root, ada.id, "again").await;
    let deeper = p.reply(&reply, ada.id, "and again").await;
    assert_eq!((deeper.parent_id, deeper.root_id, deeper.depth), (Some(reply.id), root.id, 2));
    assert_eq!(p.read_comment(deeper.id).await, deeper);

    let log = p.log(room(post.id)).await;
    assert_eq!(kinds(&log), ["comment.created"; 3]);
    let subjects = [root.id, reply.id, deeper.id].map(|id| Some(Subject::Comment(id)));
    assert_eq!(log.iter().map(|event| event.subject).collect::<Vec<_>>(), subjects);
    assert_eq!(data(&log[0])["parent"], json!(null));
    assert_eq!(
        data(&log[2]),
        json!({ "comment": deeper, "comment_count": 3,
                                      "parent": { "id": reply.id, "reply_count": 1 } })
    );
}

pub async fn a_reply_counts_on_its_parent_alone_and_makes_it_newer(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let root = p.comment(post.id, ada, "root").await;
    let reply = p.reply(&root, ada, "reply").await;
    p.reply(&reply, ada, "deeper").await;
    let root = p.read_comment(root.id).await;
    assert_eq!((root.reply_count, root.seq, root.updated_seq), (1, 1, 2));
    assert_eq!(p.read_comment(reply.id).await.updated_seq, 3);
}

pub async fn a_comment_needs_a_post_and_a_parent_that_are_there(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let (post, other) = (p.post(ada).await, p.post(ada).await);
    let elsewhere = p.comment(other.id, ada, "elsewhere").await;
    let gone = p.comment(post.id, ada, "gone").await;
    p.done(DeleteComment { comment_id: gone.id, actor: author(ada) }).await;

    assert_eq!(p.refused(create_comment(PostId(999_999), ada, "x")).await, Rejection::NotFound("post"));
    let below = |parent| CreateComment { parent_id: Some(parent), ..create_comment(post.id, ada, "x") };
    for parent in [CommentId(999_999), elsewhere.id] {
        let refused = p.refused(below(parent)).await;
        assert!(matches!(refused, Rejection::Unprocessable { pointer: "/parent_id", .. }), "{refused:?}");
    }
    assert!(matches!(p.refused(below(gone.id)).await, Rejection::Conflict(_)));
    p.done(DeletePost { post_id: other.id, actor: author(ada) }).await;
    assert_eq!(p.refused(create_comment(other.id, ada, "x")).await, Rejection::NotFound("post"));
    assert_eq!(p.head(room(post.id)).await.seq, 2);
}

pub async fn only_its_author_edits_a_comment_and_the_same_text_says_nothing(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let post = p.post(ada).await;
    let comment = p.comment(post.id, ada, "one").await;
    for actor in [author(bob), moderator(bob)] {
        assert!(matches!(p.refused(edit(comment.id, actor, "two")).await, Rejection::Forbidden(_)));
    }
    assert_eq!(p.done(edit(comment.id, author(ada), "one")).await, comment);
    let edited = p.done(edit(comment.id, author(ada), "two")).await;
    assert_eq!((edited.body.as_str(), edited.html.as_str()), ("two", "<p>two</p>"));
    assert_eq!((edited.edited_at, edited.seq, edited.updated_seq), (Some(p.store_now()), 1, 2));
    assert_eq!(p.read_comment(comment.id).await, edited);
    let log = p.log(room(post.id)).await;
    assert_eq!(kinds(&log), ["comment.created", "comment.updated"]);
    assert_eq!(data(&log[1]), json!({ "comment": edited }));

    p.done(DeleteComment { comment_id: comment.id, actor: author(ada) }).await;
    assert!(matches!(p.refused(edit(comment.id, author(ada), "three")).await, Rejection::Conflict(_)));
    assert_eq!(p.refused(edit(CommentId(999_999), author(ada), "x")).await, Rejection::NotFound("comment"));
}

pub async fn a_deleted_comment_keeps_its_place_and_nothing_else(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let post = p.post(ada).await;
    let root = p.comment(post.id, ada, "root").await;
    let reply = p.reply(&root, ada, "secret").await;
    let stranger = DeleteComment { comment_id: reply.id, actor: author(bob) };
    assert!(matches!(p.refused(stranger).await, Rejection::Forbidden(_)));

    let tombstone = p.done(DeleteComment { comment_id: reply.id, actor: moderator(bob) }).await;
    assert!(tombstone.deleted && tombstone.author.is_none());
    assert_eq!((tombstone.body.as_str(), tombstone.html.as_str()), ("", ""));
    assert_eq!((tombstone.parent_id, tombstone.updated_seq), (Some(root.id), 3));
    assert_eq!(p.read_comment(reply.id).await, tombstone);
    assert_eq!(p.done(DeleteComment { comment_id: reply.id, actor: author(ada) }).await, tombstone);

    let log = p.log(room(post.id)).await;
    assert_eq!(kinds(&log), ["comment.created", "comment.created", "comment.deleted"]);
    let parent = json!({ "id": root.id, "reply_count": 1 });
    assert_eq!(data(&log[2]), json!({ "comment": tombstone, "comment_count": 1, "parent": parent }));
    assert!(log.iter().all(|event| !event.data.get().contains("secret")));
    assert_eq!(p.read_post(post.id).await.comment_count, 1);
    assert_eq!(p.read_comment(root.id).await.reply_count, 1);
}

pub async fn counters_equal_the_rows_at_every_seq(db: &Database) {
    let (p, q) = (db.process().await, db.process().await);
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let roots = [p.comment(post.id, ada, "first root").await, p.comment(post.id, ada, "second root").await];
    let writers = (0..6).map(|writer| {
        let process = if writer % 2 == 0 { p.clone() } else { q.clone() };
        let root = roots[writer % 2].clone();
        tokio::spawn(async move {
            for n in 0..10 {
                let reply = process.reply(&root, ada, "reply").await;
                if n % 3 == 0 {
                    process.done(DeleteComment { comment_id: reply.id, actor: author(ada) }).await;
                }
                process.comment(root.post_id, ada, "another root").await;
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }

    let log = p.log(room(post.id)).await;
    assert_eq!(seqs(&log), (1..=i64::try_from(log.len()).unwrap()).collect::<Vec<_>>());
    let (mut comments, mut replies) = (0, HashMap::<u64, i64>::new());
    for event in &log {
        let data = data(event);
        comments += if event.kind.as_ref() == "comment.created" { 1 } else { -1 };
        assert_eq!(data["comment_count"], json!(comments), "at {}", event.seq);
        if let Some(parent) = data["parent"]["id"].as_u64() {
            let count = replies.entry(parent).or_default();
            *count += i64::from(event.kind.as_ref() == "comment.created");
            assert_eq!(data["parent"]["reply_count"], json!(*count), "at {}", event.seq);
        }
    }
    assert_eq!(p.read_post(post.id).await.comment_count, comments);
    for root in &roots {
        let root = p.read_comment(root.id).await;
        assert_eq!(Some(&root.reply_count), replies.get(&u64::try_from(root.id.0).unwrap()));
    }
    for process in [&p, &q] {
        let live = process.told.events();
        assert!(
            live.iter()
                .all(|event| data(event)["comment_count"] == data(&log[event.seq as usize - 1])["comment_count"])
        );
    }
}

pub async fn a_comment_by_nobody_is_refused(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    assert_eq!(p.refused(create_comment(post.id, UserId(999_999), "x")).await, Rejection::NotFound("user"));
    assert_eq!(p.refused(create_post(UserId(999_999), "x")).await, Rejection::NotFound("user"));
}
