//! Counting for all instances together: one script on one key, by Redis' own clock. Whoever asks is answered in time or
//! told that nobody knows; after a failure nobody waits again until a word to oneself has come back.

use super::{RedisBus, Shared};
use crate::bus::tally::{Allowance, Counted, Key, Tally};
use crate::metrics::{self, Uncounted};
use async_trait::async_trait;
use fred::clients::Client;
use fred::interfaces::LuaInterface;
use parking_lot::Mutex;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Time for an answer. Redis answers within a millisecond; who waits here is somebody who signs in or comments.
const PATIENCE: Duration = Duration::from_millis(150);
/// Of a key Redis keeps the moment up to which what was admitted is paid for, and no longer than until then. The answer is
/// how long to wait, 0 where it was admitted; all in microseconds. Where Redis' clock was put back nobody owes more than a
/// full burst. The text goes along each time: it is shorter than what it takes to find out that Redis has forgotten it.
const COUNT: &str = "\
local time = redis.call('TIME')
local now, every = time[1] * 1000000 + time[2], tonumber(ARGV[1])
local most = now + every * ARGV[2]
local paid = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now), most)
if paid + every > most then return paid + every - most end
redis.call('SET', KEYS[1], string.format('%.0f', paid + every), 'PX', math.ceil((paid + every - now) / 1000))
return 0";

/// What is asked, and since when it has not answered.
#[derive(Default)]
pub struct Counter {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    client: Option<Client>,
    failed: Option<Instant>,
}

impl Counter {
    /// From now on this connection is asked.
    pub fn up(&self, client: Client) {
        *self.inner.lock() = Inner { client: Some(client), failed: None };
    }

    /// There is nobody to be asked.
    pub fn down(&self) {
        *self.inner.lock() = Inner::default();
    }

    /// Who is to be asked; `heard` is when a word to oneself came back last.
    fn client(&self, heard: Option<Instant>) -> Result<Client, Uncounted> {
        let mut inner = self.inner.lock();
        if inner.failed.is_some_and(|failed| heard.is_none_or(|heard| heard <= failed)) {
            return Err(Uncounted::Failed);
        }
        inner.failed = None;
        inner.client.clone().ok_or(Uncounted::Down)
    }

    fn failed(&self, at: Instant) {
        self.inner.lock().failed = Some(at);
    }
}

#[async_trait]
impl Tally for RedisBus {
    async fn count(&self, key: Key, allowance: Allowance) -> Counted {
        match self.shared.count(key, allowance).await {
            Ok(0) => Counted::Admitted,
            Ok(wait) => Counted::Refused(Duration::from_micros(wait)),
            Err(why) => {
                metrics::limit_uncounted(why);
                Counted::Unknown
            }
        }
    }
}

impl Shared {
    async fn count(&self, key: Key, allowance: Allowance) -> Result<u64, Uncounted> {
        let client = self.counter.client(self.heard_at())?;
        let every = i64::try_from(allowance.every().as_micros()).unwrap_or(i64::MAX);
        let name = name(&self.epoch.get(), key);
        let asked = client.eval::<i64, _, _, _>(COUNT, name, vec![every, i64::from(allowance.burst())]);
        let answer = timeout(PATIENCE, asked).await.ok().and_then(Result::ok);
        answer.and_then(|wait| u64::try_from(wait).ok()).ok_or_else(|| {
            self.counter.failed(self.clock.instant());
            Uncounted::Failed
        })
    }
}

/// The name of a key, which bears the epoch as all names do.
fn name(epoch: &str, key: Key) -> String {
    format!("belfry:{epoch}:rate:{:032x}", u128::from_be_bytes(key))
}
