//! What a channel's log says, for those who would rather fetch than listen.

use super::{DomainError, Identity, channels, paging};
use crate::model::Event;
use crate::model::ids::MAX_ID;
use crate::store::Store;
use crate::store::read::Stretch;
use std::sync::Arc;

/// A stretch of a log, and where the log stands.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Events in order, without holes, from right after `since`.
    pub events: Vec<Event>,
    /// The channel's head, read before them.
    pub seq: i64,
    /// Events up to here are no longer kept.
    pub floor: i64,
}

/// The logs, as far as they are kept.
pub struct History {
    store: Arc<Store>,
}

impl History {
    /// The logs of a store.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Events after `since`, of a channel that the caller may subscribe to; parameters as the client wrote them.
    ///
    /// # Errors
    /// `not_found` and `forbidden` as for subscribing, `bad_request` for numbers that make no sense, `conflict` where some
    /// of what was asked for is no longer kept.
    pub async fn read(
        &self,
        caller: Option<&Identity>,
        channel: &str,
        since: Option<&str>,
        limit: Option<&str>,
    ) -> Result<Stored, DomainError> {
        let channel = channels::resolve(caller, channel)?;
        channels::may_subscribe(caller, channel)?;
        let after = since.map_or(Ok(0), seq)?;
        let limit = paging::limit(limit)?;
        let heads = self.store.read().heads(&[channel]).await?;
        let head = heads.get(&channel).filter(|head| !head.closed);
        let head = head.ok_or_else(|| DomainError::not_found("there is no such channel"))?;
        if after < head.floor {
            return Err(DomainError::conflict(format!("events up to {} are no longer kept", head.floor)));
        }
        let stretch = Stretch { channel, after, limit, last: false };
        let events = self.store.read().events(&[stretch]).await?.remove(&channel).unwrap_or_default();
        // Pruned between the two reads: a hole must not look like a log.
        if events.first().is_some_and(|first| first.seq != after + 1) {
            return Err(DomainError::conflict("these events are no longer kept"));
        }
        Ok(Stored { events, seq: head.seq, floor: head.floor })
    }
}

fn seq(text: &str) -> Result<i64, DomainError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok().filter(|seq| *seq <= MAX_ID) } else { None };
    number.ok_or_else(|| DomainError::bad_request("`since` is the seq of an event, or 0"))
}
