//! News of a roster on their way to subscriptions: encoded once for everybody who is owed the same.

use super::update::{Changes, Due, Update};
use super::walk::index;
use crate::model::Channel;
use crate::protocol::codec::Codec;
use crate::protocol::server::ServerMessage;
use bytes::Bytes;
use std::sync::OnceLock;

/// An update of a roster as it goes out.
pub struct News {
    channel: Channel,
    update: Update,
    changes: [OnceLock<Bytes>; 2],
    whole: [OnceLock<Bytes>; 2],
}

impl News {
    /// An update of a channel's roster.
    pub fn new(channel: Channel, update: Update) -> Self {
        Self { channel, update, changes: Default::default(), whole: Default::default() }
    }

    /// What is owed to whoever knows `revision`: the revision they know with it, and a frame, empty where it says nothing.
    pub fn owed(&self, revision: u32, codec: Codec) -> Option<(u32, Bytes)> {
        let (presence, frames) = match (self.update.due(revision), &self.update.changes) {
            (Due::Nothing, _) => return None,
            (Due::Silence, _) => return Some((self.update.revision, Bytes::new())),
            (Due::Changes, Changes::Said(changes)) => (changes, &self.changes),
            (Due::Changes | Due::Whole, _) => (&self.update.whole, &self.whole),
        };
        let encode = || codec.frame(&ServerMessage::Presence { channel: self.channel, presence });
        Some((self.update.revision, frames[index(codec)].get_or_init(encode).clone()))
    }
}
