//! The database's epoch as last read.

use std::sync::Arc;
use tokio::sync::watch;

/// The epoch that answers carry, kept by whoever polls the database and read by everyone.
///
/// An answer may carry the epoch of a moment ago; a client that then subscribes with it is told `recovered: false`, which
/// is right: the database became another one in between.
#[derive(Debug, Clone)]
pub struct EpochCell(Arc<watch::Sender<Arc<str>>>);

impl Default for EpochCell {
    /// Nothing was read yet: the epoch is the empty text.
    fn default() -> Self {
        Self::new("")
    }
}

impl EpochCell {
    /// Begins with what was read at the start.
    pub fn new(epoch: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(watch::Sender::new(epoch.into())))
    }

    /// The epoch as last read.
    pub fn get(&self) -> Arc<str> {
        self.0.borrow().clone()
    }

    /// Completes with the epoch as soon as it is another one than `known`.
    pub async fn other_than(&self, known: &str) -> Arc<str> {
        let mut reads = self.0.subscribe();
        let read = reads.wait_for(|epoch| **epoch != *known).await.map(|epoch| epoch.clone());
        match read {
            Ok(epoch) => epoch,
            // The sender is this cell's own and cannot be gone.
            Err(_) => std::future::pending().await,
        }
    }

    /// Takes over what was read; answers whether it differs from before, so that the database became another one.
    pub fn set(&self, epoch: &str) -> bool {
        self.0.send_if_modified(|now| {
            let differs = **now != *epoch;
            if differs {
                *now = epoch.into();
            }
            differs
        })
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

    #[tokio::test]
    async fn whoever_waits_for_another_epoch_is_told_of_it() {
        let cell = EpochCell::default();
        let (read, ()) = tokio::join!(cell.other_than(""), async {
            assert!(!cell.set(""));
            assert!(cell.set("a"));
        });
        assert_eq!(&*read, "a");
        assert_eq!(&*cell.other_than("b").await, "a");
    }
}
