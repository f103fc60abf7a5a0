//! Lanes: where writes wait whose channel another process holds.

use super::group::{GROUP_MAX, Shared, Waiting};
use super::write::Place;
use crate::model::Channel;
use futures_util::FutureExt;
use futures_util::future::join_all;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Most writes that wait for one held channel.
const LANE_MAX: usize = 1024;

/// The lanes there are. A lane is there while its task runs; only the committing task opens one, and the lane's own task
/// closes it when nothing waits, under the same lock: so no write overtakes another of its channel.
#[derive(Default)]
pub(super) struct Lanes {
    waiting: Mutex<HashMap<Channel, VecDeque<Waiting>>>,
}

impl Lanes {
    /// Takes out of a group what belongs behind writes that wait already.
    pub(super) async fn divert(&self, shared: &Shared, group: Vec<Waiting>) -> Vec<Waiting> {
        if self.waiting.lock().is_empty() {
            return group;
        }
        let mut rest = Vec::with_capacity(group.len());
        // Looked up together: one read that waits for a connection keeps the others no longer than itself.
        let channels = join_all(group.iter().map(|waiting| channel_of(shared, waiting))).await;
        for (waiting, channel) in group.into_iter().zip(channels) {
            match channel {
                Ok(Some(channel)) => rest.extend(self.follow(channel, waiting)),
                Ok(None) => rest.push(waiting),
                Err(why) => waiting.turn_away(&why),
            }
        }
        rest
    }

    /// Puts held writes into their lanes, opening those that are missing.
    pub(super) async fn hold(self: &Arc<Self>, shared: &Arc<Shared>, held: Vec<Waiting>) {
        for waiting in held {
            let channel = match channel_of(shared, &waiting).await {
                // A write that names no channel can only have been held by the internal one.
                Ok(channel) => channel.unwrap_or(Channel::Revocations),
                Err(why) => {
                    waiting.turn_away(&why);
                    continue;
                }
            };
            if let Some(first) = self.follow(channel, waiting) {
                self.waiting.lock().insert(channel, VecDeque::from([first]));
                shared.tasks.spawn(drain(self.clone(), shared.clone(), channel));
            }
        }
    }

    /// Queues behind what waits for this channel; gives the write back where nothing does.
    fn follow(&self, channel: Channel, waiting: Waiting) -> Option<Waiting> {
        match self.waiting.lock().get_mut(&channel) {
            None => return Some(waiting),
            Some(lane) if lane.len() < LANE_MAX => lane.push_back(waiting),
            Some(_) => waiting.turn_away("too many writes wait for this channel"),
        }
        None
    }

    /// The lane's next group; none closes it.
    fn next(&self, channel: Channel) -> Vec<Waiting> {
        let mut lanes = self.waiting.lock();
        let group: Vec<_> = match lanes.get_mut(&channel) {
            Some(lane) => lane.drain(..lane.len().min(GROUP_MAX)).collect(),
            None => Vec::new(),
        };
        if group.is_empty() {
            lanes.remove(&channel);
        }
        group
    }
}

async fn drain(lanes: Arc<Lanes>, shared: Arc<Shared>, channel: Channel) {
    loop {
        let group = lanes.next(channel);
        if group.is_empty() {
            return;
        }
        shared.commit_waiting(group).await;
    }
}

async fn channel_of(shared: &Shared, waiting: &Waiting) -> Result<Option<Channel>, String> {
    match waiting.write.place() {
        Place::Channel(channel) => Ok(Some(channel)),
        Place::Nowhere => Ok(None),
        Place::Comment(_) => {
            let found = AssertUnwindSafe(shared.backend.channel_of(&waiting.write)).catch_unwind().await;
            found.map_err(|_| "the store panicked".to_owned())?.map_err(|error| error.to_string())
        }
    }
}
