//! Public keys of the host's site: a JWK set (RFC 7517) in a file, read again when it changes.

use crate::model::clock::SharedClock;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use parking_lot::{Mutex, RwLock};
use serde::Deserialize;
use serde_json::Value;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Semaphore;

/// Pause between two looks at the file, and between two times it is read for the sake of an unknown key.
const PAUSE: Duration = Duration::from_secs(2);
/// Most bytes of the file.
const MOST_BYTES: u64 = 1_048_576;
/// Most keys of a set: a token that names none is tried with each that fits.
const MOST_KEYS: usize = 100;

/// A key and the one algorithm that it is good for.
#[derive(Clone)]
pub struct Key {
    id: Option<String>,
    /// What its signatures are made by.
    pub algorithm: Algorithm,
    /// What verifies them.
    pub verifies: DecodingKey,
}

impl Key {
    /// A secret that is shared with who signs.
    pub fn shared(verifies: DecodingKey) -> Self {
        Self { id: None, algorithm: Algorithm::HS256, verifies }
    }
}

/// Keys, all of them public ones.
#[derive(Clone, Default)]
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a set. Keys that are of no use here (symmetric, for encryption, of another kind, too short) are passed
    /// over.
    ///
    /// # Errors
    /// What is wrong with it, where no key is left or there are too many.
    pub fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_str(text).map_err(|_| "this is no JWK set".to_owned())?;
        if set.keys.len() > MOST_KEYS {
            return Err(format!("a set has at most {MOST_KEYS} keys"));
        }
        let keys: Vec<Key> = set.keys.into_iter().filter_map(key).collect();
        if keys.is_empty() { Err("the set has no public key to verify signatures with".into()) } else { Ok(Self(keys)) }
    }

    /// The keys that a token with this header may have been signed with: of its algorithm, and of its `kid` if it has
    /// one.
    pub fn fitting(&self, header: &Header) -> Vec<Key> {
        let named = |key: &&Key| header.kid.is_none() || key.id == header.kid;
        self.0.iter().filter(|key| key.algorithm == header.alg).filter(named).cloned().collect()
    }

    fn knows(&self, header: &Header) -> bool {
        header.kid.is_none() || self.0.iter().any(|key| key.id == header.kid)
    }
}

/// A key of a set, if signatures may be verified with it.
fn key(jwk: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(jwk).ok()?;
    let signs = jwk.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let verifies = jwk.common.key_operations.as_ref().is_none_or(|may| may.contains(&KeyOperations::Verify));
    let algorithm = algorithm(&jwk).filter(|_| signs && verifies)?;
    Some(Key { id: jwk.common.key_id.clone(), algorithm, verifies: DecodingKey::from_jwk(&jwk).ok()? })
}

/// The algorithm that a key names if its kind allows it, else the usual one of its kind; none for a key of another
/// kind.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_or(0, |bytes| bytes.len());
    let allowed: &[Algorithm] = match &jwk.algorithm {
        // 2048 to 8192 bits.
        AlgorithmParameters::RSA(rsa) if (256..=1024).contains(&bytes(&rsa.n)) => {
            &[RS256, RS384, RS512, PS256, PS384, PS512]
        }
        AlgorithmParameters::EllipticCurve(ec) => match (&ec.curve, bytes(&ec.x), bytes(&ec.y)) {
            (EllipticCurve::P256, 32, 32) => &[ES256],
            (EllipticCurve::P384, 48, 48) => &[ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 && bytes(&pair.x) == 32 => {
            &[EdDSA]
        }
        _ => &[],
    };
    match jwk.common.key_algorithm {
        None => allowed.first().copied(),
        Some(named) => Algorithm::try_from(named).ok().filter(|named| allowed.contains(named)),
    }
}

/// A set in a file. What is broken is warned of, and the keys from before go on being good.
pub struct KeyFile {
    path: PathBuf,
    clock: SharedClock,
    keys: RwLock<Arc<KeySet>>,
    looked: Mutex<Looked>,
    one_reads: Semaphore,
}

struct Looked {
    at: Instant,
    read_at: Instant,
    stamp: Stamp,
}

/// What changes when a file is written anew.
type Stamp = Option<(SystemTime, u64)>;

impl KeyFile {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it, in a line.
    pub fn open(path: &Path, clock: SharedClock) -> Result<Self, String> {
        let (stamp, keys) = read(path)?;
        let now = clock.instant();
        Ok(Self {
            path: path.to_owned(),
            clock,
            keys: RwLock::new(Arc::new(keys)),
            looked: Mutex::new(Looked { at: now, read_at: now, stamp }),
            one_reads: Semaphore::new(1),
        })
    }

    /// The keys that a token with this header may have been signed with. The file is looked at again if it has not been
    /// for a while, and read again for a `kid` that is not known, every few seconds at most.
    pub async fn fitting(&self, header: &Header) -> Vec<Key> {
        if self.is_due(false) {
            self.look(false).await;
        }
        if !self.now().knows(header) {
            self.look(true).await;
        }
        self.now().fitting(header)
    }

    fn now(&self) -> Arc<KeySet> {
        self.keys.read().clone()
    }

    fn is_due(&self, unknown: bool) -> bool {
        let looked = self.looked.lock();
        let last = if unknown { looked.read_at } else { looked.at };
        self.clock.instant().saturating_duration_since(last) >= PAUSE
    }

    /// One looks at a time; who comes meanwhile waits for what is found.
    async fn look(&self, unknown: bool) {
        let Ok(_turn) = self.one_reads.acquire().await else { return };
        if !self.is_due(unknown) {
            return;
        }
        let before = {
            let mut looked = self.looked.lock();
            looked.at = self.clock.instant();
            if unknown {
                looked.read_at = looked.at;
            }
            looked.stamp
        };
        let path = self.path.clone();
        let looking = tokio::task::spawn_blocking(move || {
            let changed = unknown || stamp(&path) != before;
            changed.then(|| read(&path))
        });
        match looking.await {
            Ok(Some(Ok((stamp, keys)))) => {
                self.looked.lock().stamp = stamp;
                *self.keys.write() = Arc::new(keys);
            }
            Ok(Some(Err(complaint))) => tracing::warn!("{complaint}: the keys from before are kept"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "looking at the keys of the host's site failed"),
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

fn read(path: &Path) -> Result<(Stamp, KeySet), String> {
    let complain = |what: String| format!("BELFRY_JWKS_FILE: {}: {what}", path.display());
    // Before the text: what is written meanwhile is found by the next look.
    let stamp = stamp(path);
    let mut text = String::new();
    let file = File::open(path).map_err(|error| complain(error.to_string()))?;
    file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| complain(error.to_string()))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(complain(format!("larger than {MOST_BYTES} bytes")));
    }
    Ok((stamp, KeySet::parse(&text).map_err(complain)?))
}

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
