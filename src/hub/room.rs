//! Rooms: who is in a channel and who is writing there, when that is told, and what a subscription is owed of it. Rosters
//! are told as logs are: a subscription holds the revision that it knows, and whoever is behind is given what leads from
//! there to here, or all of it. What is told is encoded once for everybody.

use super::Core;
use super::abroad::Abroad;
use super::loader::until_end;
use super::log::ChannelLog;
use super::news::News;
use super::roster::{AWAY_MS, Roster};
use super::thin::Thin;
use super::typing::Typing;
use crate::bus::Message;
use crate::metrics;
use crate::model::{Channel, Event, UserId, UserRef};
use crate::protocol::codec::Codec;
use crate::protocol::server::{Presence, Sender, ServerMessage};
use bytes::Bytes;
use parking_lot::Mutex;
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// How often rooms are looked at in which something is to be told; the others are not.
const TICK: Duration = Duration::from_millis(50);
/// Rooms looked at before others get the thread.
const SLICE: usize = 256;
/// How long who was sent away by an instance that ends has to come back elsewhere, before they are said to have left.
pub const SENT_AWAY_MS: u64 = 2_000;
/// So far behind that all of it is owed.
const FAR_BEHIND: u32 = 1 << 30;

/// The room of a channel; holds nothing while nobody is there to be seen.
#[derive(Default)]
pub struct Room {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The last revision while there is no life: a later one never has the number of an earlier one.
    revision: u32,
    life: Option<Box<Life>>,
}

struct Life {
    roster: Roster,
    /// The same room on other instances.
    abroad: Abroad,
    /// It counts as one in which others may be who are not seen.
    partial: bool,
    typing: Typing,
    /// The last update of the roster.
    news: Option<Arc<News>>,
    /// Shards that were told of it and have not begun to write it, a bit each.
    told: u64,
    /// It stands on the schedule.
    scheduled: bool,
    /// How often the roster and who writes are told.
    thin: (Thin, Thin),
    schedule: Arc<Schedule>,
}

/// Rooms in which something is to be told, each once.
#[derive(Default)]
pub struct Schedule {
    rooms: Mutex<Vec<Arc<ChannelLog>>>,
    notify: Notify,
    /// Sockets are being sent away, to come back elsewhere.
    draining: AtomicBool,
    /// The last version that other instances were told of any room.
    version: AtomicU64,
    /// Shortest time between two tellings in a hot room.
    hot_every_ms: u64,
}

/// What a look at a room came to.
#[derive(Default)]
struct Looked {
    /// Shards to be told of the roster, a bit each.
    tell: u64,
    /// Who is writing, if that is to be told.
    typing: Option<Vec<Sender>>,
    /// What other instances are to be told.
    abroad: Vec<Message>,
    /// There is more to come.
    again: bool,
}

impl Life {
    fn new(revision: u32, schedule: Arc<Schedule>) -> Self {
        metrics::rosters(1);
        let (roster, abroad, typing) = (Roster::new(revision), Abroad::default(), Typing::default());
        Self {
            roster,
            abroad,
            partial: false,
            typing,
            news: None,
            told: 0,
            scheduled: false,
            thin: Default::default(),
            schedule,
        }
    }

    /// Makes the roster's update if it is time to; the shards to be told, a bit each.
    fn publish(&mut self, log: &ChannelLog, now_ms: u64) -> u64 {
        if !self.thin.0.admits(log.is_hot(), self.schedule.hot_every_ms, now_ms) {
            return 0;
        }
        let Some(update) = self.roster.update(now_ms) else { return 0 };
        self.thin.0.tell(now_ms);
        self.news = Some(Arc::new(News::new(log.channel, update)));
        // After the news is there: a shard that has its first member now looks for it by itself.
        let members = log.audience.members();
        let tell = members & !self.told;
        self.told |= members;
        tell
    }

    /// All who write, if it is time to tell them.
    fn typing(&mut self, log: &ChannelLog, now_ms: u64) -> Option<Vec<Sender>> {
        let admitted = self.thin.1.admits(log.is_hot(), self.schedule.hot_every_ms, now_ms);
        let names = admitted.then(|| self.typing.update(now_ms)).flatten()?;
        self.thin.1.tell(now_ms);
        Some(names)
    }

    fn is_pending(&self) -> bool {
        let abroad = self.abroad.next_due(&self.roster).is_some();
        abroad || self.roster.next_due().is_some() || !self.typing.is_idle()
    }

