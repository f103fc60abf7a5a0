//! Sockets that lag. Events cost nothing while they wait, being read from the log; what a socket holds of its own is the
//! frame it has begun and the answers behind it. First it is left out when signals go round. Once the log no longer
//! reaches back to its cursor it is told to fetch anew. It is closed when it lets too many answers wait, or takes
//! nothing for too long, or when all sockets together hold more than the process may: then those that hold most go first.

use super::Core;
use super::conn::Conn;
use super::inbox::Told;
use super::loader::until_end;
use super::outbox::Outbox;
use super::shard::{CARRIED_OUT, CLOSE_GRACE};
use super::writer::Phase;
use crate::metrics::{self, Slow};
use crate::model::Timestamp;
use crate::protocol::codes::CloseCode;
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

/// Time until the sockets are weighed again, where nothing could be taken from any: one is just being written to.
const AGAIN: Duration = Duration::from_millis(5);

/// What all sockets together hold, and may hold.
pub struct Lag {
    /// Bytes that may wait for one socket.
    pub max_outbox: usize,
    max_bytes: usize,
    held: AtomicUsize,
    exceeded: Notify,
}

impl Lag {
    /// Nothing is held.
    pub fn new(max_outbox: usize, max_bytes: usize) -> Self {
        Self { max_outbox, max_bytes, held: AtomicUsize::new(0), exceeded: Notify::new() }
    }

    /// A socket that held `before` bytes holds `after`.
    pub fn account(&self, before: usize, after: usize) {
        metrics::lag_bytes(after as i64 - before as i64);
        if after < before {
            self.held.fetch_sub(before - after, Ordering::Relaxed);
            return;
        }
        let held = self.held.fetch_add(after - before, Ordering::Relaxed) + (after - before);
        if held > self.max_bytes {
            self.exceeded.notify_one();
        }
    }

    /// Bytes that are held.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether more is held than may be.
    fn is_exceeded(&self) -> bool {
        self.held() > self.max_bytes
    }
}

/// Keeps what sockets hold within the bound, until the hub ends.
pub async fn run(core: Arc<Core>) {
    while until_end(&core, core.lag.exceeded.notified()).await.is_some() {
        while core.lag.is_exceeded() {
            let Some(laggards) = until_end(&core, core.laggards()).await else { return };
            if !core.relieve(&laggards) && until_end(&core, sleep(AGAIN)).await.is_none() {
                return;
            }
        }
    }
}

impl Core {
    /// The sockets that would block, of all shards.
    async fn laggards(&self) -> Vec<Arc<Conn>> {
        let (answer, mut answers) = mpsc::channel(self.inboxes.len());
        self.inboxes.iter().for_each(|inbox| inbox.tell(Told::Weigh(answer.clone())));
        drop(answer);
        let mut laggards = Vec::new();
        while let Some(some) = answers.recv().await {
            laggards.extend(some);
        }
        laggards
    }

    /// Closes those that hold most until the rest is within the bound: their answers are given up, a begun frame may
    /// still end. Where begun frames alone are too much, sockets are cut. Whether there was any to close.
    fn relieve(&self, laggards: &[Arc<Conn>]) -> bool {
        let now_ms = self.now_ms();
        let mut relieved = false;
        for give_up in [Self::give_up, Self::cut] {
            for conn in heaviest_first(laggards) {
                if !self.lag.is_exceeded() {
                    return relieved;
                }
                relieved |= give_up(self, &conn, now_ms);
            }
        }
        relieved
    }

    fn give_up(&self, conn: &Arc<Conn>, now_ms: u64) -> bool {
        let mut writer = conn.lock();
        let open = writer.phase == Phase::Open;
        if open {
            metrics::slow_closed(Slow::Memory);
            writer.outbox = Outbox::default();
            conn.begin_close(&mut writer, CloseCode::Silent, now_ms);
            if conn.settle(&mut writer, now_ms) {
                self.inbox_of(conn).tell(Told::Visit(conn.clone()));
            }
        }
        open
    }

    fn cut(&self, conn: &Arc<Conn>, now_ms: u64) -> bool {
        let mut writer = conn.lock();
        let there = writer.phase != Phase::Gone;
        if there {
            writer.end(now_ms);
            conn.io.cut();
            if !std::mem::replace(&mut writer.waiting, true) {
                self.inbox_of(conn).tell(Told::Visit(conn.clone()));
            }
        }
        there
    }

    /// Looks at one socket; whether its shard must visit it.
    pub(super) fn look(&self, conn: &Arc<Conn>, now_ms: u64, now: Timestamp) -> bool {
        let passed = |since: u64, limit: Duration| u128::from(now_ms.saturating_sub(since)) > limit.as_millis();
        let mut writer = conn.lock();
        let stalled = || writer.stalled_since().is_some_and(|since| passed(since, self.config.slow_timeout));
        let cut = match writer.phase {
            Phase::Gone => return false,
            Phase::Closing(since) => passed(since, CLOSE_GRACE),
            Phase::Open => stalled(),
        };
        if cut {
            if writer.phase == Phase::Open {
                metrics::slow_closed(Slow::Stalled);
            }
            writer.end(now_ms);
            conn.io.cut();
            return !std::mem::replace(&mut writer.waiting, true);
        }
        let begun = conn.begun_ms.load(Ordering::Relaxed);
        // Nothing is read from a socket while its message is carried out: then it may be we who do not listen.
        let two = self.config.heartbeat * 2;
        let patience = if conn.is_busy() { two.max(CARRIED_OUT) } else { two };
        let slow = if passed(conn.heard_ms.load(Ordering::Relaxed), patience) {
            Some(Slow::Silent)
        } else if begun > 0 && passed(begun, self.config.frame_timeout) {
            Some(Slow::Unfinished)
        } else {
            None
        };
        let unknown = writer.connect_by_ms > 0 && now_ms > writer.connect_by_ms
            || writer.expires_at > 0 && now.seconds() >= writer.expires_at;
        match (writer.phase, slow) {
            (Phase::Open, Some(cause)) => {
                metrics::slow_closed(cause);
                conn.begin_close(&mut writer, CloseCode::Silent, now_ms);
            }
            (Phase::Open, None) if unknown => conn.begin_close(&mut writer, CloseCode::Unauthenticated, now_ms),
            _ => return false,
        }
        conn.settle(&mut writer, now_ms)
    }
}

/// Those that hold anything, by how much; of those that hold as much, the one that has taken nothing for longest first.
fn heaviest_first(conns: &[Arc<Conn>]) -> Vec<Arc<Conn>> {
    let weigh = |conn: &Arc<Conn>| {
        let writer = conn.lock();
        (Reverse(writer.held()), writer.moved_ms, conn.id)
    };
    let mut weighed: Vec<_> = conns.iter().map(|conn| (weigh(conn), conn)).collect();
    weighed.retain(|((held, ..), _)| held.0 > 0);
    weighed.sort_unstable_by_key(|(weight, _)| *weight);
    weighed.into_iter().map(|(_, conn)| conn.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn as_much_as_may_be_held_is_not_too_much_and_one_byte_more_is() {
        let lag = Lag::new(10, 100);
        lag.account(0, 60);
        lag.account(0, 40);
        assert_eq!((lag.held(), lag.is_exceeded()), (100, false));
        assert!(lag.exceeded.notified().now_or_never().is_none());
        lag.account(40, 41);
        assert_eq!((lag.held(), lag.is_exceeded()), (101, true));
        assert!(lag.exceeded.notified().now_or_never().is_some());
        lag.account(60, 59);
        assert!(!lag.is_exceeded());
    }
}
