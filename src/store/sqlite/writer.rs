//! The one connection that writes.

use super::note::Noted;
use super::transaction::Transaction;
use crate::model::Timestamp;
use crate::store::StoreError;
use crate::store::backend::GroupResult;
use crate::store::write::Write;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Mutex;

/// How often a migration is tried: a process started at the same moment may be applying the same one.
const MIGRATION_TRIES: u32 = 5;

/// Holds the connection between transactions. A transaction takes it out and puts it back only after a clean end: after
/// anything else, a panic and a cancelled task included, the next one opens another. FULL and IOERR may have rolled
/// everything back and left autocommit on, where each further statement would commit alone.
pub(super) struct Writer {
    file: SqliteConnectOptions,
    max_pages: AtomicU32,
    idle: Mutex<Option<SqliteConnection>>,
}

impl Writer {
    /// A writer that opens the file when it is first used. At most `max_pages` pages; 0 leaves it to the disk.
    pub(super) fn new(file: SqliteConnectOptions, max_pages: u32) -> Self {
        Self { file, max_pages: AtomicU32::new(max_pages), idle: Mutex::new(None) }
    }

    /// Applies the migrations that are missing.
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        let one = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(self.options());
        let mut tries = 1;
        while let Err(error) = sqlx::migrate!("migrations/sqlite").run(&one).await {
            if tries == MIGRATION_TRIES {
                return Err(error.into());
            }
            tries += 1;
        }
        one.close().await;
        Ok(())
    }

    /// Commits a group as one transaction: what each member answers, and the id of the last event if there was one. An
    /// error means that nothing was committed, or that the outcome is unknown.
    pub(super) async fn commit(
        &self,
        group: Vec<Write>,
        now: Timestamp,
    ) -> Result<(GroupResult, Option<i64>), StoreError> {
        let mut idle = self.idle.lock().await;
        let connection = self.take(&mut idle).await?;
        let mut transaction = Transaction::begin(connection, now).await?;
        match transaction.apply(group).await {
            Ok(results) => {
                let (connection, last_event) = transaction.commit().await?;
                *idle = Some(connection);
                Ok((results, last_event))
            }
            Err(error) => {
                transaction.abandon().await;
                Err(error)
            }
        }
    }

    /// Counts a start of the server on this file; draws a new random for the epoch unless the file is the one noted.
    pub(super) async fn boot(&self, noted: Option<Noted>) -> Result<Noted, StoreError> {
        let mut idle = self.idle.lock().await;
        let mut connection = self.take(&mut idle).await?;
        sqlx::query("begin immediate").execute(&mut connection).await?;
        let (boots, last_event): (i64, i64) = sqlx::query_as(
            "select boots, coalesce((select seq from sqlite_sequence where name = 'events'), 0) from meta",
        )
        .fetch_one(&mut connection)
        .await?;
        let same = match noted {
            Some(noted) => noted.boots == boots && noted.last_event <= last_event,
            // Never served: there is no copy of it that anybody could have seen.
            None => boots == 0,
        };
        if !same {
            sqlx::query("update meta set random = randomblob(16)").execute(&mut connection).await?;
        }
        sqlx::query("update meta set boots = boots + 1").execute(&mut connection).await?;
        sqlx::query("commit").execute(&mut connection).await?;
        *idle = Some(connection);
        Ok(Noted { boots: boots + 1, last_event })
    }

    /// Lets the connection go; it is opened again when it is needed.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.idle.lock().await.take() {
            let _ = connection.close().await;
        }
    }

    /// Bounds the file anew, as if the disk had got larger or smaller.
    #[cfg(test)]
    pub(super) async fn bound(&self, max_pages: u32) {
        self.max_pages.store(max_pages, Ordering::Relaxed);
        self.close().await;
    }

    async fn take(&self, idle: &mut Option<SqliteConnection>) -> Result<SqliteConnection, StoreError> {
        match idle.take() {
            Some(connection) => Ok(connection),
            None => Ok(self.options().connect().await?),
        }
    }

    fn options(&self) -> SqliteConnectOptions {
        match self.max_pages.load(Ordering::Relaxed) {
            0 => self.file.clone(),
            pages => self.file.clone().pragma("max_page_count", pages.to_string()),
        }
    }
}
