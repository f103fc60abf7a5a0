//! How a socket comes to follow a log: the channel is placed, history is fetched if asked for, then cursor and answer are
//! set in one go.

use super::Core;
use super::inbox::Told;
use super::log::Standing;
use super::sockets::Socket;
use super::watch::Watch;
use super::writer::{NOWHERE, Phase, Sub};
use crate::model::Channel;
use crate::protocol::server::Subscribed;
use bytes::Bytes;
use std::sync::Arc;

/// Why a channel cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscribeError {
    /// There is no such channel, or no more.
    NotFound,
    /// The store could not be asked.
    Unavailable,
}

/// A subscription that is ready but not yet in force.
pub struct Prepared {
    /// What the client is told.
    pub subscribed: Subscribed,
    /// None where the socket follows the channel already.
    watch: Option<Watch>,
}

impl Socket {
    /// Finds out where a subscription begins. With `from` (epoch and last event seen) and all that came after in the tail,
    /// what is missing is included, as far as `budget` bytes go; the budget shrinks by it.
    pub async fn prepare(
        &self,
        channel: Channel,
        from: Option<(&str, i64)>,
        budget: &mut usize,
    ) -> Result<Prepared, SubscribeError> {
        let core = self.core();
        let held = {
            let writer = self.lock();
            writer.sub_named(channel).map(|sub| (writer.subs[sub].cursor, writer.subs[sub].log.clone()))
        };
        if let Some((seq, log)) = held {
            let head = log.head().unwrap_or(seq);
            let subscribed = self.subscribed(channel, &log, seq, head, true, Vec::new());
            return Ok(Prepared { subscribed, watch: None });
        }
        let watch = core.watch(channel);
        core.place(&watch).await?;
        let epoch = watch.epoch();
        let recovered = match from {
            Some((theirs, since)) if *epoch == *theirs => core.recover(&watch, since, self.codec, budget).await,
            _ => None,
        };
        let subscribed = match recovered {
            Some(got) => self.subscribed(channel, &watch, got.seq, got.head, true, got.events),
            None => {
                let head = watch.head().ok_or(SubscribeError::Unavailable)?;
                self.subscribed(channel, &watch, head, head, false, Vec::new())
            }
        };
        Ok(Prepared { subscribed, watch: Some(watch) })
    }

    fn subscribed(
        &self,
        channel: Channel,
        log: &Arc<super::log::ChannelLog>,
        seq: i64,
        head: i64,
        recovered: bool,
        events: Vec<Bytes>,
    ) -> Subscribed {
        let unread = matches!(channel, Channel::User(_)).then(|| log.unread());
        Subscribed { channel, epoch: log.epoch(), seq, head, recovered, events, unread }
    }

    /// Sends the answer (empty: none) and puts subscriptions in force, so that their events follow it and nothing lies between.
    pub fn follow(&self, answer: Bytes, prepared: Vec<Prepared>) {
        let core = self.core();
        let mut joined = Vec::new();
        let come = {
            let mut writer = self.lock();
            if writer.phase != Phase::Open {
                return;
            }
            if !answer.is_empty() {
                writer.queue(answer);
            }
            for Prepared { subscribed, watch } in prepared {
                let Some(watch) = watch else { continue };
                joined.push(watch.clone());
                writer.subs.push(Sub { log: watch, cursor: subscribed.seq, slot: NOWHERE, leaving: false });
            }
            self.settle(&mut writer, core.now_ms())
        };
        let inbox = &core.inboxes[self.shard];
        for log in joined {
            inbox.tell(Told::Join(Arc::clone(self), log));
        }
        if come {
            self.come();
        }
    }
}

impl Core {
    /// Waits until it is known where a log stands.
    async fn place(&self, watch: &Watch) -> Result<(), SubscribeError> {
        let standing = match watch.standing() {
            Ok(standing) => Ok(standing),
            Err((answer, first)) => {
                if first {
                    self.loader.want_head(Arc::clone(watch));
                }
                answer.await.unwrap_or(Err(()))
            }
        };
        match standing {
            Ok(Standing::Open) => Ok(()),
            Ok(Standing::Missing) => {
                // It may come to be a moment later: the answer is not remembered.
                if self.registry.remove_if(&watch.channel, |_, log| Arc::ptr_eq(log, watch)).is_some() {
                    self.bus.unsubscribe(&[watch.channel]).await;
                }
                Err(SubscribeError::NotFound)
            }
            Err(()) => Err(SubscribeError::Unavailable),
        }
    }

    async fn recover(
        &self,
        watch: &Watch,
        since: i64,
        codec: crate::protocol::Codec,
        budget: &mut usize,
    ) -> Option<super::log::Recovered> {
        if let Some(recovered) = watch.recover(since, codec, budget) {
            return Some(recovered);
        }
        if watch.head().is_none_or(|head| since > head) {
            return None;
        }
        let (read, job) = watch.history()?;
        if let Some((head, start)) = job {
            self.loader.want_history(Arc::clone(watch), head, start);
        }
        let _ = read.await;
        watch.recover(since, codec, budget)
    }
}
