//! Rows that another process holds, and keys that it is about to use.

use super::*;
use crate::store::conformance::support::{author, create_comment, edit, key, publish, room};
use crate::store::postgres::testing::hold;
use crate::store::read::ReadPosts;
use crate::store::write::{CreatePost, EndSession, SessionRef};
use futures_util::future::join_all;
use sqlx::Executor;
use std::sync::Arc;

#[tokio::test]
async fn a_held_row_comes_back_untouched_and_its_neighbours_are_done() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let (held, free) = (post(&store, ada).await, post(&store, ada).await);
    let comment = match one(&store, create_comment(held.id, ada, "before")).await.unwrap() {
        Outcome::CreateComment(applied) => applied.value,
        other => panic!("{other:?}"),
    };
    let held_row = hold(scratch.connection().await, room(held.id)).await;
    let group = vec![
        publish(room(held.id), "1").into(),
        publish(room(free.id), "2").into(),
        edit(comment.id, author(ada), "after").into(),
        create_comment(free.id, ada, "free").into(),
    ];
    let mut grouped = store.commit(group, NOW).await;
    let kinds: Vec<bool> = grouped.iter().map(|member| matches!(member, Grouped::Held(_))).collect();
    assert_eq!(kinds, [true, false, true, false]);
    assert_eq!(done(grouped.remove(3)).events[0].seq, 2);
    assert_eq!((head(&store, room(held.id)).await.seq, head(&store, room(free.id)).await.seq), (1, 2));
    held_row.let_go().await;
}

#[tokio::test]
async fn a_held_internal_channel_holds_only_what_appends_to_it() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let room = room(post(&store, ada).await.id);
    let held_row = hold(scratch.connection().await, Channel::Revocations).await;
    let end = EndSession { session: SessionRef::RefreshHash([7; 32]) };
    let grouped = store.commit(vec![end.into(), publish(room, "1").into()], NOW).await;
    assert!(matches!(grouped[..], [Grouped::Held(_), Grouped::Done(Ok(_))]), "{grouped:?}");
    held_row.let_go().await;
}

#[tokio::test]
async fn who_waits_for_a_held_row_gets_it_when_it_is_let_go() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let store = Arc::new(store);
    let room = room(post(&store, ada).await.id);
    let held_row = hold(scratch.connection().await, room).await;
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.commit_waiting(vec![publish(room, "1").into(), publish(room, "2").into()], NOW).await }
    });
    let mut watcher = scratch.connection().await;
    blocked(&mut watcher).await;
    assert_eq!(head(&store, room).await.seq, 0);
    held_row.let_go().await;
    let results = waiting.await.unwrap();
    let seqs: Vec<i64> = results.into_iter().flat_map(|result| result.unwrap().events).map(|e| e.seq).collect();
    assert_eq!(seqs, [1, 2]);
}

#[tokio::test]
async fn who_waits_longer_than_the_lock_timeout_is_told_unavailable_once_for_all() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let room = room(post(&store, ada).await.id);
    let held_row = hold(scratch.connection().await, room).await;
    // The one connection of this pool, which the group then uses too.
    store.waits.execute("set lock_timeout = '50ms'").await.unwrap();
    let results = store.commit_waiting((0..20).map(|n| publish(room, &n.to_string()).into()).collect(), NOW).await;
    assert!(results.iter().all(unavailable), "{results:?}");
    held_row.let_go().await;
    assert_eq!(head(&store, room).await.seq, 0);
    one(&store, publish(room, "1")).await.unwrap();
}

#[tokio::test]
async fn every_connection_carries_the_settings_that_promises_stand_on() {
    let Some((_scratch, store, _)) = begin().await else { return };
    for pool in [&store.reads, &store.commits, &store.waits] {
        let settings: Vec<String> = sqlx::query_scalar(
            "select current_setting(name) from unnest(array[
                 'synchronous_commit', 'lock_timeout', 'idle_in_transaction_session_timeout', 'statement_timeout',
                 'application_name', 'transaction_isolation'
             ]) as name",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        assert_eq!(settings, ["on", "5s", "5s", "15s", "belfry", "read committed"]);
    }
}

