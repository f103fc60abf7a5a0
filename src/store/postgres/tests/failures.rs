//! Statements that fail, connections that are lost, databases that are not what they were.

use super::*;
use crate::store::conformance::support::{create_comment, publish, room};
use crate::store::postgres::control::Identity;
use crate::store::read::{ReadControl, ReadPosts};
use crate::store::write::RenewEpoch;
use futures_util::future::join_all;
use sqlx::{ConnectOptions, Executor};
use std::pin::pin;
use std::sync::Arc;
use tokio::time::timeout;

#[tokio::test]
async fn one_member_that_fails_its_group_fails_alone() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let post = post(&store, ada).await;
    let mut db = scratch.connection().await;
    db.execute("alter table comments add constraint wholesome check (body <> 'poison')").await.unwrap();
    let group = ["one", "poison", "two"].map(|body| create_comment(post.id, ada, body).into());
    let mut grouped = store.commit(group.into(), NOW).await;
    let (two, poison, one) = (grouped.remove(2), grouped.remove(1), grouped.remove(0));
    assert!(matches!(poison, Grouped::Done(Err(StoreError::Internal(_)))), "{poison:?}");
    assert_eq!((done(one).events[0].seq, done(two).events[0].seq), (1, 2));
    assert_eq!(store.post(post.id).await.unwrap().unwrap().value.comment_count, 2);
}

#[tokio::test]
async fn a_character_that_postgres_cannot_keep_is_refused_before_it_fails_anyone() {
    let Some((_scratch, store, ada)) = begin().await else { return };
    let post = post(&store, ada).await;
    let refused = rejected(one(&store, create_comment(post.id, ada, "a\0b")).await);
    assert!(matches!(refused, Rejection::Unprocessable { pointer: "/body", .. }), "{refused}");
}

/// A group that stands still in the middle of its transaction when its connection is cut.
#[tokio::test]
async fn a_connection_lost_within_a_group_is_unavailable_and_leaves_nothing() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let store = Arc::new(store);
    let post = post(&store, ada).await;
    let mut other = scratch.connection().await;
    other.execute("begin; lock table events in exclusive mode").await.unwrap();
    let group = vec![create_comment(post.id, ada, "lost").into(), publish(room(post.id), "1").into()];
    let under_way = tokio::spawn({
        let store = store.clone();
        async move { store.commit(group, NOW).await }
    });
    let mut watcher = scratch.connection().await;
    cut(&mut watcher).await;
    for member in under_way.await.unwrap() {
        assert!(matches!(&member, Grouped::Done(result) if unavailable(result)), "{member:?}");
    }
    other.execute("rollback").await.unwrap();
    assert_eq!(head(&store, room(post.id)).await.seq, 0);
    one(&store, create_comment(post.id, ada, "again")).await.unwrap();
    assert_eq!(store.post(post.id).await.unwrap().unwrap().value.comment_count, 1);
}

#[tokio::test]
async fn a_lost_answer_to_a_commit_is_unavailable_and_nobody_tries_again() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let store = Arc::new(store);
    let room = room(post(&store, ada).await.id);
    let mut db = scratch.connection().await;
    // Every commit first stands still, where the client has sent it and waits.
    db.execute(
        "create function stand_still() returns trigger language plpgsql as $$
         begin perform pg_advisory_xact_lock(1); return null; end $$;
         create constraint trigger stands after insert on events initially deferred
         for each row execute function stand_still()",
    )
    .await
    .unwrap();
    db.execute("begin; select pg_advisory_xact_lock(1)").await.unwrap();
    let under_way = tokio::spawn({
        let store = store.clone();
        async move { store.commit(vec![publish(room, "1").into(), publish(room, "2").into()], NOW).await }
    });
    let mut watcher = scratch.connection().await;
    cut(&mut watcher).await;
    for member in under_way.await.unwrap() {
        assert!(matches!(&member, Grouped::Done(result) if unavailable(result)), "{member:?}");
    }
    db.execute("rollback").await.unwrap();
    assert_eq!(head(&store, room).await.seq, 0, "tried again");
    one(&store, publish(room, "3")).await.unwrap();
}

