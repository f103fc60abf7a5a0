//! Group commit: what waits while one transaction commits goes together in the next.
//!
//! One task commits. Writes whose channel another process holds leave for that channel's *lane*, a task of its own that
//! waits; later writes of the channel follow them there, so that order is kept and no other channel stalls.

use super::StoreError;
use super::backend::{Backend, CommitSink, Committed, GroupResult, Grouped};
use super::gather::Gather;
use super::lanes::Lanes;
use super::write::{Mutation, Outcome, Write};
use crate::metrics;
use crate::model::clock::SharedClock;
use futures_util::FutureExt;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most members of one transaction. The cost of a commit is spread thin enough long before; a larger group only makes
/// its first member wait longer and a failure hit more.
pub const GROUP_MAX: usize = 256;

/// Most writes that wait for the next groups. Sixteen full groups: a fraction of a second of work; beyond that it is
/// kinder to say `unavailable` at once.
pub const QUEUE_MAX: usize = 4096;

/// A write that waited this long is answered `unavailable` untried: the database is stuck, and whoever asked is gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// The store: reads through [`Store::read`], changes through [`Store::write`].
pub struct Store {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Waiting>,
    stop: CancellationToken,
}

/// How many groups were committed, and how many writes in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    /// Transactions.
    pub groups: u64,
    /// Writes in them.
    pub members: u64,
}

/// A write and whoever waits for its answer.
pub(super) struct Waiting {
    pub(super) write: Write,
    since: Instant,
    answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

impl Waiting {
    /// A write since now, and where its answer comes.
    pub(super) fn new(write: Write, since: Instant) -> (Self, oneshot::Receiver<Result<Outcome, StoreError>>) {
        let (answer, answered) = oneshot::channel();
        (Self { write, since, answer }, answered)
    }

