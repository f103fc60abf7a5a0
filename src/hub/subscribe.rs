//! How a socket comes to follow a log: the channel is placed, history is fetched if asked for, then cursor and answer are
//! set in one go.

use super::Core;
use super::inbox::Told;
use super::log::{ChannelLog, Standing};
use super::recover::Recovered;
use super::sockets::Socket;
use super::watch::Watch;
use super::writer::{Phase, Sub, Writer};
use crate::model::{Channel, UserRef};
use crate::protocol::Codec;
use crate::protocol::server::{Presence, Subscribed};
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
    /// Which channel.
    pub channel: Channel,
    /// Whether the socket is to have a seat in the room and be told of its roster; `None` leaves that as it is.
    pub presence: Option<bool>,
    /// None where the socket follows the channel already: what to say then is known when it is said.
    new: Option<New>,
}

struct New {
    watch: Watch,
    generation: u16,
    subscribed: Subscribed,
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
            writer.sub_named(channel).map(|sub| (writer.is_stale(sub), Arc::clone(&writer.subs[sub].log)))
        };
        if let Some((stale, log)) = held {
            if stale {
                // What is said of it then must be of the database that the log is of by now.
                core.place(&log).await?;
            }
            return Ok(Prepared { channel, presence: None, new: None });
        }
        let watch = core.watch(channel);
        core.place(&watch).await?;
        let generation = watch.generation();
        let epoch = watch.epoch();
        let recovered = match from {
            Some((theirs, since)) if *epoch == *theirs => core.recover(&watch, since, self.codec, budget).await,
            _ => None,
        };
        let (seq, head, events, unread, recovered) = match recovered {
            Some(got) => (got.seq, got.head, got.events, got.unread, true),
            None => {
                let (head, unread) = watch.position().ok_or(SubscribeError::Unavailable)?;
                (head, head, Vec::new(), unread, false)
            }
        };
        let subscribed = Subscribed { channel, epoch, seq, head, recovered, events, presence: None, unread };
        Ok(Prepared { channel, presence: None, new: Some(New { watch, generation, subscribed }) })
    }

    /// Puts subscriptions in force and sends the answer that `say` makes of them, so that their events follow it and
    /// nothing lies between. One that ended while the others were prepared is `None`. `face` is who is seen where a seat
    /// is taken.
    pub fn follow(
        &self,
        prepared: Vec<Prepared>,
        face: impl FnOnce() -> Option<UserRef>,
        say: impl FnOnce(Vec<Option<Subscribed>>) -> Option<Bytes>,
    ) {
        let core = self.core();
        let now_ms = core.now_ms();
        let seats = prepared.iter().any(|asked| asked.presence == Some(true));
        let face = seats.then(face).flatten().map(Arc::new);
        let mut joined = Vec::new();
        let come = {
            let mut writer = self.lock();
            if writer.phase != Phase::Open {
                return;
            }
            let mut said = Vec::with_capacity(prepared.len());
            for Prepared { channel, presence, new } in prepared {
                let subscribed = match new {
                    Some(New { watch, generation, subscribed }) => {
                        joined.push(Arc::clone(&watch));
                        let ends_all = std::mem::take(&mut writer.ends_with_next);
                        writer.subs.push(Sub { ends_all, ..Sub::new(watch, subscribed.seq, generation) });
                        Some(subscribed)
                    }
                    None => held(&mut writer, channel, self.codec),
                };
                said.push(subscribed.map(|subscribed| {
                    let presence = core.seat(&mut writer, channel, presence, face.as_ref(), now_ms);
                    Subscribed { presence, ..subscribed }
                }));
            }
            // Before the answer is written: whoever has it may count on signals sent from then on.
            for log in joined {
                log.audience.set_members(core.shard_of(self), true);
                core.inbox_of(self).tell(Told::Join(Arc::clone(self), log));
            }
            match say(said) {
                Some(answer) => self.enqueue(&mut writer, answer, now_ms),
                None => writer.forget_rosters(),
            }
            self.settle(&mut writer, now_ms)
        };
        if come {
            self.come();
        }
    }
}

/// What is said of a channel that the socket follows already: the last event written to it. One that still has to be
/// told of another database is told so first.
fn held(writer: &mut Writer, channel: Channel, codec: Codec) -> Option<Subscribed> {
    let at = writer.sub_named(channel)?;
    if writer.is_stale(at) && !writer.resync_stale(at, codec) {
        return None;
    }
    let sub = &writer.subs[at];
    Some(Subscribed {
        channel,
        epoch: sub.log.epoch(),
        seq: sub.cursor,
        head: sub.log.head().unwrap_or(sub.cursor),
        recovered: true,
        events: Vec::new(),
        presence: None,
        unread: sub.log.unread(sub.cursor),
    })
}

impl Core {
    /// Takes a seat for a subscription or gives it up, as asked; if it has one, all of the roster, which is what follows
    /// builds on.
    fn seat(
        &self,
        writer: &mut Writer,
        channel: Channel,
        wanted: Option<bool>,
        face: Option<&Arc<UserRef>>,
        now_ms: u64,
    ) -> Option<Presence> {
        let sub = writer.sub_named(channel)?;
        let seated = writer.subs[sub].presence != 0;
        if wanted == Some(false) {
            writer.unseat(sub, now_ms);
            return None;
        }
        let log = &writer.subs[sub].log;
        let (revision, whole) = match (seated, wanted) {
            (true, _) => log.room.present()?,
            (false, Some(true)) => self.enter(log, face),
            (false, _) => return None,
        };
        writer.subs[sub].presence = revision;
        Some(whole)
    }

    /// Waits until it is known where a log stands.
    async fn place(&self, watch: &Arc<ChannelLog>) -> Result<(), SubscribeError> {
        let standing = match watch.standing() {
            Ok(standing) => Ok(standing),
            Err((answer, first)) => {
                if first {
                    self.loader.want_head(watch.clone());
                }
                answer.await.unwrap_or(Err(()))
            }
        };
        match standing {
            Ok(Standing::Open) => Ok(()),
            Ok(Standing::Missing) => {
                // It may come to be a moment later: the answer is not remembered.
                if self.registry.remove_if(&watch.channel, |_, log| Arc::ptr_eq(log, watch)).is_some() {
                    self.leave_bus(vec![watch.channel]).await;
                }
                Err(SubscribeError::NotFound)
            }
            Err(()) => Err(SubscribeError::Unavailable),
        }
    }

    async fn recover(&self, watch: &Watch, since: i64, codec: Codec, budget: &mut usize) -> Option<Recovered> {
        if let Some(recovered) = watch.recover(since, codec, budget) {
            return Some(recovered);
        }
        let head = watch.head()?;
        if since > head {
            // The rows may be ahead of what has come by: of a commit just made, or made elsewhere.
            self.loader.catch_up(Arc::clone(watch)).await;
        } else {
            let (read, job) = watch.history()?;
            if let Some(missing) = job {
                self.loader.want_history(Arc::clone(watch), missing);
            }
            let _ = read.await;
        }
        watch.recover(since, codec, budget)
    }
}