#[tokio::test]
async fn groups_that_want_the_same_rooms_in_any_order_never_wait_in_a_circle() {
    let Some((scratch, first, ada)) = begin().await else { return };
    let mut rooms = Vec::new();
    // Enough that the order of bytes and that of numbers differ.
    for _ in 0..12 {
        rooms.push(room(post(&first, ada).await.id));
    }
    let stores = [Arc::new(first), Arc::new(scratch.store())];
    let groups = (0..8).map(|task| {
        let (store, mut rooms) = (stores[task % 2].clone(), rooms.clone());
        tokio::spawn(async move {
            for round in 0..10 {
                rooms.rotate_left((task + round) % 12);
                if round % 2 == 0 {
                    rooms.reverse();
                }
                let group: Vec<Write> = rooms.iter().map(|room| publish(*room, "1").into()).collect();
                let held: Vec<Write> = store
                    .commit(group, NOW)
                    .await
                    .into_iter()
                    .filter_map(|member| match member {
                        Grouped::Held(write) => Some(write),
                        Grouped::Done(result) => result.map(drop).map_or_else(|e| panic!("{e}"), |()| None),
                    })
                    .collect();
                for result in store.commit_waiting(held, NOW).await {
                    result.unwrap();
                }
            }
        })
    });
    for group in join_all(groups.collect::<Vec<_>>()).await {
        group.unwrap();
    }
    for room in rooms {
        assert_eq!(head(&stores[0], room).await.seq, 80);
    }
    let mut db = scratch.connection().await;
    let circles: i64 = sqlx::query_scalar("select deadlocks from pg_stat_database where datname = current_database()")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(circles, 0);
}

#[tokio::test]
async fn a_key_that_another_process_is_about_to_use_is_waited_for_and_replayed() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let store = Arc::new(store);
    let (theirs, room) = (post(&store, ada).await, room(post(&store, ada).await.id));
    let mut other = scratch.connection().await;
    other.execute("begin").await.unwrap();
    sqlx::query("insert into idempotency_keys values ($1, 'post', 'k', $2, $3, 0, 0)")
        .bind(format!("u:{ada}"))
        .bind([1_u8; 32].as_slice())
        .bind(theirs.id)
        .execute(&mut other)
        .await
        .unwrap();
    let asked = |content| CreatePost { key: key(ada, "post", "k", content), ..create_post(ada, "Mine") };
    let waiting = tokio::spawn({
        let (store, group) = (store.clone(), vec![publish(room, "1").into(), asked(1).into(), asked(2).into()]);
        async move { store.commit(group, NOW).await }
    });
    let mut watcher = scratch.connection().await;
    blocked(&mut watcher).await;
    other.execute("commit").await.unwrap();

    let mut grouped = waiting.await.unwrap();
    let Grouped::Done(conflict) = grouped.remove(2) else { panic!("held") };
    assert!(matches!(rejected(conflict), Rejection::Conflict(_)));
    let Outcome::CreatePost(replayed) = done(grouped.remove(1)).outcome else { panic!("a post") };
    assert_eq!((replayed.replayed, replayed.value.value.id), (true, theirs.id));
    assert_eq!(done(grouped.remove(0)).events[0].seq, 1);
    assert_eq!(store.posts(None, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn two_processes_that_race_one_key_write_once() {
    let Some((scratch, first, ada)) = begin().await else { return };
    let stores = [Arc::new(first), Arc::new(scratch.store())];
    for round in 0..20 {
        let asked = CreatePost { key: key(ada, "post", &round.to_string(), 1), ..create_post(ada, "Once") };
        let both = stores.clone().map(|store| {
            let asked = asked.clone();
            tokio::spawn(async move { one(&store, asked).await })
        });
        let mut answers = Vec::new();
        for outcome in join_all(both).await {
            let Outcome::CreatePost(applied) = outcome.unwrap().unwrap() else { panic!("a post") };
            answers.push((applied.value.value.id, applied.replayed));
        }
        assert_eq!(answers[0].0, answers[1].0);
        assert_ne!(answers[0].1, answers[1].1, "one wrote, one replayed");
    }
    assert_eq!(stores[0].posts(None, 100).await.unwrap().len(), 20);
}
