//! The database's epoch as last read.

use parking_lot::RwLock;
use std::sync::Arc;

/// The epoch that answers carry, kept by whoever polls the database and read by everyone.
///
/// An answer may carry the epoch of a moment ago; a client that then subscribes with it is told `recovered: false`, which
/// is right: the database became another one in between.
#[derive(Debug, Clone)]
pub struct EpochCell(Arc<RwLock<Arc<str>>>);

impl EpochCell {
    /// Begins with what was read at the start.
    pub fn new(epoch: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(RwLock::new(epoch.into())))
    }

    /// The epoch as last read.
    pub fn get(&self) -> Arc<str> {
        self.0.read().clone()
    }

    /// Takes over what was read; answers whether it differs from before, so that the database became another one.
    pub fn set(&self, epoch: &str) -> bool {
        let mut now = self.0.write();
        let differs = **now != *epoch;
        if differs {
            *now = epoch.into();
        }
        differs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_who_hold_the_cell_see_the_epoch_change() {
        let cell = EpochCell::new("a");
        let reader = cell.clone();
        assert!(!cell.set("a"));
        assert!(cell.set("b"));
        assert_eq!(&*reader.get(), "b");
    }
}