    /// Does what is due between instances; what the others are to be told.
    fn exchange(&mut self, channel: Channel, now_ms: u64) -> Vec<Message> {
        let schedule = &self.schedule;
        let next = || schedule.version.fetch_add(1, Ordering::Relaxed) + 1;
        let mut told = self.abroad.look(&mut self.roster, channel, now_ms, next);
        let ended = self.typing.take_ended().into_iter();
        told.extend(ended.map(|from| Message::Typing { channel, from: Arc::new(from), writes: false }));
        self.count_partial(self.abroad.is_partial());
        told
    }

    fn count_partial(&mut self, partial: bool) {
        if std::mem::replace(&mut self.partial, partial) != partial {
            metrics::partial_rosters(if partial { 1 } else { -1 });
        }
    }

    fn schedule(&mut self, log: &Arc<ChannelLog>) {
        if self.is_pending() && !std::mem::replace(&mut self.scheduled, true) {
            self.schedule.add(log.clone());
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.count_partial(false);
        metrics::rosters(-1);
    }
}

impl Room {
    /// A seat is given up.
    pub fn leave(&self, log: &Arc<ChannelLog>, who: Option<UserId>, now_ms: u64) {
        if let Some(life) = &mut self.inner.lock().life {
            let away_ms = life.schedule.away_ms();
            life.roster.leave(who, now_ms, away_ms);
            life.schedule(log);
        }
    }

    /// The socket with this mark writes no more.
    pub fn end_typing(&self, who: UserId, mark: u8) {
        // Whoever was told of is still to be looked at: the room stands on the schedule.
        if let Some(life) = &mut self.inner.lock().life {
            life.typing.end_marked(who, mark);
        }
    }

    /// Somebody writes elsewhere, or writes no more.
    pub(super) fn typing_elsewhere(&self, log: &Arc<ChannelLog>, who: &Sender, writes: bool, core: &Core) {
        if writes && !log.audience.is_unwatched() {
            core.in_room(log, |life, now_ms| life.typing.hear_elsewhere(who, now_ms));
        } else if let Some(life) = &mut self.inner.lock().life {
            life.typing.end_elsewhere(who.id);
        }
    }

    /// What is owed to a subscription that knows `revision`, as [`News::owed`] says.
    pub fn owed(&self, revision: u32, codec: Codec) -> Option<(u32, Bytes)> {
        let news = self.inner.lock().life.as_ref()?.news.clone();
        news?.owed(revision, codec)
    }

    /// A shard begins to tell the news; what comes from now on it must be told again.
    pub fn begin_walk(&self, shard: usize) -> Option<Arc<News>> {
        let mut inner = self.inner.lock();
        let life = inner.life.as_mut()?;
        life.told &= !(1 << shard);
        life.news.clone()
    }

    /// What is there now and its revision.
    pub fn present(&self) -> Option<(u32, Presence)> {
        let inner = self.inner.lock();
        inner.life.as_ref().map(|life| (life.roster.revision(), life.roster.whole()))
    }

    /// Does something between this room and the same room elsewhere, and sees to what follows; whether somebody is here
    /// to be told of it.
    pub(super) fn among(&self, log: &Arc<ChannelLog>, act: impl FnOnce(&mut Abroad, &mut Roster)) -> bool {
        let mut inner = self.inner.lock();
        let Some(life) = inner.life.as_mut().filter(|life| !life.roster.is_vacant()) else { return false };
        act(&mut life.abroad, &mut life.roster);
        life.schedule(log);
        true
    }

    fn look(&self, log: &ChannelLog, now_ms: u64) -> Looked {
        let mut inner = self.inner.lock();
        let Some(life) = &mut inner.life else { return Looked::default() };
        let abroad = life.exchange(log.channel, now_ms);
        let tell = life.publish(log, now_ms);
        let typing = life.typing(log, now_ms);
        let over = life.abroad.end(&mut life.roster) && life.typing.is_idle();
        let again = !over && life.is_pending();
        life.scheduled = again;
        if over {
            inner.revision = life.roster.revision();
            inner.life = None;
        }
        Looked { tell, typing, abroad, again }
    }
}

impl Schedule {
    /// Nothing is to be told; in hot rooms no more often than this.
    pub fn new(hot_every_ms: u64) -> Self {
        Self { hot_every_ms, ..Self::default() }
    }

    /// How long a seat that is given up counts on.
    fn away_ms(&self) -> u64 {
        if self.draining.load(Ordering::Relaxed) { SENT_AWAY_MS } else { AWAY_MS }
    }

