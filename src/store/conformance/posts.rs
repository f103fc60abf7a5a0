//! Posts.

use super::support::*;
use crate::model::{Channel, PostId};
use crate::store::Rejection;
use crate::store::write::*;
use serde_json::json;

pub async fn a_post_opens_its_channel_at_nothing(db: &Database) {
    let p = db.process().await;
    let ada = p.person("ada").await.user;
    let created = p.done(create_post(ada.id, "A title")).await;
    assert!(!created.replayed);
    let Versioned { value: post, seq } = created.value;
    assert_eq!((post.title.as_str(), post.body.as_str(), post.html.as_str()), ("A title", "body", "<p>body</p>"));
    assert_eq!((post.author.as_ref(), post.comment_count, seq), (Some(&ada), 0, 0));
    assert_eq!((post.created_at, post.updated_at), (p.store_now(), p.store_now()));
    assert_eq!(p.store.read().post(post.id).await.unwrap(), Some(Versioned { value: post.clone(), seq: 0 }));
    let head = p.head(room(post.id)).await;
    assert_eq!((head.seq, head.floor, head.unread, head.closed), (0, 0, 0, false));
    assert!(p.log(room(post.id)).await.is_empty());
    assert_eq!(p.store.read().post(PostId(999_999)).await.unwrap(), None);
}

pub async fn a_post_is_changed_by_its_author_or_a_moderator_and_told(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let post = p.post(ada).await;
    p.comment(post.id, bob, "hello").await;
    let title =
        |actor, title: &str| UpdatePost { post_id: post.id, actor, title: Some(title.into()), body: None, tags: None };
    assert!(matches!(p.refused(title(author(bob), "x")).await, Rejection::Forbidden(_)));
    let same = p.done(title(author(ada), "A title")).await;
    assert_eq!((same.seq, same.value.updated_at), (1, post.updated_at));

    db.clock.advance(std::time::Duration::from_secs(1));
    let changed = p.done(title(moderator(bob), "Another")).await;
    assert_eq!((changed.value.title.as_str(), changed.seq, changed.value.comment_count), ("Another", 2, 1));
    assert_eq!(changed.value.updated_at, p.store_now());
    let body = Some(("new".to_owned(), "<p>new</p>".to_owned()));
    let changed = p.done(UpdatePost { post_id: post.id, actor: author(ada), title: None, body, tags: None }).await;
    assert_eq!((changed.value.body.as_str(), changed.value.html.as_str(), changed.seq), ("new", "<p>new</p>", 3));
    assert_eq!(p.store.read().post(post.id).await.unwrap(), Some(changed.clone()));

    let log = p.log(room(post.id)).await;
    assert_eq!(kinds(&log), ["comment.created", "post.updated", "post.updated"]);
    assert_eq!(data(&log[2]), json!({ "post": changed.value }));
    let told = p.told.events().into_iter().find(|event| event.channel == room(post.id) && event.seq == 2).unwrap();
    assert_eq!(data(&told)["post"]["title"], json!("Another"));
    assert_eq!(
        p.refused(UpdatePost { post_id: PostId(999_999), ..title(author(ada), "x") }).await,
        Rejection::NotFound("post")
    );
}

pub async fn a_deleted_post_is_gone_and_so_is_all_its_log_told(db: &Database) {
    let p = db.process().await;
    let (ada, bob) = (p.user("ada").await, p.user("bob").await);
    let post = p.post(ada).await;
    let comment = p.comment(post.id, bob, "secret").await;
    p.done(publish(room(post.id), "\"secret\"")).await;
    let title = Some("secret".to_owned());
    p.done(UpdatePost { post_id: post.id, actor: author(ada), title: title.clone(), body: None, tags: None }).await;
    let delete = |actor| DeletePost { post_id: post.id, actor };
    assert!(matches!(p.refused(delete(author(bob))).await, Rejection::Forbidden(_)));
    p.done(delete(author(ada))).await;
    p.done(delete(author(ada))).await;
    p.done(delete(moderator(bob))).await;

    let log = p.log(room(post.id)).await;
    assert_eq!(kinds(&log), ["void", "void", "void", "post.deleted"]);
    assert_eq!(seqs(&log), [1, 2, 3, 4]);
    assert_eq!((data(&log[0]), data(&log[3])), (json!({}), json!({ "post_id": post.id })));
    assert!(p.head(room(post.id)).await.closed);
    assert_eq!(p.store.read().post(post.id).await.unwrap(), None);
    assert_eq!(p.store.read().comment(comment.id).await.unwrap(), None);
    assert!(p.store.read().posts(None, 10).await.unwrap().is_empty());
    assert_eq!(
        p.refused(UpdatePost { post_id: post.id, actor: author(ada), title, body: None, tags: None }).await,
        Rejection::NotFound("post")
    );
    assert_eq!(p.refused(edit(comment.id, author(bob), "x")).await, Rejection::NotFound("comment"));
    let tombstone = DeleteComment { comment_id: comment.id, actor: author(bob) };
    assert_eq!(p.refused(tombstone).await, Rejection::NotFound("comment"));
    let nowhere = DeletePost { post_id: PostId(999_999), actor: moderator(bob) };
    assert_eq!(p.refused(nowhere).await, Rejection::NotFound("post"));
}

pub async fn the_channel_of_a_write_is_known_before_it(db: &Database) {
    let p = db.process().await;
    let ada = p.user("ada").await;
    let post = p.post(ada).await;
    let comment = p.comment(post.id, ada, "x").await;
    let delete = DeleteComment { comment_id: comment.id, actor: author(ada) };
    let nothing = DeleteComment { comment_id: crate::model::CommentId(999_999), actor: author(ada) };
    for (write, channel) in [
        (Write::from(create_comment(post.id, ada, "x")), Some(room(post.id))),
        (edit(comment.id, author(ada), "y").into(), Some(room(post.id))),
        (delete.into(), Some(room(post.id))),
        (nothing.into(), None),
        (publish(Channel::User(ada), "1").into(), Some(Channel::User(ada))),
        (EndSession { session: SessionRef::RefreshHash([0; 32]) }.into(), Some(Channel::Revocations)),
        (create_post(ada, "x").into(), None),
        (RenewEpoch.into(), None),
    ] {
        assert_eq!(p.backend.channel_of(&write).await.unwrap(), channel, "{write:?}");
    }
}
