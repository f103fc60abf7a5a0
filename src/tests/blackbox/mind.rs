//! What a client thinks of writing next, and what it remembers of what it wrote.

use crate::client::Plan;
use crate::history::{Action, Event, Subject, text};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A write on its way.
pub struct Write {
    /// Names it; of a create, also its idempotency key.
    pub key: String,
    /// As it is sent, but for its id.
    pub command: Value,
    /// What it does.
    pub action: Action,
    /// Where.
    pub channel: String,
    /// The id under which it was sent on this socket; none while it waits to be sent again.
    pub sent: Option<u64>,
}

/// A comment of one's own that nothing is on its way for.
struct Own {
    id: u64,
    key: String,
    channel: String,
    version: u32,
}

/// What a client remembers.
#[derive(Default)]
pub struct Mind {
    own: Vec<Own>,
    /// Which emoji are there, as far as was acknowledged, by comment.
    chosen: BTreeMap<u64, bool>,
    /// The person's own channel and notifications on it that were not read here.
    unread: Vec<u64>,
    keys: u64,
}

impl Mind {
    /// Thinks of a write: mostly a new comment, sometimes an answer, an edit or a deletion of one of one's own, an emoji,
    /// a notification to read.
    pub fn think(&mut self, plan: &Plan, random: &mut StdRng, under_way: &[Write]) -> Write {
        let dice = random.random_range(0..16);
        let own = (!self.own.is_empty()).then(|| random.random_range(0..self.own.len()));
        match own {
            Some(index) if dice < 2 => self.edit(index),
            Some(index) if dice == 2 => self.delete(index),
            own if dice < 10 => {
                // One that is answered is left alone from then on, so that no repeated answer finds it deleted.
                let parent = own.filter(|_| dice == 3).map(|index| self.own.swap_remove(index));
                let room = plan.rooms[random.random_range(0..plan.rooms.len())];
                self.create(plan, room, parent)
            }
            _ if dice < 12 && !self.unread.is_empty() => self.read(plan, random),
            _ => match self.react(plan, random, under_way) {
                Some(write) => write,
                None => self.create(plan, plan.rooms[0], None),
            },
        }
    }

    /// A new comment somewhere, which depends on nothing.
    pub fn say(&mut self, plan: &Plan, random: &mut StdRng) -> Write {
        self.create(plan, plan.rooms[random.random_range(0..plan.rooms.len())], None)
    }

    /// Forgets what was written; not which keys were used.
    pub fn forget(&mut self) {
        *self = Self { keys: self.keys, ..Self::default() };
    }

    fn key(&mut self, plan: &Plan) -> String {
        self.keys += 1;
        format!("{}-{}", plan.name, self.keys)
    }

    fn edit(&mut self, index: usize) -> Write {
        let Own { id, key, channel, version } = self.own.swap_remove(index);
        let version = version + 1;
        let command = json!({"type": "comment.edit", "comment_id": id, "body": text(&key, version)});
        let action = Action::Edit { comment: id, version };
        Write { key: format!("{key}/{version}"), command, action, channel, sent: None }
    }

    fn delete(&mut self, index: usize) -> Write {
        let Own { id, key, channel, .. } = self.own.swap_remove(index);
        let command = json!({"type": "comment.delete", "comment_id": id});
        Write { key: format!("{key}/deleted"), command, action: Action::Delete { comment: id }, channel, sent: None }
    }

    fn create(&mut self, plan: &Plan, room: u64, parent: Option<Own>) -> Write {
        let key = self.key(plan);
        let channel = parent.as_ref().map_or_else(|| format!("post:{room}"), |parent| parent.channel.clone());
        let room: u64 = channel.strip_prefix("post:").and_then(|id| id.parse().ok()).expect("a room is a post's");
        let mut command = json!({"type": "comment.create", "post_id": room, "body": text(&key, 0), "key": key});
        if let Some(parent) = parent {
            command["parent_id"] = parent.id.into();
        }
        Write { key, command, action: Action::Create, channel, sent: None }
    }

    /// Turns an emoji around on a comment where no toggle of this client is on its way.
    fn react(&mut self, plan: &Plan, random: &mut StdRng, under_way: &[Write]) -> Option<Write> {
        let (room, comment) = plan.marks[random.random_range(0..plan.marks.len())];
        let busy = |write: &Write| matches!(write.action, Action::React { comment: on, .. } if on == comment);
        if under_way.iter().any(busy) {
            return None;
        }
        let (emoji, on) = (plan.emoji, !self.chosen.get(&comment).copied().unwrap_or(false));
        let command = json!({"type": "comment.react", "comment_id": comment, "emoji": emoji, "on": on});
        let action = Action::React { comment, emoji, on };
        Some(Write { key: self.key(plan), command, action, channel: format!("post:{room}"), sent: None })
    }

    fn read(&mut self, plan: &Plan, random: &mut StdRng) -> Write {
        let notification = self.unread.swap_remove(random.random_range(0..self.unread.len()));
        let command = json!({"type": "notifications.read", "ids": [notification]});
        let channel = plan.channels.iter().find(|channel| channel.starts_with("user:")).expect("one's own channel");
        let (key, channel) = (self.key(plan), channel.clone());
        Write { key, command, action: Action::Read { notification }, channel, sent: None }
    }

    /// Takes in the answer to a write: what it is about, and the seq that was acknowledged.
    pub fn learn(&mut self, write: &Write, answer: &Value) -> (u64, u64) {
        let number = |field: &str| answer[field].as_u64().unwrap_or_else(|| panic!("no {field} in {answer}"));
        let own =
            |key: &str, version| Own { id: number("id"), key: key.into(), channel: write.channel.clone(), version };
        match write.action {
            Action::Create => {
                self.own.push(own(&write.key, 0));
                (number("id"), number("seq"))
            }
            Action::Edit { version, .. } => {
                let key = write.key.rsplit_once('/').map_or("", |(key, _)| key);
                self.own.push(own(key, version));
                (number("id"), number("updated_seq"))
            }
            Action::Delete { .. } => (number("id"), number("updated_seq")),
            Action::React { comment, on, .. } => {
                self.chosen.insert(comment, on);
                (comment, number("seq"))
            }
            Action::Read { notification } => (notification, number("seq")),
        }
    }

    /// Takes in an event: a notification is something to read.
    pub fn notice(&mut self, event: &Event) {
        match (event.kind.as_str(), &event.subject) {
            ("notification.created" | "notification.updated", Subject::Notification(id))
                if !self.unread.contains(id) =>
            {
                self.unread.push(*id);
            }
            ("notification.deleted", Subject::Notification(id)) => self.unread.retain(|unread| unread != id),
            _ => {}
        }
    }
}
