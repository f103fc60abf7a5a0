//! What back ends append to channels: events of their own kinds, kept to the byte.

use super::{DomainError, channels, idempotency};
use crate::config::Limits;
use crate::store::Store;
use crate::store::read::ApiKey;
use crate::store::write::{Applied, Publish};
use serde_json::value::RawValue;
use std::sync::Arc;

/// What every published kind begins with, so that it is never mistaken for one of the hub's own.
const PREFIX: &str = "custom.";

/// Most characters of a kind after its prefix.
const MAX_KIND: usize = 60;

/// An event to append.
#[derive(Debug, Clone)]
pub struct Publication {
    /// `post:{id}` or `user:{id}`.
    pub channel: String,
    /// `custom.` and 1–60 of `a-z 0-9 _ . -`.
    pub kind: String,
    /// Any JSON.
    pub data: Box<RawValue>,
    /// Makes a retry harmless.
    pub key: Option<String>,
}

/// What back ends may append.
pub struct Publishing {
    store: Arc<Store>,
    limits: Limits,
}

impl Publishing {
    /// Publishing into a store, within these limits.
    pub fn new(store: Arc<Store>, limits: Limits) -> Self {
        Self { store, limits }
    }

    /// Appends an event for a back end, whose scope was checked; answers its seq.
    ///
    /// # Errors
    /// `not_found` for a channel that is not there, `unprocessable` for another kind or for data that not every codec can
    /// carry, `too_large` for too much data, `conflict` for a key used for something else.
    pub async fn publish(&self, caller: &ApiKey, event: Publication) -> Result<Applied<i64>, DomainError> {
        check_kind(&event.kind)?;
        self.check_data(&event.data)?;
        let channel = channels::resolve(None, &event.channel).map_err(|_| no_channel())?;
        let content = (&channel, &event.kind, &event.data);
        let key = idempotency::keyed(format!("k:{}", caller.id), "publish", event.key.as_deref(), &content)?;
        Ok(self.store.write(Publish { channel, kind: event.kind, data: event.data.into(), key }).await?)
    }

    fn check_data(&self, data: &RawValue) -> Result<(), DomainError> {
        let most = self.limits.max_custom;
        if data.get().len() > most {
            return Err(DomainError::too_large(format!("`data` has at most {most} bytes")));
        }
        // Raw text was only skipped over: lone surrogates, endless nesting and numbers beyond a double would pass.
        match serde_json::from_str::<serde_json::Value>(data.get()) {
            Ok(_) => Ok(()),
            Err(error) => Err(DomainError::unprocessable("/data", error.to_string())),
        }
    }
}

fn no_channel() -> DomainError {
    DomainError::not_found("there is no such channel")
}

fn check_kind(kind: &str) -> Result<(), DomainError> {
    let own = kind.strip_prefix(PREFIX).unwrap_or_default();
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    if (1..=MAX_KIND).contains(&own.len()) && own.bytes().all(allowed) {
        return Ok(());
    }
    Err(DomainError::unprocessable("/kind", "a kind is `custom.` and 1 to 60 of the characters a-z 0-9 _ . -"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_says_that_it_is_custom() {
        for good in ["custom.x", "custom.order-2.paid_up", &format!("custom.{}", "k".repeat(60))] {
            assert_eq!(check_kind(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "custom",
            "custom.",
            "comment.created",
            "Custom.x",
            "custom.X",
            "custom.a b",
            "custom.ä",
            &format!("custom.{}", "k".repeat(61)),
        ] {
            assert!(check_kind(bad).is_err(), "{bad}");
        }
    }
}
