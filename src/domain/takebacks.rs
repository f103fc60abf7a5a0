//! What people were told of posts that are deleted since: taken back step by step, whoever deleted them, and however often
//! the work was cut short.

use crate::model::PostId;
use crate::store::write::TakeBack;
use crate::store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often somebody looks for what another instance has left.
const LOOK: Duration = Duration::from_secs(60);

/// Pause where all that is left is somebody's whose channel is held, or the store cannot be reached.
const PAUSE: Duration = Duration::from_millis(500);

/// Posts looked for at once.
const POSTS_AT_ONCE: i64 = 100;

/// The work, and who wakes it.
pub struct Takebacks {
    store: Arc<Store>,
    due: Notify,
}

impl Takebacks {
    /// Work in a store.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, due: Notify::new() }
    }

    /// A post was deleted here.
    pub fn wake(&self) {
        self.due.notify_one();
    }

    /// Works off what there is, at the start, when woken, and every minute, until the end.
    pub async fn run(&self, ended: CancellationToken) {
        let work = async {
            loop {
                match self.work_off().await {
                    Ok(false) => {
                        let _ = timeout(LOOK, self.due.notified()).await;
                    }
                    Ok(true) => {}
                    Err(error) => {
                        tracing::warn!(%error, "notifications of deleted posts are not taken back yet");
                        sleep(PAUSE).await;
                    }
                }
            }
        };
        let _ = ended.run_until_cancelled(work).await;
    }

    /// Takes back some of what is there; whether there may be more.
    async fn work_off(&self) -> Result<bool, StoreError> {
        let posts = self.store.read().takebacks(POSTS_AT_ONCE).await?;
        for post in &posts {
            self.take_back(*post).await?;
        }
        Ok(!posts.is_empty())
    }

    async fn take_back(&self, post_id: PostId) -> Result<(), StoreError> {
        loop {
            let step = self.store.write(TakeBack { post_id }).await?;
            if !step.more {
                return Ok(());
            }
            if step.taken == 0 {
                // Other posts first, then this one again.
                sleep(PAUSE).await;
                return Ok(());
            }
        }
    }
}