    /// Answers without having tried.
    pub(super) fn turn_away(self, why: &str) {
        let _ = self.answer.send(Err(StoreError::Unavailable(why.to_owned())));
    }
}

/// What the committing tasks share.
pub(super) struct Shared {
    pub(super) backend: Arc<dyn Backend>,
    clock: SharedClock,
    sink: Arc<dyn CommitSink>,
    pub(super) tasks: TaskTracker,
    groups: AtomicU64,
    members: AtomicU64,
}

impl Store {
    /// Starts the task that commits. `sink` hears of each group's events before those who asked are answered. Reactions to
    /// a comment that many react to wait up to `gathered` for one another.
    pub fn start(backend: Arc<dyn Backend>, clock: SharedClock, sink: Arc<dyn CommitSink>, gathered: Duration) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            backend,
            clock,
            sink,
            tasks: TaskTracker::new(),
            groups: AtomicU64::new(0),
            members: AtomicU64::new(0),
        });
        let gather = Gather::new(gathered, shared.clock.instant());
        shared.tasks.spawn(commit_groups(shared.clone(), waiting, gather, stop.clone()));
        Self { shared, queue, stop }
    }

    /// What can be read.
    pub fn read(&self) -> &dyn Backend {
        self.shared.backend.as_ref()
    }

    /// Makes a change; returns when it is committed and the sink has been told.
    ///
    /// Once called the change may happen even if the caller goes away. [`StoreError::Unavailable`] at once while too many
    /// writes wait, and after [`close`](Self::close).
    pub async fn write<M: Mutation>(&self, change: M) -> Result<M::Output, StoreError> {
        let (waiting, answered) = Waiting::new(change.into(), self.shared.clock.instant());
        self.queue.try_send(waiting).map_err(|refused| {
            StoreError::Unavailable(match refused {
                mpsc::error::TrySendError::Full(_) => "too many writes wait".into(),
                mpsc::error::TrySendError::Closed(_) => "the store is closed".into(),
            })
        })?;
        let outcome = answered.await.map_err(|_| StoreError::Unavailable("the outcome is unknown".into()))??;
        M::output(outcome).ok_or_else(|| StoreError::Internal("the answer to another write".into()))
    }

    /// How much was committed since the start.
    pub fn groups(&self) -> Groups {
        Groups {
            groups: self.shared.groups.load(Ordering::Relaxed),
            members: self.shared.members.load(Ordering::Relaxed),
        }
    }

    /// Takes no more writes, finishes those that wait, and lets the database go.
    pub async fn close(&self) {
        self.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.backend.close().await;
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    /// Commits what waits through `commit`, tells the sink, answers the callers; members that are held come back.
    async fn commit(&self, group: Vec<Waiting>, wait: bool) -> Vec<Waiting> {
        let instant = self.clock.instant();
        let (group, late): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|waiting| instant.saturating_duration_since(waiting.since) < PATIENCE);
        late.into_iter().for_each(|waiting| waiting.turn_away("the database is stuck"));
        if group.is_empty() {
            return Vec::new();
        }
        let (writes, callers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|Waiting { write, since, answer }| (write, (since, answer))).unzip();
        let members = writes.len();
        let now = self.clock.now();
        let committing = async {
            if wait {
                let done: GroupResult = self.backend.commit_waiting(writes, now).await;
                done.into_iter().map(Grouped::Done).collect()
            } else {
                self.backend.commit(writes, now).await
            }
        };
        let grouped = AssertUnwindSafe(committing).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(members, "committing a group panicked");
            Vec::new()
        });

        let mut events = Vec::new();
        let mut answers = Vec::with_capacity(members);
        let mut held = Vec::new();
        // A back end that answers for fewer than it was given has failed for the rest.
        let unanswered = || Grouped::Done(Err(StoreError::Unavailable("the outcome is unknown".into())));
        for ((since, answer), member) in
            callers.into_iter().zip(grouped.into_iter().chain(std::iter::repeat_with(unanswered)))
        {
            match member {
                Grouped::Done(Ok(Committed { outcome, events: appended })) => {
                    events.extend(appended);
                    answers.push((answer, Ok(outcome)));
                }
                Grouped::Done(Err(error)) => answers.push((answer, Err(error))),
                Grouped::Held(write) => held.push(Waiting { write, since, answer }),
            }
        }
        let took = self.clock.instant().saturating_duration_since(instant);
        if !answers.is_empty() {
            self.observe(answers.len(), took);
        }
        metrics::events_appended(events.iter().map(|event| &*event.kind));
        if !events.is_empty() && catch_unwind(AssertUnwindSafe(|| self.sink.committed(events))).is_err() {
            tracing::error!("telling of a committed group panicked");
        }
        for (answer, result) in answers {
            // A caller that went away changes nothing: what is committed is committed.
            let _ = answer.send(result);
        }
        held
    }

    /// Commits a lane's group, waiting for the row.
    pub(super) async fn commit_waiting(&self, group: Vec<Waiting>) {
        self.commit(group, true).await;
    }

    /// The one place that sees the size of every group.
    fn observe(&self, members: usize, took: Duration) {
        metrics::group_committed(members, took);
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.members.fetch_add(u64::try_from(members).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Commits group after group until the store is closed and nothing waits any more.
async fn commit_groups(
    shared: Arc<Shared>,
    mut waiting: mpsc::Receiver<Waiting>,
    mut gather: Gather,
    stop: CancellationToken,
) {
    let lanes = Arc::new(Lanes::default());
    let mut group = Vec::with_capacity(GROUP_MAX);
    let mut fresh = Vec::with_capacity(GROUP_MAX);
    loop {
        // Callers just answered get to say what they want next: without this every other group is a small one.
        tokio::task::yield_now().await;
        let now = shared.clock.instant();
        gather.take(&mut group, now);
        let next = gather.next(now);
        let taken = tokio::select! {
            biased;
            () = stop.cancelled(), if !waiting.is_closed() => {
                waiting.close();
                gather.end();
                continue;
            }
            taken = waiting.recv_many(&mut fresh, GROUP_MAX - group.len()), if group.len() < GROUP_MAX => taken,
            // What has waited long enough waits for nothing else.
            () = ready(()), if !group.is_empty() => 0,
            () = sleep(next.map_or(Duration::ZERO, |(_, wait)| wait)), if next.is_some() => {
                next.into_iter().for_each(|(due_us, _)| gather.pass(due_us));
                continue;
            }
        };
        group.append(&mut gather.keep(std::mem::take(&mut fresh), shared.clock.instant()));
        if !group.is_empty() {
            let group = lanes.divert(&shared, std::mem::take(&mut group)).await;
            let held = shared.commit(group, false).await;
            lanes.hold(&shared, held).await;
        } else if taken == 0 {
            // Nobody writes any more: what is left in there is the last.
            gather.end();
            if gather.is_empty() {
                return;
            }
        }
    }
}
