//! What the set-based path must not reorder.

use super::*;
use crate::store::conformance::support::{author, create_comment, edit, publish, room};
use crate::store::write::{DeleteComment, DeletePost, UpdateAccount};

#[tokio::test]
async fn hot_and_cold_members_of_one_room_keep_their_order() {
    let Some((_scratch, store, ada)) = begin().await else { return };
    let (busy, quiet) = (post(&store, ada).await, post(&store, ada).await);
    let Outcome::CreateComment(first) = one(&store, create_comment(busy.id, ada, "first")).await.unwrap() else {
        panic!("a comment")
    };
    let rename = UpdateAccount { user_id: ada, name: Some("Countess".into()), handle: None, avatar_url: None };
    let group: Vec<Write> = vec![
        publish(room(busy.id), "2").into(),
        edit(first.value.id, author(ada), "third").into(),
        create_comment(busy.id, ada, "fourth").into(),
        publish(room(quiet.id), "1").into(),
        rename.into(),
        create_comment(quiet.id, ada, "by the countess").into(),
        DeleteComment { comment_id: first.value.id, actor: author(ada) }.into(),
        DeletePost { post_id: busy.id, actor: author(ada) }.into(),
        publish(room(busy.id), "9").into(),
        create_comment(busy.id, ada, "too late").into(),
    ];
    let mut grouped = store.commit(group, NOW).await;
    for late in grouped.drain(8..) {
        let Grouped::Done(result) = late else { panic!("held") };
        assert!(matches!(rejected(result), Rejection::NotFound(_)));
    }
    let events: Vec<_> = grouped.into_iter().flat_map(|member| done(member).events).collect();
    let of = |id| events.iter().filter(move |event| event.channel == room(id)).collect::<Vec<_>>();
    let told: Vec<(i64, &str)> = of(busy.id).iter().map(|event| (event.seq, &*event.kind)).collect();
    let kinds = ["custom.thing", "comment.updated", "comment.created", "comment.deleted", "post.deleted"];
    assert_eq!(told, (2..=6).zip(kinds).collect::<Vec<_>>());
    assert!(of(quiet.id)[1].data.get().contains("Countess"));
    assert_eq!((head(&store, room(busy.id)).await.seq, head(&store, room(quiet.id)).await.seq), (6, 2));
}
