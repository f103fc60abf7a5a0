//! Writes that tell people in many rooms at once, from two processes.

use super::*;
use crate::model::CommentId;
use crate::store::conformance::support::{author, create_comment};
use crate::store::write::{CreateComment, DeleteComment, MarkRead, Notify};
use futures_util::future::join_all;
use std::sync::Arc;

async fn people(store: &Postgres, handles: &[String]) -> Vec<UserId> {
    let people = handles.iter().map(|handle| (handle.clone(), handle.clone())).collect();
    let Outcome::EnsurePeople(made) = one(store, EnsurePeople { people }).await.unwrap() else { panic!("people") };
    made.into_iter().map(|account| account.user.id).collect()
}

/// Commits a group as the store does: what is held goes on in a lane.
async fn through(store: &Postgres, group: Vec<Write>) -> Vec<Committed> {
    let mut all = Vec::new();
    let mut held = Vec::new();
    for member in store.commit(group, NOW).await {
        match member {
            Grouped::Held(write) => held.push(write),
            Grouped::Done(result) => all.push(result.unwrap()),
        }
    }
    for result in store.commit_waiting(held, NOW).await {
        all.push(result.unwrap());
    }
    all
}

#[tokio::test]
async fn processes_that_tell_the_same_people_crosswise_never_wait_in_a_circle() {
    let Some((scratch, first, _)) = begin().await else { return };
    // Enough that the order of bytes and that of numbers differ.
    let handles: Vec<String> = (0..12).map(|n| format!("p{n}")).collect();
    let ids = people(&first, &handles).await;
    let mut posts = Vec::new();
    for id in &ids {
        posts.push((post(&first, *id).await.id, *id));
    }
    let stores = [Arc::new(first), Arc::new(scratch.store())];
    let tasks = (0..6).map(|task: usize| {
        let (store, mut posts, handles, ids) = (stores[task % 2].clone(), posts.clone(), handles.clone(), ids.clone());
        tokio::spawn(async move {
            let mut made: Vec<(CommentId, UserId)> = Vec::new();
            for round in 0..8 {
                posts.rotate_left((task * 5 + round) % 12);
                let mut group: Vec<Write> = Vec::new();
                for (n, (post, _)) in posts.iter().enumerate().take(8) {
                    let by = ids[(task + n) % 12];
                    let mentions = vec![handles[(round + 7 * n) % 12].clone(), handles[(task + 3 * n) % 12].clone()];
                    group.push(CreateComment { mentions, ..create_comment(*post, by, "x") }.into());
                }
                for (comment_id, by) in made.drain(..) {
                    group.push(DeleteComment { comment_id, actor: author(by) }.into());
                }
                let which = crate::model::notification::Which::All;
                group.push(MarkRead { user_id: ids[(task + round) % 12], which }.into());
                let mut to = ids.clone();
                to.rotate_left(round);
                let (kind, title) = ("order".to_owned(), "t".to_owned());
                group
                    .push(Notify { to, unknown: 0, kind, title, body: None, url: None, group: None, key: None }.into());
                for committed in through(&store, group).await {
                    if let Outcome::CreateComment(comment) = committed.outcome {
                        made.push((comment.value.id, comment.value.author.unwrap().id));
                    }
                }
            }
        })
    });
    for task in join_all(tasks.collect::<Vec<_>>()).await {
        task.unwrap();
    }
    let mut db = scratch.connection().await;
    let circles: i64 = sqlx::query_scalar("select deadlocks from pg_stat_database where datname = current_database()")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(circles, 0);
    let wrong: i64 = sqlx::query_scalar(
        "select count(*) from channels as c
         join users as u on c.name = 'user:' || u.id
         where c.unread <> (
             select count(*) from notifications as n
             where n.user_id = u.id and n.read_at is null
               and n.seq > coalesce((select read_seq from inboxes as i where i.user_id = u.id), 0)
         )",
    )
    .fetch_one(&mut db)
    .await
    .unwrap();
    assert_eq!(wrong, 0, "the counts are those of the rows");
}

#[tokio::test]
async fn a_mention_means_whoever_has_the_handle_when_it_is_written() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let [bob, eve] = people(&store, &["bob".into(), "eve".into()]).await.try_into().unwrap();
    let room = post(&store, ada).await;
    let store = Arc::new(store);
    let mut other = scratch.connection().await;
    let rename = "begin; update users set handle = 'robert' where handle = 'bob';
                  update users set handle = 'bob' where handle = 'eve'";
    sqlx::raw_sql(rename).execute(&mut other).await.unwrap();
    let mentions = vec!["bob".to_owned()];
    let comment = CreateComment { mentions, ..create_comment(room.id, ada, "x") };
    one(&store, comment.clone()).await.unwrap();
    sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    one(&store, comment).await.unwrap();
    assert_eq!((head(&store, Channel::User(bob)).await.unread, head(&store, Channel::User(eve)).await.unread), (1, 1));
}

#[tokio::test]
async fn who_is_told_between_the_look_and_the_lock_is_told_of_the_deletion_too() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let [bob, eve] = people(&store, &["bob".into(), "eve".into()]).await.try_into().unwrap();
    let room = post(&store, ada).await;
    let store = Arc::new(store);
    let comment = create_comment(room.id, bob, "x");
    let Outcome::CreateComment(made) = one(&store, comment).await.unwrap() else { panic!("a comment") };
    let id = made.value.id;
    // The room is held while the deletion has looked already; then Eve is told of the comment.
    let mut other = scratch.connection().await;
    sqlx::query("begin").execute(&mut other).await.unwrap();
    sqlx::query("select from channels where name = $1 for update")
        .bind(Channel::Post(room.id).name())
        .execute(&mut other)
        .await
        .unwrap();
    let deleting = tokio::spawn({
        let (store, write) = (store.clone(), DeleteComment { comment_id: id, actor: author(bob) }.into());
        async move { store.commit_waiting(vec![write], NOW).await }
    });
    let mut watcher = scratch.connection().await;
    blocked(&mut watcher).await;
    sqlx::query(
        "insert into notifications (user_id, group_key, kind, post_id, comment_id, count, created_at, updated_at, seq)
         values ($1, 'mention:x', 'mention', $2, $3, 1, 0, 0, 1)",
    )
    .bind(eve)
    .bind(room.id)
    .bind(id)
    .execute(&mut other)
    .await
    .unwrap();
    sqlx::query("update channels set head = 1, unread = 1 where name = $1")
        .bind(Channel::User(eve).name())
        .execute(&mut other)
        .await
        .unwrap();
    sqlx::query("commit").execute(&mut other).await.unwrap();
    deleting.await.unwrap().remove(0).unwrap();
    let after = head(&store, Channel::User(eve)).await;
    assert_eq!((after.seq, after.unread), (2, 0));
    assert_eq!(head(&store, Channel::User(ada)).await.unread, 0);
}
