//! The database's epoch as this instance last read it.

use parking_lot::RwLock;
use std::sync::Arc;

/// One value per database; another one means that nothing kept in memory of the old one holds.
#[derive(Debug, Clone, Default)]
pub struct EpochCell(Arc<RwLock<Arc<str>>>);

impl EpochCell {
    /// Starts with what was read.
    pub fn new(epoch: &str) -> Self {
        Self(Arc::new(RwLock::new(epoch.into())))
    }

    /// The epoch.
    pub fn get(&self) -> Arc<str> {
        self.0.read().clone()
    }

    /// Takes over what was read; says whether it is another one.
    pub fn set(&self, epoch: &str) -> bool {
        let mut cell = self.0.write();
        let other = **cell != *epoch;
        if other {
            *cell = epoch.into();
        }
        other
    }
}
