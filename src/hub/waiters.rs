//! Who waits for an answer of the store.

use super::log::Placed;
use tokio::sync::oneshot;

/// Those who wait for one answer; a pointer while nobody does, for most logs are asked for once.
#[derive(Default)]
#[expect(clippy::box_collection, reason = "every idle log holds this")]
pub struct Waiters(Option<Box<Vec<oneshot::Sender<Placed>>>>);

impl Waiters {
    /// One more; and whether they are the first.
    pub fn join(&mut self) -> (oneshot::Receiver<Placed>, bool) {
        let (sender, receiver) = oneshot::channel();
        let first = self.0.is_none();
        self.0.get_or_insert_default().push(sender);
        (receiver, first)
    }

    /// Tells all of them.
    pub fn answer(&mut self, placed: Placed) {
        for waiting in self.0.take().into_iter().flat_map(|all| *all) {
            let _ = waiting.send(placed);
        }
    }

    /// Leaves all of them without an answer.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}
