//! The note beside the file: which start of which file was served last, and how far its events had come.
//!
//! A copy of the file that is put back in its place does not fit the note, and gets a new epoch.

use super::writer::Writer;
use crate::store::StoreError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Shortest time from one writing to the next, so that a commit is noted within a second.
const PAUSE: Duration = Duration::from_millis(500);

/// What is noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted {
    /// The file's boot counter.
    pub(super) boots: i64,
    /// Its highest event id.
    pub(super) last_event: i64,
}

/// Writes the note while the file is served.
pub(super) struct Note {
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
    task: AbortHandle,
}

struct Shared {
    path: PathBuf,
    boots: i64,
    last_event: AtomicI64,
    committed: Notify,
}

impl Note {
    /// Counts this start, draws a new epoch if the file does not fit its note, and begins to keep the note.
    pub(super) async fn start(writer: &Writer, data: &Path, file: &Path) -> Result<Self, StoreError> {
        let name = file.file_name().map_or_else(|| "belfry".into(), |name| name.to_string_lossy());
        let path = data.join(format!("{name}.note"));
        let before = read(&path).await;
        let now = writer.boot(before).await?;
        write(&path, now)
            .await
            .map_err(|error| StoreError::Unavailable(format!("{} cannot be written: {error}", path.display())))?;

        let shared = Arc::new(Shared {
            path,
            boots: now.boots,
            last_event: AtomicI64::new(now.last_event),
            committed: Notify::new(),
        });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let task = tasks.spawn(keep(shared.clone(), stop.clone(), now.last_event)).abort_handle();
        tasks.close();
        Ok(Self { shared, stop, tasks, task })
    }

    /// An event with this id is committed.
    pub(super) fn committed(&self, event: i64) {
        self.shared.last_event.fetch_max(event, Ordering::Relaxed);
        self.shared.committed.notify_one();
    }

    /// Notes the last commit and stops.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        // Not to be written over the note of whoever serves the file next.
        self.task.abort();
    }
}

async fn keep(shared: Arc<Shared>, stop: CancellationToken, mut written: i64) {
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            () = shared.committed.notified() => false,
        };
        let last_event = shared.last_event.load(Ordering::Relaxed);
        if last_event > written {
            match write(&shared.path, Noted { boots: shared.boots, last_event }).await {
                Ok(()) => written = last_event,
                Err(error) => {
                    tracing::warn!(%error, path = %shared.path.display(), "the epoch note cannot be written");
                    // Once more after a pause, also if nothing is committed meanwhile.
                    shared.committed.notify_one();
                }
            }
        }
        if stopped {
            return;
        }
        let _ = tokio::time::timeout(PAUSE, stop.cancelled()).await;
    }
}

/// None where there is no note, or none that can be read: then nothing is known of the file.
async fn read(path: &Path) -> Option<Noted> {
    let path = path.to_owned();
    let text = tokio::task::spawn_blocking(move || std::fs::read_to_string(path)).await.ok()?.ok()?;
    let (boots, last_event) = text.trim().split_once(' ')?;
    Some(Noted { boots: boots.parse().ok()?, last_event: last_event.parse().ok()? })
}

/// By renaming, so that there is always a whole note. A power cut may leave an older one or none, which is on the safe
/// side: an epoch too many.
async fn write(path: &Path, noted: Noted) -> std::io::Result<()> {
    let path = path.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let fresh = path.with_extension("note.new");
        std::fs::write(&fresh, format!("{} {}\n", noted.boots, noted.last_event))?;
        std::fs::rename(&fresh, &path)
    });
    written.await.map_err(std::io::Error::other)?
}
