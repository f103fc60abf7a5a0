//! Which channels are wanted, what of that the connection does not know yet, and who waits for it.

use crate::bus::BusError;
use crate::model::Channel;
use parking_lot::Mutex;
use std::collections::HashSet;
use tokio::sync::{Notify, oneshot};

/// Whether a subscription was confirmed.
pub type Confirmed = Result<(), BusError>;
/// Who waits for it.
pub type Waiter = oneshot::Sender<Confirmed>;

#[derive(Default)]
struct Inner {
    channels: HashSet<Channel>,
    /// There is a connection that is told of changes.
    listening: bool,
    /// There was a connection, or an attempt, and it came to nothing: nobody is kept waiting for the next.
    known_down: bool,
    /// Wanted or not wanted any more since the connection was told.
    changed: HashSet<Channel>,
    /// Each waits for what was wanted before it came.
    waiting: Vec<Waiter>,
    /// Somebody was not kept waiting for what has changed.
    unheard: bool,
}

/// What changed since the connection was told.
pub struct Change {
    /// To be subscribed to.
    pub enter: Vec<Channel>,
    /// To be left.
    pub leave: Vec<Channel>,
    /// Who waits for the former.
    pub waiting: Vec<Waiter>,
    /// Whether somebody went on without it and must be told when it is so.
    pub unheard: bool,
}

/// The wanted channels.
#[derive(Default)]
pub struct Wanted {
    inner: Mutex<Inner>,
    notify: Notify,
}

impl Wanted {
    /// These are wanted. Waits for the connection to confirm them; without one it says so at once, and they are among
    /// those that the next one begins with.
    pub async fn add(&self, channels: &[Channel]) -> Confirmed {
        let confirmed = {
            let mut inner = self.inner.lock();
            inner.channels.extend(channels);
            if inner.listening {
                inner.changed.extend(channels);
            }
            if inner.known_down {
                inner.unheard = true;
                return Err(down());
            }
            let (sender, receiver) = oneshot::channel();
            inner.waiting.push(sender);
            receiver
        };
        self.notify.notify_one();
        confirmed.await.unwrap_or_else(|_| Err(down()))
    }

    /// These are not wanted any more.
    pub fn remove(&self, channels: &[Channel]) {
        let mut inner = self.inner.lock();
        for channel in channels {
            if inner.channels.remove(channel) && inner.listening {
                inner.changed.insert(*channel);
            }
        }
        drop(inner);
        self.notify.notify_one();
    }

    /// Whether a channel is wanted.
    pub fn has(&self, channel: Channel) -> bool {
        self.inner.lock().channels.contains(&channel)
    }

    /// A connection begins: all that is wanted by now, and who waits for it. From here on it is told of changes.
    pub fn begin(&self) -> Change {
        let mut inner = self.inner.lock();
        inner.listening = true;
        let enter = inner.channels.iter().copied().collect();
        Change { enter, leave: Vec::new(), waiting: std::mem::take(&mut inner.waiting), unheard: true }
    }

    /// The connection has confirmed what it began with: from now on it is waited for.
    pub fn up(&self) {
        self.inner.lock().known_down = false;
    }

    /// What changed since it was last asked; waits for a change. `held` is what the connection is subscribed to.
    pub async fn change(&self, held: &HashSet<Channel>) -> Change {
        loop {
            {
                let mut inner = self.inner.lock();
                if !inner.changed.is_empty() || !inner.waiting.is_empty() {
                    let changed = std::mem::take(&mut inner.changed);
                    let waiting = std::mem::take(&mut inner.waiting);
                    let wrong = changed.into_iter().filter(|it| inner.channels.contains(it) != held.contains(it));
                    let (enter, leave) = wrong.partition(|channel| inner.channels.contains(channel));
                    return Change { enter, leave, waiting, unheard: std::mem::take(&mut inner.unheard) };
                }
            }
            self.notify.notified().await;
        }
    }

    /// There is no connection any more: whoever waits is told so, as is whoever comes.
    pub fn down(&self) {
        let mut inner = self.inner.lock();
        (inner.listening, inner.known_down, inner.unheard) = (false, true, false);
        inner.changed.clear();
        for waiting in inner.waiting.drain(..) {
            let _ = waiting.send(Err(down()));
        }
    }
}

fn down() -> BusError {
    BusError("there is no connection".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::conformance::room;
    use futures_util::FutureExt;

    fn set(channels: &[Channel]) -> HashSet<Channel> {
        channels.iter().copied().collect()
    }

    #[tokio::test]
    async fn whoever_comes_first_waits_for_the_first_connection() {
        let wanted = Wanted::default();
        let channels = [room(1)];
        let mut added = Box::pin(wanted.add(&channels));
        assert!((&mut added).now_or_never().is_none());
        let first = wanted.begin();
        assert_eq!(first.enter, [room(1)]);
        first.waiting.into_iter().for_each(|waiting| waiting.send(Ok(())).unwrap());
        assert_eq!(added.await, Ok(()));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_connection_that_is_down_and_the_next_begins_with_all() {
        let wanted = Wanted::default();
        wanted.down();
        assert!(wanted.add(&[room(1)]).await.is_err());
        assert_eq!(set(&wanted.begin().enter), set(&[room(1)]));
        // Until it has confirmed them nobody waits either; what comes then is told to it afterwards.
        assert!(wanted.add(&[room(2)]).await.is_err());
        wanted.up();
        let change = wanted.change(&set(&[room(1)])).await;
        assert_eq!((change.enter, change.unheard), (vec![room(2)], true));
    }

    #[tokio::test]
    async fn only_what_differs_from_what_the_connection_holds_is_told_to_it() {
        let wanted = Wanted::default();
        wanted.begin();
        wanted.up();
        let channels = [room(1), room(2)];
        let mut added = Box::pin(wanted.add(&channels));
        assert!((&mut added).now_or_never().is_none());
        wanted.remove(&[room(2), room(3), room(9)]);
        let change = wanted.change(&set(&[room(3)])).await;
        assert_eq!((change.enter, change.leave, change.waiting.len()), (vec![room(1)], vec![], 1));
        wanted.remove(&[room(1)]);
        let change = wanted.change(&set(&[room(1), room(3)])).await;
        assert_eq!((change.leave, change.unheard), (vec![room(1)], false));
    }
}
