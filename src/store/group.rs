//! Group commit: what waits while one transaction commits goes together in the next.

use super::StoreError;
use super::backend::{Backend, CommitSink, Committed, Grouped};
use super::write::{Mutation, Write};
use std::sync::Arc;

/// The store: reads through [`Store::read`], changes through [`Store::write`].
pub struct Store {
    backend: Arc<dyn Backend>,
}

impl Store {
    /// What can be read.
    pub fn read(&self) -> &dyn Backend {
        self.backend.as_ref()
    }

    /// Makes a change; returns when it is committed and the sink has been told.
    ///
    /// Once called the change may happen even if the caller goes away.
    pub async fn write<M: Mutation>(&self, change: M) -> Result<M::Output, StoreError> {
        let _ = change;
        Err(StoreError::Unavailable("not started".into()))
    }
}
