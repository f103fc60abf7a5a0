//! The keys of back ends: looked up by their hash, and then known for a moment, since a back end publishes again and again.

use crate::model::clock::SharedClock;
use crate::store::read::ApiKey;
use crate::store::{Store, StoreError};
use dashmap::DashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a key that was found is not looked up again: as long as it takes the sweep to find what has changed.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// Keys, each with when it was last looked up. As many as there are in the database at most.
pub struct ApiKeys {
    store: Arc<Store>,
    clock: SharedClock,
    known: DashMap<[u8; 32], (ApiKey, Instant)>,
}

impl ApiKeys {
    /// None is known yet.
    pub fn new(store: Arc<Store>, clock: SharedClock) -> Self {
        Self { store, clock, known: DashMap::new() }
    }

    /// The key with this hash. One that is deleted from the database is good for a second more; one that was not there is
    /// looked up each time.
    pub async fn find(&self, hash: [u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        let now = self.clock.instant();
        let fresh = |looked_up: Instant| now.saturating_duration_since(looked_up) < KNOWN_FOR;
        if let Some(known) = self.known.get(&hash).filter(|known| fresh(known.1)) {
            return Ok(Some(known.0.clone()));
        }
        let found = self.store.read().api_key(hash).await?;
        match &found {
            Some(key) => _ = self.known.insert(hash, (key.clone(), now)),
            None => _ = self.known.remove(&hash),
        }
        Ok(found)
    }
}
