//! Passwords: argon2id, a few at a time, away from the threads that serve sockets.

use super::{DomainError, background};
use crate::model::random::SharedEntropy;
use crate::protocol::codes::ErrorCode;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Memory of one hash, KiB.
const MEMORY: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Most that wait for their turn; more would wait too long to be of use to anybody.
const MAX_WAITING: usize = 64;

/// Verified in place of the hash of an unknown person, so that neither the answer nor its time tells who is known.
/// It is the digest of nothing: no password fits.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and verifies passwords.
pub struct Passwords {
    entropy: SharedEntropy,
    at_once: Arc<Semaphore>,
    bound: usize,
    inside: AtomicUsize,
}

impl Passwords {
    /// With at most `at_once` threads (at least one) busy at a time.
    pub fn new(at_once: usize, entropy: SharedEntropy) -> Self {
        let at_once = at_once.max(1);
        let bound = at_once.saturating_add(MAX_WAITING);
        Self { entropy, at_once: Arc::new(Semaphore::new(at_once)), bound, inside: AtomicUsize::new(0) }
    }

    /// The PHC string of a new password. `unavailable` when too many wait.
    pub async fn hash(&self, password: String) -> Result<String, DomainError> {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        let hashed = self.away(move || {
            let salt = SaltString::encode_b64(&salt).ok()?;
            Some(argon2()?.hash_password(password.as_bytes(), &salt).ok()?.to_string())
        });
        hashed.await?.ok_or_else(broken)
    }

    /// Whether the password is the one that was hashed; without a hash as slow and `false`. `unavailable` when too many
    /// wait.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, DomainError> {
        let verified = self.away(move || {
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let hash = PasswordHash::new(&hash).ok()?;
            Some(argon2()?.verify_password(password.as_bytes(), &hash).is_ok())
        });
        verified.await?.ok_or_else(broken)
    }

    async fn away<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, DomainError> {
        let _place = Place::take(&self.inside, self.bound)?;
        let permit = self.at_once.clone().acquire_owned().await.map_err(|_| broken())?;
        let done = background::run(move || {
            // Kept to the end of the work, even if whoever asked has gone away.
            let _permit = permit;
            work()
        });
        done.await.map_err(|_| broken())
    }
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY, PASSES, 1, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn broken() -> DomainError {
    DomainError::new(ErrorCode::Internal, "the password could not be checked")
}

/// A place among those that are hashed or wait; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(inside: &'a AtomicUsize, bound: usize) -> Result<Self, DomainError> {
        let place = Self(inside);
        if inside.fetch_add(1, Ordering::Relaxed) < bound {
            return Ok(place);
        }
        Err(DomainError {
            retry_after: Some(Duration::from_secs(1)),
            ..DomainError::new(ErrorCode::Unavailable, "too many sign in at once, try again")
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SystemEntropy;

    fn passwords() -> Passwords {
        Passwords::new(2, Arc::new(SystemEntropy))
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = passwords();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("Correct horse".into(), Some(hash.clone())).await.unwrap());
        assert_ne!(hash, passwords.hash("correct horse".into()).await.unwrap());
    }

    #[tokio::test]
    async fn an_unknown_person_costs_as_much_and_never_fits() {
        let passwords = passwords();
        assert!(!passwords.verify(String::new(), None).await.unwrap());
        let (nobody, parsed) = (PasswordHash::new(NOBODY).unwrap(), argon2().unwrap());
        assert_eq!(Params::try_from(&nobody).unwrap().m_cost(), parsed.params().m_cost());
        assert_eq!(Params::try_from(&nobody).unwrap().t_cost(), parsed.params().t_cost());
        assert_eq!(nobody.hash.unwrap().len(), Params::DEFAULT_OUTPUT_LEN);
    }

    #[test]
    fn more_than_the_bound_are_turned_away_at_once() {
        let inside = AtomicUsize::new(0);
        let first = Place::take(&inside, 1).unwrap();
        let refused = Place::take(&inside, 1).map(|_| ()).unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::Unavailable, Some(Duration::from_secs(1))));
        drop(first);
        assert!(Place::take(&inside, 1).is_ok());
    }
}
