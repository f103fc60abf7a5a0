//! Where a log stands, and what a socket gets of it that comes back.

use super::log::{ChannelLog, Inner};
use crate::model::Channel;
use crate::protocol::codec::Codec;
use bytes::Bytes;

/// What a socket gets that joins at `since`.
pub struct Recovered {
    /// The last event included.
    pub seq: i64,
    /// The head.
    pub head: i64,
    /// Encoded events.
    pub events: Vec<Bytes>,
    /// Unread notifications at `seq`, on a person's channel.
    pub unread: Option<i64>,
}

impl ChannelLog {
    /// Events after `since` within a budget of bytes, or `None` if some are not in the tail. The budget shrinks by what
    /// is given. On a person's channel the first one is given in any case: it tells how much is unread at `seq`.
    pub fn recover(&self, since: i64, codec: Codec, budget: &mut usize) -> Option<Recovered> {
        let inner = self.inner.lock();
        let head = inner.gate.head()?;
        let own = matches!(self.channel, Channel::User(_));
        let mut recovered = Recovered { seq: since, head, events: Vec::new(), unread: None };
        for entry in inner.tail.after(since, head)? {
            let message = entry.message(codec);
            if message.len() > *budget && !(own && recovered.events.is_empty()) {
                break;
            }
            *budget = budget.saturating_sub(message.len());
            recovered.seq = entry.seq;
            recovered.events.push(message);
        }
        recovered.unread = self.unread_at(&inner, recovered.seq);
        Some(recovered)
    }

    /// The last event let through, and how many notifications are unread after it on a person's channel.
    pub fn position(&self) -> Option<(i64, Option<i64>)> {
        let inner = self.inner.lock();
        let head = inner.gate.head()?;
        Some((head, self.unread_at(&inner, head)))
    }

    /// How many notifications are unread after an event of a person's channel; none where the event is not in the tail.
    pub fn unread(&self, seq: i64) -> Option<i64> {
        self.unread_at(&self.inner.lock(), seq)
    }

    fn unread_at(&self, inner: &Inner, seq: i64) -> Option<i64> {
        match self.channel {
            Channel::User(_) if inner.gate.head() == Some(seq) => Some(inner.unread),
            Channel::User(_) => inner.tail.at(seq)?.unread,
            _ => None,
        }
    }
}
