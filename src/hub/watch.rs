//! Keeping a log in memory.

use super::log::ChannelLog;
use std::sync::Arc;

/// Keeps a log in memory for as long as it lives.
pub struct Watch(Arc<ChannelLog>);

impl Watch {
    /// One more watcher.
    pub fn new(log: Arc<ChannelLog>) -> Self {
        log.audience.enter();
        Self(log)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.audience.leave();
    }
}

impl std::ops::Deref for Watch {
    type Target = Arc<ChannelLog>;
    fn deref(&self) -> &Arc<ChannelLog> {
        &self.0
    }
}
