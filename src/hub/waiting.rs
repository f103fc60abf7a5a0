//! Sockets that would have blocked. Once one of them can take more all are tried, since nobody knows which it was: a slice
//! at a time, so that however many wait, others have the thread in between.

use futures_util::task::AtomicWaker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

/// Most that are tried before others get the thread.
const SLICE: usize = 128;

/// Who waits.
pub struct Waiting<T> {
    all: Vec<T>,
    /// How many were tried in the round that is under way; 0 between two rounds.
    tried: usize,
    stirred: Arc<Stirred>,
    waker: Waker,
}

/// Whether there is to be another round, and who makes it.
#[derive(Default)]
struct Stirred {
    due: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Stirred {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.due.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        let stirred = Arc::<Stirred>::default();
        Self { all: Vec::new(), tried: 0, waker: stirred.clone().into(), stirred }
    }
}

impl<T> Waiting<T> {
    /// One more; it is tried soon, so that it can wake those who try.
    pub fn push(&mut self, one: T) {
        self.all.push(one);
        self.stir();
    }

    /// Who waits, in no order.
    pub fn all(&self) -> &[T] {
        &self.all
    }

    /// All are to be tried again.
    pub fn stir(&self) {
        self.stirred.due.store(true, Ordering::Release);
    }

    /// Whether somebody is to be tried now.
    pub fn is_due(&self) -> bool {
        self.tried > 0 || (!self.all.is_empty() && self.stirred.due.load(Ordering::Acquire))
    }

    /// Tries the next ones of a round, if one is due; whoever is told `false` of waits no more. Each is given what wakes
    /// the task of this context. Says whether somebody waits no more.
    pub fn try_some(&mut self, cx: &Context<'_>, mut waits_on: impl FnMut(&T, &mut Context<'_>) -> bool) -> bool {
        // Before it is looked whether a round is due, or a wake in between would be lost.
        self.stirred.task.register(cx.waker());
        if self.tried == 0 && !self.stirred.due.swap(false, Ordering::AcqRel) {
            return false;
        }
        let (before, waker) = (self.all.len(), self.waker.clone());
        let mut cx = Context::from_waker(&waker);
        for _ in 0..SLICE {
            let Some(one) = self.all.get(self.tried) else { break };
            if waits_on(one, &mut cx) {
                self.tried += 1;
            } else {
                self.all.swap_remove(self.tried);
            }
        }
        if self.tried == self.all.len() {
            self.tried = 0;
        }
        self.all.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who is tried now.
    fn tried(waiting: &mut Waiting<usize>, mut waits_on: impl FnMut(usize) -> bool) -> Vec<usize> {
        let mut tried = Vec::new();
        waiting.try_some(&Context::from_waker(Waker::noop()), |one, _| {
            tried.push(*one);
            waits_on(*one)
        });
        tried
    }

    #[test]
    fn of_many_a_slice_is_tried_at_a_time_and_then_nobody_until_somebody_wakes_them() {
        let mut waiting = Waiting::default();
        (0..300).for_each(|one| waiting.push(one));
        for slice in [0..128, 128..256, 256..300] {
            assert!(waiting.is_due());
            assert_eq!(tried(&mut waiting, |_| true), slice.collect::<Vec<_>>());
        }
        assert!(!waiting.is_due());
        assert!(tried(&mut waiting, |_| true).is_empty());
        waiting.waker.wake_by_ref();
        assert!(waiting.is_due());
        assert_eq!(tried(&mut waiting, |_| true).len(), 128);
    }

    #[test]
    fn who_can_go_on_leaves_and_nobody_is_passed_over_for_it() {
        let mut waiting = Waiting::default();
        (0..200).for_each(|one| waiting.push(one));
        let mut all = tried(&mut waiting, |one| one % 2 == 0);
        all.extend(tried(&mut waiting, |one| one % 2 == 0));
        all.sort_unstable();
        assert_eq!(all, (0..200).collect::<Vec<_>>());
        assert!(!waiting.is_due());
        waiting.stir();
        assert_eq!(tried(&mut waiting, |_| true).len(), 100);
    }

    #[test]
    fn a_wake_in_the_midst_of_a_round_leads_to_another_one() {
        let mut waiting = Waiting::default();
        (0..129).for_each(|one| waiting.push(one));
        assert_eq!(tried(&mut waiting, |_| true).len(), 128);
        waiting.waker.wake_by_ref();
        assert_eq!(tried(&mut waiting, |_| true), [128]);
        assert!(waiting.is_due());
        assert_eq!(tried(&mut waiting, |_| true).len(), 128);
    }
}
