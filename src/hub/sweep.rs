//! The sweep: about once a second the heads of all watched channels are compared with the database, and its epoch and
//! time are read. Whatever the bus, or a lost answer to a COMMIT, kept from this instance is found here.

use super::Core;
use super::inbox::Told;
use super::loader::until_end;
use super::log::ChannelLog;
use crate::model::Channel;
use crate::store::read::Head;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::sleep;

/// Channels compared by one query.
const CHANNELS_AT_ONCE: usize = 20_000;

/// Sweeps until the hub ends.
pub async fn run(core: Arc<Core>) {
    loop {
        let pause = pause(core.config.sweep.interval, |most| core.entropy.below(most));
        if until_end(&core, sleep(pause)).await.is_none() {
            return;
        }
        let Some(swept) = until_end(&core, sweep(&core, pause)).await else { return };
        core.observer.swept(swept.is_ok());
    }
}

/// The interval, a third less to a third more: instances that began together do not ask together for ever.
fn pause(interval: Duration, below: impl FnOnce(u64) -> u64) -> Duration {
    let shortest = interval * 2 / 3;
    shortest + Duration::from_micros(below(shortest.as_micros() as u64 + 1))
}

/// One sweep.
pub(super) async fn sweep(core: &Core, pause: Duration) -> Result<(), ()> {
    let control = core.store.control().await.map_err(|_| ())?;
    core.clock.set(control.now);
    let replaced = core.epoch.set(&control.epoch);
    if replaced {
        tracing::warn!(epoch = control.epoch, "the database is another one: every channel is told to resync");
    }
    if replaced || core.resync_due.swap(false, Ordering::Relaxed) {
        resync(core, core.registry.iter().map(|log| log.value().clone()).collect()).await?;
    }
    forget_idle(core, pause).await;
    keep_budget(core);
    let logs: Vec<Arc<ChannelLog>> = core.registry.iter().map(|log| log.value().clone()).collect();
    for some in logs.chunks(CHANNELS_AT_ONCE) {
        compare(core, some).await?;
    }
    Ok(())
}

async fn compare(core: &Core, logs: &[Arc<ChannelLog>]) -> Result<(), ()> {
    let placed: Vec<(&Arc<ChannelLog>, i64)> = logs.iter().filter_map(|log| Some((log, log.head()?))).collect();
    if placed.is_empty() {
        return Ok(());
    }
    let known: Vec<(Channel, i64)> = placed.iter().map(|(log, head)| (log.channel, *head)).collect();
    let moved = core.store.moved(&known).await.map_err(|_| ())?;
    let mut behind = Vec::new();
    let mut back = Vec::new();
    for (log, head_before) in placed {
        let Some(row) = moved.get(&log.channel) else { continue };
        match row {
            // Compared with the head as it is by now: what was committed meanwhile has mostly come by itself.
            // What is missing between head and floor is deleted: nothing can fill it.
            Some(Head { floor, .. }) if log.head().is_some_and(|head| head < *floor) => back.push(Arc::clone(log)),
            Some(Head { seq, .. }) if log.head().is_some_and(|head| head < *seq) => {
                behind.push((log.channel, log.head().unwrap_or(0)));
            }
            Some(Head { seq, .. }) if *seq < head_before => back.push(Arc::clone(log)),
            None => back.push(Arc::clone(log)),
            Some(_) => {}
        }
    }
    if !back.is_empty() {
        tracing::error!(channels = back.len(), "heads went back, or what followed them is deleted: told to resync");
        resync(core, back).await?;
    }
    core.fill(behind).await
}

/// Places logs anew and sees to it that everybody who follows them is told where to go on: not in one moment, since
/// each of them will fetch. Until a socket is told, it is told nothing of what the log says by then.
async fn resync(core: &Core, logs: Vec<Arc<ChannelLog>>) -> Result<(), ()> {
    logs.iter().for_each(|log| log.reset());
    if logs.iter().any(|log| log.channel == Channel::Revocations) {
        // What passed the gate before has reached the observer by then.
        let _in_order = core.observing.lock();
        core.observer.replaced();
    }
    let channels: Vec<Channel> = logs.iter().map(|log| log.channel).collect();
    let mut rows: HashMap<Channel, Head> = HashMap::new();
    let mut failed = false;
    for some in channels.chunks(CHANNELS_AT_ONCE) {
        match core.store.heads(some).await {
            Ok(heads) => rows.extend(heads),
            Err(_) => failed = true,
        }
    }
    if failed {
        // Asked again by the next sweep: until then the logs stand nowhere and nothing is delivered.
        core.resync_due.store(true, Ordering::Relaxed);
        return Err(());
    }
    for log in logs {
        let row = rows.get(&log.channel).copied();
        let accepted = log.place(Ok(row), log.generation(), core.bounds(), core.now_ms());
        core.after(&log, accepted);
        if log.head().is_some() {
            for inbox in &core.inboxes {
                inbox.tell(Told::Resync(log.clone()));
            }
        } else {
            // The room is gone with the database it was in: walking it tells those who follow it.
            for (shard, inbox) in core.inboxes.iter().enumerate() {
                if log.audience.members() & (1 << shard) != 0 {
                    inbox.news(log.clone());
                }
            }
        }
    }
    Ok(())
}

/// Lets logs go that nobody has watched for a while.
async fn forget_idle(core: &Core, pause: Duration) {
    let step = pause.as_millis().max(1);
    let linger = core.config.channel_linger.as_millis();
    let idle: Vec<Channel> = core
        .registry
        .iter()
        .filter(|log| u128::from(log.audience.idle_sweeps()) * step > linger)
        .map(|log| log.channel)
        .collect();
    let mut gone = Vec::new();
    for channel in idle {
        if core.registry.remove_if(&channel, |_, log| log.audience.is_unwatched()).is_some() {
            gone.push(channel);
        }
    }
    core.leave_bus(gone).await;
}

/// Takes from the tails of logs until all together keep within their budget: first from those that nobody watches.
fn keep_budget(core: &Core) {
    let over = || core.tail_bytes.load(Ordering::Relaxed) > core.config.tail_budget;
    if !over() {
        return;
    }
    let logs: Vec<Arc<ChannelLog>> = core.registry.iter().map(|log| log.value().clone()).collect();
    for log in logs.iter().filter(|log| log.audience.is_unwatched()) {
        log.forget_tail();
    }
    for log in &logs {
        if over() {
            log.shrink();
        }
    }
}

impl Core {
    /// Receives channels no more that have left memory.
    pub(super) async fn leave_bus(&self, mut gone: Vec<Channel>) {
        if gone.is_empty() {
            return;
        }
        self.bus.unsubscribe(&gone).await;
        // Somebody may have come back in between; what was published meanwhile is found by the next sweep.
        gone.retain(|channel| self.registry.contains_key(channel));
        self.hear(&gone).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_the_interval_give_or_take_a_third() {
        for (interval, shortest, longest) in [(750, 500, 1_000), (1_200, 800, 1_600), (60, 40, 80)] {
            let paused = |below: fn(u64) -> u64| pause(Duration::from_millis(interval), below).as_millis();
            assert_eq!((paused(|_| 0), paused(|most| most - 1)), (shortest, longest));
        }
    }
}
