//! Keeping a log in memory.

use super::log::ChannelLog;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Keeps a log in memory for as long as it lives.
pub struct Watch(Arc<ChannelLog>);

impl Watch {
    /// One more watcher.
    pub fn new(log: Arc<ChannelLog>) -> Self {
        log.watchers.fetch_add(1, Ordering::SeqCst);
        Self(log)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.watchers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl std::ops::Deref for Watch {
    type Target = Arc<ChannelLog>;
    fn deref(&self) -> &Arc<ChannelLog> {
        &self.0
    }
}
