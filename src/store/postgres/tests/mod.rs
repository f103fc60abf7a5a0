//! The contract on Postgres, and what only a shared server can do.

mod crossing;
mod failures;
mod locks;
mod order;
mod plans;

use super::Postgres;
use super::testing::Scratch;
use crate::model::{Channel, Post, Timestamp, UserId};
use crate::store::backend::{Backend, Committed, Grouped};
use crate::store::conformance::conformance;
use crate::store::conformance::support::create_post;
use crate::store::read::{Head, ReadLog};
use crate::store::write::{Applied, EnsurePeople, Outcome, Versioned, Write};
use crate::store::{Rejection, StoreError};
use sqlx::PgConnection;
use std::time::Duration;

conformance!(postgres, crate::store::postgres::testing::fixture);

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// A database with one person, and one process on it.
async fn begin() -> Option<(Scratch, Postgres, UserId)> {
    let scratch = Scratch::make().await?;
    let store = scratch.store();
    let people = EnsurePeople { people: vec![("ada".into(), "Ada".into())] };
    let Outcome::EnsurePeople(made) = one(&store, people).await.unwrap() else { panic!("people") };
    Some((scratch, store, made[0].user.id))
}

async fn post(store: &Postgres, author: UserId) -> Post {
    let Outcome::CreatePost(Applied { value: Versioned { value, .. }, .. }) =
        one(store, create_post(author, "A title")).await.unwrap()
    else {
        panic!("a post")
    };
    value
}

/// One write as a group of its own, which must not be held.
async fn one(store: &Postgres, write: impl Into<Write>) -> Result<Outcome, StoreError> {
    match store.commit(vec![write.into()], NOW).await.remove(0) {
        Grouped::Done(result) => result.map(|committed| committed.outcome),
        Grouped::Held(write) => panic!("held: {write:?}"),
    }
}

async fn head(store: &Postgres, channel: Channel) -> Head {
    store.heads(&[channel]).await.unwrap()[&channel]
}

fn done(grouped: Grouped) -> Committed {
    match grouped {
        Grouped::Done(result) => result.unwrap(),
        Grouped::Held(write) => panic!("held: {write:?}"),
    }
}

fn unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

fn rejected<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Rejection {
    match result {
        Err(StoreError::Rejected(rejection)) => rejection,
        other => panic!("not refused: {other:?}"),
    }
}

/// Waits until a session of Belfry's waits for a lock in this database; answers its process.
async fn blocked(db: &mut PgConnection) -> i32 {
    let waiting = async {
        loop {
            let found: Option<i32> = sqlx::query_scalar(
                "select pid from pg_stat_activity
                 where datname = current_database() and application_name = 'belfry' and wait_event_type = 'Lock'",
            )
            .fetch_optional(&mut *db)
            .await
            .unwrap();
            if let Some(pid) = found {
                return pid;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("nobody waits for a lock")
}
