//! What instances tell each other of who is in a room: numbered changes, each against the one before, and all of it for
//! whoever missed one.
//!
//! **Invariant.** Versions of one instance only grow, across rooms and lives of a room, so that of two things it said the
//! later one is known as such.

use super::Node;
use crate::model::{UserId, UserRef};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most people named by one message, so that none is large however many are there.
pub const PART: usize = 200;

/// How the people of one instance in one room changed, or all of them. The same version before and after says that it
/// still holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seats {
    /// What this builds on; 0 for nothing: then it is all of it, in parts.
    #[serde(default)]
    pub before: u64,
    /// What is known with it.
    pub version: u64,
    /// Which part of all this is, from 0 on.
    #[serde(default)]
    pub part: u32,
    /// Parts of all; changes have one.
    pub parts: u32,
    /// Who came, or has another name or picture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<Arc<UserRef>>,
    /// Who is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<UserId>,
    /// Nameless sockets there, all of them.
    #[serde(default)]
    pub anonymous: u64,
}

/// A question to all who have people in a room.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ask {
    /// What was last told of the asker's own people; 0 for nothing.
    pub version: u64,
    /// What is known of others: those with another version answer with all, these say that it still holds.
    pub known: Vec<(Node, u64)>,
}

impl Seats {
    /// What it takes in memory, about.
    pub fn bytes(&self) -> usize {
        let text = |user: &Arc<UserRef>| {
            user.name.len() + user.handle.len() + user.avatar_url.as_ref().map_or(0, String::len) + 64
        };
        self.joined.iter().map(text).sum::<usize>() + self.left.len() * 8 + 64
    }
}
