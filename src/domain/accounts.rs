//! Accounts: who may sign in, and what their tokens are good for.

use super::{DomainError, Identity};
use crate::store::Store;
use crate::store::read::ApiKey;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What begins a back end's key, so that it is never taken for a person's token.
pub const API_KEY_PREFIX: &str = "bk_";

/// Everything about accounts.
pub struct Accounts {
    store: Arc<Store>,
}

impl Accounts {
    /// The person an access token vouches for, as of now: `unauthenticated` for a bad or ended token, `forbidden` for one
    /// of an ended session. Asks no database.
    pub fn authenticate(&self, token: &str) -> Result<Identity, DomainError> {
        let _ = token;
        Err(DomainError::unauthenticated("the token is not good"))
    }

    /// The back end whose key this is; `unauthenticated` for an unknown one.
    pub async fn api_key(&self, key: &str) -> Result<ApiKey, DomainError> {
        let known = self.store.read().api_key(Sha256::digest(key).into()).await?;
        known.ok_or_else(|| DomainError::unauthenticated("the API key is not known"))
    }
}
