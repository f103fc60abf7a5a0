//! Several processes on one file.

use super::super::{Mode, Options, Sqlite};
use crate::model::Timestamp;
use crate::store::read::ReadControl;
use crate::store::write::*;
use crate::store::{Backend, StoreError};
use futures_util::future::join_all;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::time::Duration;

fn ensure(handle: &str) -> Vec<Write> {
    vec![EnsurePeople { people: vec![(handle.to_owned(), "A name".to_owned())] }.into()]
}

#[tokio::test]
async fn processes_that_start_on_a_new_file_at_once_all_find_it_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("belfry.sqlite");
    let starts = (0..4).map(|n| {
        let mode = if n == 0 { Mode::Serve } else { Mode::Beside };
        Sqlite::connect(&path, Options::new(mode, folder.path()))
    });
    for (n, store) in join_all(starts).await.into_iter().enumerate() {
        let store = store.unwrap();
        let results = store.commit_waiting(ensure(&format!("person_{n}")), Timestamp(1)).await;
        assert!(results[0].is_ok(), "{results:?}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_file_that_is_locked_for_too_long_is_unavailable_until_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("belfry.sqlite");
    let options = Options::new(Mode::Serve, folder.path());
    let store = Sqlite::open(&path, options, Duration::from_millis(10)).await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();
    for _ in 0..2 {
        let results = store.commit_waiting(ensure("ada"), Timestamp(1)).await;
        assert!(matches!(&results[..], [Err(StoreError::Unavailable(_))]), "{results:?}");
    }
    assert!(store.control().await.is_ok(), "reading goes on");
    sqlx::query("rollback").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    assert!(store.commit_waiting(ensure("ada"), Timestamp(1)).await[0].is_ok());
    store.close().await;
}
