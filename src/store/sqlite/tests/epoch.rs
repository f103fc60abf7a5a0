//! When a file gets a new epoch: when it is not the one that was served last.

use super::super::{Mode, Options, Sqlite};
use super::serve;
use crate::model::Timestamp;
use crate::store::Backend;
use crate::store::read::ReadControl;
use crate::store::write::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::path::{Path, PathBuf};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("belfry.sqlite")
    }

    fn note(&self) -> PathBuf {
        self.0.path().join("belfry.sqlite.note")
    }

    /// Copies the file as it is, nothing of it left in the log beside it.
    async fn copy(&self, to: &str) -> PathBuf {
        let copy = self.0.path().join(to);
        std::fs::copy(self.file(), &copy).unwrap();
        copy
    }

    /// Puts a copy in the file's place.
    fn restore(&self, copy: &Path) {
        for beside in ["belfry.sqlite-wal", "belfry.sqlite-shm"] {
            let _ = std::fs::remove_file(self.0.path().join(beside));
        }
        std::fs::copy(copy, self.file()).unwrap();
    }

    /// Serves the file for a while, appending as many events.
    async fn served(&self, events: i64) -> String {
        let store = serve(&self.file()).await;
        let epoch = store.control().await.unwrap().epoch;
        append(&store, events).await;
        store.close().await;
        epoch
    }

    async fn epoch(&self) -> String {
        let store = serve(&self.file()).await;
        let epoch = store.control().await.unwrap().epoch;
        store.close().await;
        epoch
    }
}

async fn append(store: &Sqlite, events: i64) {
    for n in 0..events {
        let role = if n % 2 == 0 { crate::model::Role::Admin } else { crate::model::Role::User };
        let people = vec![("ada".to_owned(), "Ada".to_owned())];
        let set = |role| SetRole { handle: "ada".into(), role }.into();
        let other =
            if role == crate::model::Role::Admin { crate::model::Role::User } else { crate::model::Role::Admin };
        let group = vec![EnsurePeople { people }.into(), set(other), set(role)];
        let results = store.commit_waiting(group, Timestamp(1)).await;
        assert!(results.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn a_file_served_again_keeps_its_epoch() {
    let folder = Folder::new();
    let epoch = folder.served(3).await;
    assert_eq!(folder.served(0).await, epoch);
    assert_eq!(folder.epoch().await, epoch);
}

#[tokio::test]
async fn a_process_beside_the_server_changes_nothing() {
    let folder = Folder::new();
    let server = serve(&folder.file()).await;
    let epoch = server.control().await.unwrap().epoch;
    let beside = Sqlite::connect(&folder.file(), Options::new(Mode::Beside, folder.0.path())).await.unwrap();
    append(&beside, 2).await;
    assert_eq!(beside.control().await.unwrap().epoch, epoch);
    beside.close().await;
    server.close().await;
    assert_eq!(folder.epoch().await, epoch);
}

#[tokio::test]
async fn a_server_that_was_killed_keeps_its_epoch() {
    let folder = Folder::new();
    let killed = serve(&folder.file()).await;
    let epoch = killed.control().await.unwrap().epoch;
    append(&killed, 2).await;
    // Neither its last events are noted nor anything is closed.
    drop(killed);
    assert_eq!(folder.epoch().await, epoch);
}

#[tokio::test]
async fn a_copy_from_an_earlier_start_gets_a_new_epoch() {
    let folder = Folder::new();
    let epoch = folder.served(1).await;
    let copy = folder.copy("backup").await;
    folder.served(0).await;
    folder.restore(&copy);
    let restored = folder.epoch().await;
    assert_ne!(restored, epoch);
    assert_eq!(folder.epoch().await, restored);
}

#[tokio::test]
async fn a_copy_from_the_same_start_gets_a_new_epoch_when_events_are_missing() {
    let folder = Folder::new();
    let server = serve(&folder.file()).await;
    let epoch = server.control().await.unwrap().epoch;
    append(&server, 1).await;
    let copy = folder.0.path().join("backup");
    let into = format!("vacuum into '{}'", copy.display());
    let mut operator = SqliteConnectOptions::new().filename(folder.file()).connect().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(into)).execute(&mut operator).await.unwrap();
    operator.close().await.unwrap();
    append(&server, 1).await;
    server.close().await;
    folder.restore(&copy);
    assert_ne!(folder.epoch().await, epoch);
}

#[tokio::test]
async fn a_file_without_its_note_gets_a_new_epoch() {
    for spoil in [|note: &Path| std::fs::remove_file(note).unwrap(), |note: &Path| std::fs::write(note, "x").unwrap()] {
        let folder = Folder::new();
        let epoch = folder.served(1).await;
        spoil(&folder.note());
        assert_ne!(folder.epoch().await, epoch);
    }
}

#[tokio::test]
async fn commits_are_noted_without_closing() {
    let folder = Folder::new();
    let server = serve(&folder.file()).await;
    let before = std::fs::read_to_string(folder.note()).unwrap();
    append(&server, 1).await;
    let noted = async {
        while std::fs::read_to_string(folder.note()).unwrap() == before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), noted).await.unwrap();
}

#[tokio::test]
async fn a_note_that_could_not_be_written_is_written_once_it_can_be() {
    let folder = Folder::new();
    let server = serve(&folder.file()).await;
    let before = std::fs::read_to_string(folder.note()).unwrap();
    // What is to become the note cannot be written where there is a folder.
    let fresh = folder.0.path().join("belfry.sqlite.note.new");
    std::fs::create_dir(&fresh).unwrap();
    append(&server, 1).await;
    let noted = async {
        while std::fs::read_to_string(folder.note()).unwrap() == before {
            tokio::task::yield_now().await;
        }
    };
    let mut noted = std::pin::pin!(noted);
    let moment = std::time::Duration::from_millis(200);
    assert!(tokio::time::timeout(moment, &mut noted).await.is_err(), "it is in the way");
    std::fs::remove_dir(&fresh).unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(5), noted).await.unwrap();
}