    /// From now on those who leave were sent away.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn add(&self, log: Arc<ChannelLog>) {
        self.rooms.lock().push(log);
        self.notify.notify_one();
    }

    fn take(&self) -> Vec<Arc<ChannelLog>> {
        std::mem::take(&mut *self.rooms.lock())
    }

    async fn wait(&self) {
        while self.rooms.lock().is_empty() {
            self.notify.notified().await;
        }
    }
}

/// Tells what is to be told of rooms until the hub ends.
pub async fn run(core: Arc<Core>) {
    loop {
        let due = async {
            core.schedule.wait().await;
            sleep(TICK).await;
        };
        if until_end(&core, due).await.is_none() {
            return;
        }
        let mut again = Vec::new();
        for rooms in core.schedule.take().chunks(SLICE) {
            for log in rooms {
                let looked = log.room.look(log, core.now_ms());
                core.tell_roster(log, looked.tell);
                looked.abroad.into_iter().for_each(|message| core.bus.publish(message));
                if let Some(users) = looked.typing {
                    core.hand_out(log, 0, &ServerMessage::Typing { channel: log.channel, users: &users });
                }
                if looked.again {
                    again.push(log.clone());
                }
            }
            tokio::task::yield_now().await;
        }
        core.schedule.rooms.lock().append(&mut again);
    }
}

impl Core {
    /// Does something in a room, and tells what is to be told at once.
    fn in_room<T>(&self, log: &Arc<ChannelLog>, act: impl FnOnce(&mut Life, u64) -> T) -> T {
        let now_ms = self.now_ms();
        let mut inner = log.room.inner.lock();
        let Inner { revision, life } = &mut *inner;
        let life = life.get_or_insert_with(|| Box::new(Life::new(*revision, self.schedule.clone())));
        let result = act(life, now_ms);
        let tell = life.publish(log, now_ms);
        life.schedule(log);
        drop(inner);
        self.tell_roster(log, tell);
        result
    }

    /// Takes a seat; the revision with it, and all of the roster as of that.
    pub(super) fn enter(&self, log: &Arc<ChannelLog>, who: Option<&Arc<UserRef>>) -> (u32, Presence) {
        let (first, told) = self.in_room(log, |life, now_ms| {
            let first = life.roster.is_vacant();
            if first {
                life.abroad.begin(&mut life.roster, self.is_blind(), now_ms);
                life.count_partial(life.abroad.is_partial());
            }
            life.roster.enter(who);
            (first, (life.roster.revision(), life.roster.whole()))
        });
        if first {
            self.neighbours.visit(log);
        }
        told
    }

    /// Whoever has a seat says who they are, or what they are called now.
    pub(super) fn reseat(&self, log: &Arc<ChannelLog>, was: Option<UserId>, user: &Arc<UserRef>) {
        self.in_room(log, |life, now_ms| life.roster.reseat(was, user, now_ms));
    }

    /// Somebody writes here; the mark that [`Typing::hear`] gives.
    pub(super) fn hear_typing(&self, log: &Arc<ChannelLog>, who: &Sender) -> u8 {
        let alone = log.audience.watchers() <= 1;
        self.in_room(log, |life, now_ms| life.typing.hear(who, alone, now_ms))
    }

    /// Whoever wrote a comment writes it no more.
    pub(super) fn end_typing(&self, log: &Arc<ChannelLog>, events: &[Event]) {
        let mut inner = log.room.inner.lock();
        let Some(life) = inner.life.as_mut().filter(|life| !life.typing.is_empty()) else { return };
        for author in events.iter().filter_map(author) {
            life.typing.end(author);
        }
    }

    fn tell_roster(&self, log: &Arc<ChannelLog>, mut shards: u64) {
        while shards != 0 {
            self.inboxes[shards.trailing_zeros() as usize].roster(log.clone());
            shards &= shards - 1;
        }
    }
}

/// Who wrote the comment that an event tells of.
fn author(event: &Event) -> Option<UserId> {
    #[derive(Deserialize)]
    struct Created {
        comment: Written,
    }
    #[derive(Deserialize)]
    struct Written {
        author: Option<UserRef>,
    }
    if &*event.kind != "comment.created" {
        return None;
    }
    let created: Created = serde_json::from_str(event.data.get()).ok()?;
    created.comment.author.map(|author| author.id)
}

/// A revision so old that all of the roster is owed to whoever has it.
pub fn far_behind(revision: u32) -> u32 {
    revision.wrapping_sub(FAR_BEHIND).max(1)
}
