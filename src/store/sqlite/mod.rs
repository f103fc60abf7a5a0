//! The store in one SQLite file: WAL, one writer, a few readers, every commit on disk before it is acknowledged.
//!
//! **Invariant:** one process serves a file; other subcommands write beside it, each transaction taking the write lock at
//! its beginning and waiting for it at most 5 s.

mod accounts;
mod ahead;
mod bans;
mod bells;
mod comments;
mod control;
mod inbox;
mod hosting;
mod found;
mod keys;
mod log;
mod note;
mod notifications;
mod posts;
mod prune;
mod reactions;
mod sessions;
mod threads;
mod transaction;
mod writer;

#[cfg(test)]
mod tests;

use super::StoreError;
use super::backend::{Backend, GroupResult, Grouped};
use super::write::{Place, Write};
use crate::model::{Channel, PostId, Timestamp};
use async_trait::async_trait;
use note::Note;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::time::Duration;
use writer::Writer;

/// How long a transaction waits for the write lock, and a read for a connection.
const BUSY: Duration = Duration::from_secs(5);

/// What the process that connects is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The one that serves: a start is counted, and a file that is not the one last served gets a new epoch.
    Serve,
    /// A subcommand beside it: nothing is counted, nothing is drawn.
    Beside,
}

/// How to open a file.
#[derive(Debug, Clone)]
pub struct Options {
    /// What this process is.
    pub mode: Mode,
    /// Where the note about the file last served stands: a restored file is known by not fitting it.
    pub data: PathBuf,
    /// Most pages the file may have; 0 leaves it to the disk.
    pub max_pages: u32,
    /// Connections that read.
    pub readers: u32,
}

impl Options {
    /// No bound but the disk, a handful of readers.
    pub fn new(mode: Mode, data: impl Into<PathBuf>) -> Self {
        Self { mode, data: data.into(), max_pages: 0, readers: 4 }
    }
}

/// A store in one SQLite file.
pub struct Sqlite {
    readers: SqlitePool,
    writer: Writer,
    note: Option<Note>,
}

impl Sqlite {
    /// Opens the file, making it where it is missing, and applies the migrations it lacks.
    pub async fn connect(path: &Path, options: Options) -> Result<Self, StoreError> {
        Self::open(path, options, BUSY).await
    }

    async fn open(path: &Path, options: Options, busy: Duration) -> Result<Self, StoreError> {
        let file = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(busy);
        let writer = Writer::new(file.clone(), options.max_pages);
        writer.migrate().await?;
        let note = match options.mode {
            Mode::Serve => Some(Note::start(&writer, &options.data, path).await?),
            Mode::Beside => None,
        };
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .acquire_timeout(busy)
            .test_before_acquire(false)
            .connect_lazy_with(file.pragma("query_only", "on"));
        Ok(Self { readers, writer, note })
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn commit(&self, group: Vec<Write>, now: Timestamp) -> Vec<Grouped> {
        self.commit_waiting(group, now).await.into_iter().map(Grouped::Done).collect()
    }

    /// Here every group waits: the write lock is the file's, so no channel is held alone.
    async fn commit_waiting(&self, group: Vec<Write>, now: Timestamp) -> GroupResult {
        let members = group.len();
        match self.writer.commit(group, now).await {
            Ok((results, last_event)) => {
                if let (Some(note), Some(id)) = (&self.note, last_event) {
                    note.committed(id);
                }
                results
            }
            Err(error) => vec![Err(error); members],
        }
    }

    async fn channel_of(&self, write: &Write) -> Result<Option<Channel>, StoreError> {
        match write.place() {
            Place::Channel(channel) => Ok(Some(channel)),
            Place::Nowhere => Ok(None),
            Place::Comment(id) => {
                let post: Option<PostId> = sqlx::query_scalar("select post_id from comments where id = $1")
                    .bind(id)
                    .fetch_optional(&self.readers)
                    .await?;
                Ok(post.map(Channel::Post))
            }
        }
    }

    async fn close(&self) {
        if let Some(note) = &self.note {
            note.close().await;
        }
        self.readers.close().await;
        self.writer.close().await;
    }
}
