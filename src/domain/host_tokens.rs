//! Tokens that the host's site signs for its people: what is asked of them, and what they say.

use super::jwks::{Key, KeyFile};
use super::{DomainError, profile};
use crate::model::{SessionId, Timestamp};
use jsonwebtoken::{DecodingKey, Header, Validation};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Most characters of a host's own name for a person.
pub const MAX_EXTERNAL_ID: usize = 255;
/// How far ahead the clock of who signs may be.
const LEEWAY: Duration = Duration::from_secs(1);
/// Longer texts are not looked at.
const MAX_TOKEN: usize = 8_192;
/// The last second that RFC 3339 can tell: tokens for ever end then.
const LAST_SECOND: i64 = 253_402_207_200;

/// What verifies them.
pub enum Keys {
    /// A secret shared with the host's site (HS256).
    Secret(DecodingKey),
    /// Public keys in a file (whatever each is for, never HS256).
    File(KeyFile),
}

/// Reads tokens of the host's site.
pub struct HostTokens {
    keys: Keys,
    audience: Option<String>,
    max_name_chars: usize,
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostToken {
    /// The host's own name for the person.
    pub external_id: String,
    /// The name shown.
    pub name: String,
    /// A picture: `None` says nothing of it, `Some(None)` that there is none.
    pub picture: Option<Option<String>>,
    /// When it was signed; where it does not say so, when it ends: of two the later one counts.
    pub signed_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What revokes this token and no other.
    pub session_id: SessionId,
}

impl HostTokens {
    /// With these keys, for this audience if one is given, names as long as anybody's.
    pub fn new(keys: Keys, audience: Option<String>, max_name_chars: usize) -> Self {
        Self { keys, audience, max_name_chars }
    }

    /// What a token says; `unauthenticated`, with the reason, for one that is not good.
    pub async fn read(&self, token: &str, now: Timestamp) -> Result<HostToken, DomainError> {
        let bad = || DomainError::unauthenticated("the token is not good");
        if token.len() > MAX_TOKEN {
            return Err(bad());
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| bad())?;
        // What must be understood is not: no extension is.
        if header.crit.is_some() {
            return Err(bad());
        }
        let claims = self.keys(&header).await.iter().find_map(|key| verified(token, key)).ok_or_else(bad)?;
        let claims = Claims(claims);
        self.check(&claims, now)?;
        let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
        let expires_at = second(claims.second("exp")?.unwrap_or(0).min(LAST_SECOND));
        Ok(HostToken {
            external_id: claims.external_id()?,
            name: claims.name(self.max_name_chars)?,
            picture: claims.picture(),
            signed_at: claims.second("iat")?.map_or(expires_at, second),
            expires_at,
            // Not the signature: there may be several good ones for the same text.
            session_id: SessionId::of_host(Sha256::digest(signed).into()),
        })
    }

    async fn keys(&self, header: &Header) -> Vec<Key> {
        match &self.keys {
            Keys::Secret(secret) => vec![Key::shared(secret.clone())],
            Keys::File(file) => file.fitting(header).await,
        }
    }

    /// Whether it is for here and now.
    fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), DomainError> {
        let ends = claims.second("exp")?.ok_or_else(|| wrong("`exp` is missing"))?;
        if ends <= now.seconds() {
            return Err(DomainError::unauthenticated("the token has ended"));
        }
        let latest = now.plus(LEEWAY).seconds();
        for name in ["nbf", "iat"] {
            if claims.second(name)?.is_some_and(|begins| begins > latest) {
                return Err(DomainError::unauthenticated("the token has not begun"));
            }
        }
        match &self.audience {
            Some(audience) if !claims.is_for(audience) => Err(wrong("`aud` is not for here")),
            _ => Ok(()),
        }
    }
}

/// The claims of a token that was signed with this key.
fn verified(token: &str, key: &Key) -> Option<Map<String, Value>> {
    let mut asks = Validation::new(key.algorithm);
    // Judged here: the library would ask this machine's clock.
    asks.set_required_spec_claims::<&str>(&[]);
    asks.validate_exp = false;
    asks.validate_nbf = false;
    asks.validate_aud = false;
    Some(jsonwebtoken::decode(token, &key.verifies, &asks).ok()?.claims)
}

struct Claims(Map<String, Value>);

impl Claims {
    /// A moment in whole seconds; a part of one is cut off.
    fn second(&self, name: &str) -> Result<Option<i64>, DomainError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => {
                // What is too large for a moment becomes the last one.
                let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds.floor() as i64));
                Ok(seconds)
            }
            Some(_) => Err(wrong(&format!("`{name}` is no number"))),
        }
    }

    fn external_id(&self) -> Result<String, DomainError> {
        let Some(Value::String(id)) = self.0.get("sub") else { return Err(wrong("`sub` is missing")) };
        external_id("", id).map_err(|error| wrong(&format!("`sub`: {}", error.detail)))
    }

    fn name(&self, most: usize) -> Result<String, DomainError> {
        let Some(Value::String(name)) = self.0.get("name") else { return Err(wrong("`name` is missing")) };
        profile::name(name, most).map_err(|error| wrong(&format!("`name`: {}", error.detail)))
    }

    /// One that cannot be shown is passed over.
    fn picture(&self) -> Option<Option<String>> {
        match self.0.get("picture")? {
            Value::Null => Some(None),
            Value::String(url) => profile::avatar_url(url).ok().map(Some),
            _ => None,
        }
    }

    fn is_for(&self, audience: &str) -> bool {
        match self.0.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(several)) => several.iter().any(|one| one == audience),
            _ => false,
        }
    }
}

/// A host's own name for a person: 1 to 255 characters.
pub fn external_id(pointer: &str, id: &str) -> Result<String, DomainError> {
    let complaint = match id.chars().count() {
        0 => "must not be empty".to_owned(),
        count if count > MAX_EXTERNAL_ID => format!("at most {MAX_EXTERNAL_ID} characters"),
        _ if id.contains('\0') => "must not contain the character U+0000".to_owned(),
        _ => return Ok(id.to_owned()),
    };
    Err(DomainError::unprocessable(pointer, complaint))
}

fn wrong(what: &str) -> DomainError {
    DomainError::unauthenticated(format!("the token is not good: {what}"))
}

fn second(seconds: i64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1000))
}

/// Whether a text says of itself that it is an own token: one that bears both `iss` and `aud` of those. What it says is
/// believed only when its signature is.
pub fn is_for_own(token: &str) -> bool {
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Map<String, Value>>(token);
    claims.is_ok_and(|claims| {
        [claims.get("iss"), claims.get("aud")].iter().all(|said| said.is_some_and(|s| s == super::tokens::PARTY))
    })
}

#[cfg(test)]
#[path = "host_tokens_tests.rs"]
mod tests;
