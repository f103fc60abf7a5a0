//! The other instances: whether they can be heard, which are known, and the rounds in which each room that somebody here is
//! seen in gives them a sign of its life and looks for theirs.

use super::loader::until_end;
use super::log::ChannelLog;
use super::room::{Room, SENT_AWAY_MS};
use super::{Core, Hub};
use crate::bus::{Message, Node};
use crate::metrics;
use crate::model::Channel;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Longest time between two looks at the bus.
const LOOK: Duration = Duration::from_millis(250);
/// Looks in a row that must find the bus down: who was frozen is given the time to hear of it again.
const PATIENT_LOOKS: u32 = 3;
/// Shortest time over which questions are spread where every room has one.
const SPREAD_MS: u64 = 1_000;
/// Questions in a millisecond beyond that.
const SPREAD_ROOMS: u64 = 10;
/// Over how long they are where one room has.
const JITTER_MS: u64 = 150;
/// Time for the farewell to go out.
const FAREWELL: Duration = Duration::from_millis(500);
/// Rooms looked at before others get the thread.
const SLICE: usize = 256;

/// What is known of the other instances.
pub struct Neighbours {
    /// They cannot be heard.
    blind: AtomicBool,
    /// Rooms in which somebody here is seen, by the step of the round in which they are visited.
    steps: Vec<Mutex<HashMap<Channel, Arc<ChannelLog>>>>,
    /// Rounds since each was heard of.
    known: Mutex<HashMap<Node, u32>>,
    step: Duration,
    /// Rounds after which who was not heard of is taken for dead.
    patience: u32,
}

impl Neighbours {
    /// Nobody is known. A round takes `refresh`.
    pub fn new(refresh: Duration, ttl: Duration, blind: bool) -> Self {
        let step = (refresh / 4).clamp(Duration::from_millis(1), LOOK);
        let steps = refresh.as_millis().div_ceil(step.as_millis().max(1)).max(1);
        let patience = ttl.as_millis().div_ceil(refresh.as_millis().max(1));
        Self {
            blind: AtomicBool::new(blind),
            steps: (0..steps).map(|_| Mutex::default()).collect(),
            known: Mutex::default(),
            step,
            patience: u32::try_from(patience).unwrap_or(u32::MAX),
        }
    }

    /// A room is visited in every round from now on, until nobody here is seen in it.
    pub fn visit(&self, log: &Arc<ChannelLog>) {
        let id = match log.channel {
            Channel::Post(id) => id.0,
            Channel::User(id) => id.0,
            Channel::Revocations => 0,
        };
        self.steps[id.unsigned_abs() as usize % self.steps.len()].lock().insert(log.channel, log.clone());
    }

    /// An instance was heard of.
    pub fn heard(&self, node: Node) {
        self.known.lock().insert(node, 0);
    }

    fn rooms(&self) -> Vec<Arc<ChannelLog>> {
        self.steps.iter().flat_map(|step| step.lock().values().cloned().collect::<Vec<_>>()).collect()
    }

    /// One more round; who has been silent for too many is known no more.
    fn age(&self) {
        let mut known = self.known.lock();
        known.retain(|_, rounds| {
            *rounds += 1;
            *rounds <= self.patience
        });
        metrics::nodes(known.len());
    }
}