#[tokio::test]
async fn connections_that_died_while_idle_are_replaced_unseen() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let post = post(&store, ada).await;
    head(&store, room(post.id)).await;
    let mut db = scratch.connection().await;
    let killed: Vec<bool> = sqlx::query_scalar(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where datname = current_database() and application_name = 'belfry'",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    assert!(killed.len() >= 2 && killed.iter().all(|killed| *killed), "{killed:?}");
    one(&store, publish(room(post.id), "1")).await.unwrap();
    assert_eq!(head(&store, room(post.id)).await.seq, 1);
}

#[tokio::test]
async fn processes_that_start_together_on_an_empty_database_migrate_it_once() {
    let Some(scratch) = Scratch::make().await else { return };
    let mut db = scratch.connection().await;
    db.execute("drop schema public cascade; create schema public").await.unwrap();
    let url = scratch.options().to_url_lossy().to_string();
    for started in join_all((0..4).map(|_| Postgres::connect(&url, 2))).await {
        assert_eq!(started.unwrap().revocations().await.unwrap().seq, 0);
    }
    let applied: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations").fetch_one(&mut db).await.unwrap();
    let channels: i64 = sqlx::query_scalar("select count(*) from channels").fetch_one(&mut db).await.unwrap();
    assert!(applied >= 4, "{applied}");
    assert_eq!(channels, 1, "the internal one, once");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_a_wrong_url_a_defect() {
    let nobody = Postgres::connect("postgres://belfry@127.0.0.1:1/belfry", 2).await;
    assert!(unavailable(&nobody));
    assert!(matches!(Postgres::connect("belfry", 2).await, Err(StoreError::Internal(_))));
}

#[tokio::test]
async fn every_part_of_a_databases_identity_makes_another_epoch() {
    let Some((scratch, store, _)) = begin().await else { return };
    let mut db = scratch.connection().await;
    let here = Identity::read(&mut db).await.unwrap();
    assert_eq!(here.timeline.as_deref(), Some("00000001"));
    let epoch = here.epoch().unwrap();
    assert_eq!(store.control().await.unwrap().epoch, epoch);
    let others = [
        Identity { random: vec![9; 16], ..here.clone() },
        Identity { system: here.system + 1, ..here.clone() },
        Identity { timeline: Some("00000002".into()), ..here.clone() },
        Identity { database: here.database + 1, ..here.clone() },
        Identity { channels: here.channels + 1, ..here.clone() },
    ];
    for other in others {
        assert_ne!(other.epoch().unwrap(), epoch, "{other:?}");
    }
    assert!(unavailable(&Identity { timeline: None, ..here }.epoch()), "a standby has no epoch of its own");

    let Outcome::RenewEpoch(renewed) = one(&store, RenewEpoch).await.unwrap() else { panic!("an epoch") };
    assert_ne!(renewed, epoch);
    assert_eq!(store.control().await.unwrap().epoch, renewed);
}

#[tokio::test]
async fn a_copy_of_a_database_has_an_epoch_of_its_own() {
    let (Some((_one, first, _)), Some((_two, second, _))) = (begin().await, begin().await) else { return };
    assert_ne!(first.control().await.unwrap().epoch, second.control().await.unwrap().epoch);
}

#[tokio::test]
async fn nobody_reads_or_writes_another_database_before_its_epoch_was_read() {
    let Some((scratch, store, ada)) = begin().await else { return };
    let epoch = store.control().await.unwrap().epoch;
    post(&store, ada).await;
    scratch.replace().await;
    let people = EnsurePeople { people: vec![("eve".into(), "Eve".into())] };
    let (mut reading, mut writing) = (pin!(store.posts(None, 1)), pin!(one(&store, people)));
    let moment = Duration::from_millis(300);
    assert!(timeout(moment, &mut reading).await.is_err(), "a read is held back");
    assert!(timeout(moment, &mut writing).await.is_err(), "a write is held back");
    assert_ne!(store.control().await.unwrap().epoch, epoch);
    assert!(reading.await.unwrap().is_empty());
    assert!(writing.await.is_ok());
}

/// Ends the session that waits for a lock, once there is one.
async fn cut(db: &mut PgConnection) {
    let pid = blocked(db).await;
    let cut: bool = sqlx::query_scalar("select pg_terminate_backend($1, 5000)").bind(pid).fetch_one(db).await.unwrap();
    assert!(cut);
}
