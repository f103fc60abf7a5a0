//! How often who may do what. What protects people is counted for all instances together, where something between them
//! counts. While nobody can be asked, an instance goes by a share of its own, which is stricter, so that a rate is never
//! open; what was admitted before has been taken out of that share already.

use super::DomainError;
use super::accounts::{key_for, keyed};
use crate::bus::tally::{Allowance, Counted, Key, LocalTally, Tally};
use crate::config::Limits;
use crate::model::UserId;
use crate::model::clock::SharedClock;
use dashmap::DashMap;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// How an instance counts together with others.
pub struct Fleet {
    /// What counts for all; none where nothing lies between them.
    pub tally: Option<Arc<dyn Tally>>,
    /// How many instances there are, this one included.
    pub instances: u32,
    /// What all of them know and nobody else: keys bear no name or address that could be read.
    pub secret: Vec<u8>,
}

impl Fleet {
    /// One that has no others.
    pub fn alone() -> Self {
        Self { tally: None, instances: 1, secret: Vec::new() }
    }
}

/// So many at once, and as many again over the period: no more than twice that in any period.
struct Rate {
    /// What it is of, in keys.
    name: &'static str,
    whole: Allowance,
    share: Allowance,
}

impl Rate {
    /// `None` for a rate of nothing, or one too high to be counted: neither is a bound.
    fn new(name: &'static str, times: u32, per: Duration, instances: u32) -> Option<Self> {
        let whole = Allowance::new(times, per)?;
        Some(Self { name, whole, share: whole.shared_by(instances) })
    }
}

/// Rates by person and address. Addresses are those that limits count by: IPv6 cut to its /64.
pub struct RateLimits {
    comments_by_user: Option<Rate>,
    comments_by_address: Option<Rate>,
    pages: Option<Rate>,
    sign_ins: Option<Rate>,
    sign_ins_to_account: Option<Rate>,
    sign_ups: Option<Rate>,
    /// Counts for all instances.
    shared: Option<Arc<dyn Tally>>,
    /// Counts what is admitted here against the whole: what was let through while nobody could be asked still counts.
    here: LocalTally,
    /// Counts the same against the share of this instance.
    share: LocalTally,
    /// Up to when attempts are refused whoever counts: until then there is no need to ask again.
    refused: DashMap<Key, Instant>,
    clock: SharedClock,
    names: Hmac<Sha256>,
}

impl RateLimits {
    /// With the rates of the settings, or none where they are lifted.
    pub fn new(limits: &Limits, clock: SharedClock, fleet: Fleet) -> Self {
        let rate = |name, times, per| {
            let on = limits.rate_limits.0;
            on.then(|| Rate::new(name, times, per, fleet.instances)).flatten()
        };
        Self {
            comments_by_user: rate("comments of a person", limits.comments_per_user, MINUTE),
            comments_by_address: rate("comments of an address", limits.comments_per_address, MINUTE),
            pages: rate("pages of an address", limits.pages_per_address, TEN_MINUTES),
            sign_ins: rate("sign-ins of an address", limits.sign_ins_per_address, TEN_MINUTES),
            sign_ins_to_account: rate("sign-ins to an account", limits.sign_ins_per_account, TEN_MINUTES),
            sign_ups: rate("sign-ups of an address", limits.sign_ups_per_address, TEN_MINUTES),
            shared: fleet.tally,
            here: LocalTally::new(clock.clone()),
            share: LocalTally::new(clock.clone()),
            refused: DashMap::new(),
            clock,
            names: keyed(key_for("names of who is counted", &fleet.secret)),
        }
    }

    /// Counts a comment; `rate_limited` above the rate of the person or of the address.
    pub async fn comment(&self, user: UserId, address: IpAddr) -> Result<(), DomainError> {
        self.count(self.comments_by_user.as_ref(), &user).await?;
        self.count(self.comments_by_address.as_ref(), &address).await
    }

    /// Counts the page of a site that is to be made; `rate_limited` above the rate.
    pub async fn page(&self, address: IpAddr) -> Result<(), DomainError> {
        self.count(self.pages.as_ref(), &address).await
    }

    /// Counts an attempt to sign in, whether it succeeds or not and whether or not there is such an account;
    /// `rate_limited` above the rate of the address or of the account. What can be nobody's account counts for the
    /// address alone.
    pub async fn sign_in(&self, address: IpAddr, email: &str) -> Result<(), DomainError> {
        self.count(self.sign_ins.as_ref(), &address).await?;
        match super::profile::email(email) {
            Ok(email) => self.count(self.sign_ins_to_account.as_ref(), &email).await,
            Err(_) => Ok(()),
        }
    }

    /// Counts an attempt to sign up; `rate_limited` above the rate.
    pub async fn sign_up(&self, address: IpAddr) -> Result<(), DomainError> {
        self.count(self.sign_ups.as_ref(), &address).await
    }

    /// Forgets who has not been near a bound for long. Call it every minute or so: this is what bounds memory.
    pub fn purge(&self) {
        self.here.purge();
        self.share.purge();
        let now = self.clock.instant();
        self.refused.retain(|_, until| *until > now);
        self.refused.shrink_to_fit();
    }

    async fn count(&self, rate: Option<&Rate>, who: &(dyn Display + Sync)) -> Result<(), DomainError> {
        let Some(rate) = rate else { return Ok(()) };
        let key = self.key(rate.name, who);
        self.still_refused(&key)?;
        let shared = match &self.shared {
            Some(shared) => shared.count(key, rate.whole).await,
            None => Counted::Unknown,
        };
        let refused = match shared {
            Counted::Admitted => {
                self.share.charge(key, rate.share);
                self.here.take(key, rate.whole)
            }
            Counted::Refused(wait) => Err(wait),
            Counted::Unknown => {
                let taken = self.share.take(key, rate.share);
                return taken.map(|()| self.here.charge(key, rate.whole)).map_err(DomainError::rate_limited);
            }
        };
        refused.map_err(|wait| {
            self.refused.insert(key, self.clock.instant() + wait);
            DomainError::rate_limited(wait)
        })
    }

    fn still_refused(&self, key: &Key) -> Result<(), DomainError> {
        let until = self.refused.get(key).map(|until| *until);
        let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(self.clock.instant()));
        if left.is_zero() { Ok(()) } else { Err(DomainError::rate_limited(left)) }
    }

    fn key(&self, rate: &str, who: &dyn Display) -> Key {
        let mut name = self.names.clone();
        name.update(format!("{rate} {who}").as_bytes());
        let hash: [u8; 32] = name.finalize().into_bytes().into();
        std::array::from_fn(|at| hash[at])
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