/// Keeps up with the others until the hub ends.
pub async fn run(core: Arc<Core>) {
    let mut ticks = interval(core.neighbours.step);
    // Whoever was frozen goes on where it stopped: the others are not to be taken for dead for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut down = 0;
    for step in (0..core.neighbours.steps.len()).cycle() {
        if until_end(&core, ticks.tick()).await.is_none() {
            return;
        }
        down = if core.bus.delivery().is_up() { 0 } else { down + 1 };
        core.notice(down).await;
        if step == 0 {
            core.neighbours.age();
        }
        let rooms: Vec<_> = core.neighbours.steps[step].lock().values().cloned().collect();
        let patience = core.neighbours.patience;
        for some in rooms.chunks(SLICE) {
            for log in some {
                if !log.room.among(log, |abroad, roster| abroad.round(roster, patience)) {
                    core.forget_vacant(step, log);
                }
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Core {
    /// Whether the others cannot be heard, as far as anybody can tell.
    pub(super) fn is_blind(&self) -> bool {
        self.neighbours.blind.load(Ordering::Relaxed) && !self.bus.delivery().is_up()
    }

    /// Sees to it that rosters say what can be seen, the bus having been down for so many looks.
    async fn notice(&self, down: u32) {
        let blind = self.neighbours.blind.load(Ordering::Relaxed);
        if !blind && down >= PATIENT_LOOKS {
            self.neighbours.blind.store(true, Ordering::Relaxed);
            self.in_all_rooms(|room, log| _ = room.among(log, |abroad, roster| abroad.go_blind(roster))).await;
        } else if blind && down == 0 {
            self.neighbours.blind.store(false, Ordering::Relaxed);
            self.in_all_rooms(|room, log| _ = room.among(log, |abroad, _| abroad.see_again(self.some_time()))).await;
        }
    }

    /// Other instances may have said something that was not heard: every room asks for it.
    pub(super) async fn ask_everywhere(&self) {
        self.in_all_rooms(|room, log| _ = room.among(log, |abroad, _| abroad.ask_at(self.some_time()))).await;
    }

    /// When one of many rooms is to ask.
    fn some_time(&self) -> u64 {
        self.now_ms() + self.entropy.below(SPREAD_MS + self.registry.len() as u64 / SPREAD_ROOMS)
    }

    async fn in_all_rooms(&self, act: impl Fn(&Room, &Arc<ChannelLog>)) {
        for some in self.neighbours.rooms().chunks(SLICE) {
            some.iter().for_each(|log| act(&log.room, log));
            tokio::task::yield_now().await;
        }
    }

    /// Nobody here is seen in a room any more; unless somebody came back in between it is visited no more.
    fn forget_vacant(&self, step: usize, log: &Arc<ChannelLog>) {
        {
            let mut rooms = self.neighbours.steps[step].lock();
            // The channel may have got another log meanwhile.
            if rooms.get(&log.channel).is_some_and(|there| Arc::ptr_eq(there, log)) {
                rooms.remove(&log.channel);
            }
        }
        if log.room.among(log, |_, _| {}) {
            self.neighbours.visit(log);
        }
    }

    /// An instance says farewell: its people have as long as it says to come back elsewhere.
    pub(super) async fn hear_farewell(&self, from: Node, away_ms: u64) {
        self.neighbours.known.lock().remove(&from);
        let ends_ms = self.now_ms() + away_ms.min(SENT_AWAY_MS);
        self.in_all_rooms(|room, log| _ = room.among(log, |abroad, _| abroad.farewell(from, ends_ms))).await;
    }

    /// Takes what an instance says of the rooms that it is in.
    pub(super) fn hear_of_room(&self, from: Node, message: &Message) {
        self.neighbours.heard(from);
        let Some(log) = self.registry.get(&message.channel()).map(|log| log.clone()) else { return };
        let now_ms = self.now_ms();
        let ask_ms = now_ms + self.entropy.below(JITTER_MS);
        match message {
            Message::Seats { seats, .. } => {
                log.room.among(&log, |abroad, roster| abroad.hear(roster, from, seats, ask_ms));
            }
            Message::Ask { ask, .. } => {
                let me = self.bus.node();
                log.room.among(&log, |abroad, _| abroad.hear_ask(me, from, ask, now_ms, ask_ms));
            }
            Message::Typing { from, writes, .. } => log.room.typing_elsewhere(&log, from, *writes, self),
            Message::Event(_) | Message::Signal { .. } | Message::Farewell { .. } => {}
        }
    }
}

impl Hub {
    /// Tells the other instances that this one ends, so that nobody waits for its people to fall silent.
    pub async fn farewell(&self) {
        self.core.bus.publish(Message::Farewell { away_ms: SENT_AWAY_MS });
        let _ = timeout(FAREWELL, self.core.bus.flush()).await;
    }
}
