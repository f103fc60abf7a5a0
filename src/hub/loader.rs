//! What the hub reads from the store, gathered: one query for all channels that wait, however many sockets ask.

use super::Core;
use super::log::{ChannelLog, Missing};
use crate::metrics;
use crate::model::Channel;
use crate::store::read::Stretch;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};

/// Channels placed by one query.
const HEADS_AT_ONCE: usize = 10_000;
/// Tails read by one query: up to 1,024 events each.
const HISTORIES_AT_ONCE: usize = 32;
/// Events read by one step of a repair, within half a tail: what a step lets in must not push out the step before it,
/// which sockets are only just being told of.
const REPAIR_EVENTS: (i64, i64) = (64, 1_024);
/// Time given to the event that a hole waits for before the store is asked.
const REPAIR_DELAY: Duration = Duration::from_millis(50);
/// Time the bus has to confirm a subscription before the head is read without it.
const BUS_PATIENCE: Duration = Duration::from_secs(1);

/// What waits to be read. A channel stands in each list at most once, in the last one once for each socket that waits.
#[derive(Default)]
pub struct Loader {
    heads: List<(Arc<ChannelLog>, u16)>,
    histories: List<(Arc<ChannelLog>, Missing)>,
    repairs: List<Arc<ChannelLog>>,
    ahead: List<(Arc<ChannelLog>, oneshot::Sender<()>)>,
}

struct List<T> {
    items: Mutex<Vec<T>>,
    notify: Notify,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Mutex::default(), notify: Notify::new() }
    }
}

impl<T> List<T> {
    fn push(&self, item: T) {
        self.items.lock().push(item);
        self.notify.notify_one();
    }

    async fn take(&self, most: usize) -> Vec<T> {
        loop {
            {
                let mut items = self.items.lock();
                if !items.is_empty() {
                    let rest = items.len().min(most);
                    let rest = items.split_off(rest);
                    if !rest.is_empty() {
                        self.notify.notify_one();
                    }
                    return std::mem::replace(&mut *items, rest);
                }
            }
            self.notify.notified().await;
        }
    }
}

impl Loader {
    /// Where a log stands is to be read.
    pub fn want_head(&self, log: Arc<ChannelLog>) {
        let generation = log.generation();
        self.heads.push((log, generation));
    }

    /// What lies before the tail is to be read.
    pub fn want_history(&self, log: Arc<ChannelLog>, missing: Missing) {
        self.histories.push((log, missing));
    }

    /// A hole is to be filled.
    pub fn want_repair(&self, log: Arc<ChannelLog>) {
        self.repairs.push(log);
    }

    /// A socket knows of more than this log does; completes when the store was asked for it after this.
    pub async fn catch_up(&self, log: Arc<ChannelLog>) {
        let (sender, receiver) = oneshot::channel();
        self.ahead.push((log, sender));
        let _ = receiver.await;
    }
}

/// Places channels: bus first, then the head, so that nothing falls between.
pub async fn heads(core: Arc<Core>) {
    while let Some(logs) = until_end(&core, core.loader.heads.take(HEADS_AT_ONCE)).await {
        let channels: Vec<Channel> = logs.iter().map(|(log, _)| log.channel).collect();
        core.hear(&channels).await;
        let heads = core.store.heads(&channels).await;
        for (log, generation) in logs {
            let head = heads.as_ref().map(|heads| heads.get(&log.channel).copied()).map_err(|_| ());
            let accepted = log.place(head, generation, core.bounds(), core.now_ms());
            core.after(&log, accepted);
        }
    }
}

/// Reads what lies before tails.
pub async fn histories(core: Arc<Core>) {
    while let Some(wanted) = until_end(&core, core.loader.histories.take(HISTORIES_AT_ONCE)).await {
        let most = core.config.tail_events as i64;
        let stretches: Vec<Stretch> = wanted
            .iter()
            .map(|(log, missing)| {
                let after = (missing.head - most).max(0);
                Stretch { channel: log.channel, after, limit: (missing.start - 1 - after).max(0), last: false }
            })
            .collect();
        let mut events = core.store.events(&stretches).await;
        for (log, missing) in wanted {
            let read = events.as_mut().map(|events| events.remove(&log.channel).unwrap_or_default()).map_err(|_| ());
            log.put_history(read, missing, core.bounds_within_budget(), core.now_ms());
        }
    }
}

/// Reads on in logs that sockets are ahead of: one query for all who came while the last one was read.
pub async fn catch_up(core: Arc<Core>) {
    while let Some(waiting) = until_end(&core, core.loader.ahead.take(usize::MAX)).await {
        let mut behind: Vec<_> = waiting.iter().filter_map(|(log, _)| Some((log.channel, log.head()?))).collect();
        behind.sort_unstable();
        behind.dedup_by_key(|(channel, _)| *channel);
        // Those who wait find out for themselves whether it is there now.
        let _ = core.fill(behind).await;
    }
}

/// Fills holes: what a gate misses is read from the store and passes the same gate.
pub async fn repairs(core: Arc<Core>) {
    while let Some(logs) = until_end(&core, core.loader.repairs.take(HISTORIES_AT_ONCE)).await {
        if until_end(&core, sleep(REPAIR_DELAY)).await.is_none() {
            return;
        }
        let holes: Vec<_> = logs.iter().map(|log| (log.channel, log.hole())).collect();
        let behind = holes.iter().filter_map(|(channel, hole)| Some((*channel, (*hole)?))).collect();
        let read = core.fill(behind).await.is_ok();
        for (log, (_, before)) in logs.into_iter().zip(holes) {
            match log.hole() {
                None if before.is_some() => metrics::gate_repaired(),
                None => {}
                // Nothing came of it: the sweep finds out what became of the missing events.
                Some(_) if !read || log.hole() == before => log.give_up_repair(),
                Some(_) => core.loader.want_repair(log),
            }
        }
    }
}

impl Core {
    /// Begins to hear channels from other instances. A bus that is down or silent delays nobody for long: once it has
    /// confirmed them after all, it reports a gap, and heads are compared again.
    pub(super) async fn hear(&self, channels: &[Channel]) {
        let _ = timeout(BUS_PATIENCE, self.bus.subscribe(channels)).await;
    }

    /// Reads what follows these heads, to the end, and hands it to the gates.
    pub(super) async fn fill(&self, mut behind: Vec<(Channel, i64)>) -> Result<(), ()> {
        let step = (self.config.tail_events as i64 / 2).clamp(REPAIR_EVENTS.0, REPAIR_EVENTS.1);
        while !behind.is_empty() {
            let some = behind.split_off(behind.len().saturating_sub(HISTORIES_AT_ONCE));
            let stretches: Vec<Stretch> = some
                .iter()
                .map(|(channel, head)| Stretch { channel: *channel, after: *head, limit: step, last: false })
                .collect();
            let read = self.store.events(&stretches).await.map_err(|_| ())?;
            let more = read.iter().filter(|(_, events)| events.len() as i64 == step);
            behind.extend(more.filter_map(|(channel, events)| Some((*channel, events.last()?.seq))));
            self.accept(read.into_values().flatten().collect());
            // Those who are told come first.
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Waits for something, or for the hub's end.
pub async fn until_end<T>(core: &Core, wanted: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = core.ended.cancelled() => None,
        result = wanted => Some(result),
    }
}
