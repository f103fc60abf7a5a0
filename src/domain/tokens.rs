//! Access tokens: signed here, good without asking anybody until they end or their session does.

use super::{DomainError, Identity};
use crate::model::{Account, Role, SessionId, Timestamp, UserId};
use crate::protocol::codes::ErrorCode;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Who issues own tokens, and for whom.
pub(super) const PARTY: &str = "belfry";
/// How far ahead of this instance's reading of the time another one's may be.
const LEEWAY: Duration = Duration::from_secs(1);
/// Longer texts are not looked at.
const MAX_TOKEN: usize = 8_192;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    exp: i64,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    sid: SessionId,
    name: String,
    handle: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
}

/// Signs and reads own tokens (HS256 and nothing else).
pub struct Tokens {
    signs: EncodingKey,
    reads: DecodingKey,
    asks: Validation,
}

impl Tokens {
    /// With the secret that every instance shares.
    pub fn new(secret: &[u8]) -> Self {
        let mut asks = Validation::new(Algorithm::HS256);
        asks.set_issuer(&[PARTY]);
        asks.set_audience(&[PARTY]);
        asks.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library would ask this machine's clock; `read` asks the database's.
        asks.validate_exp = false;
        asks.validate_nbf = false;
        Self { signs: EncodingKey::from_secret(secret), reads: DecodingKey::from_secret(secret), asks }
    }

    /// When a token issued now for this long ends: tokens count whole seconds, and none is shorter than promised.
    pub fn end(now: Timestamp, lives: Duration) -> Timestamp {
        Timestamp(now.plus(lives).0.saturating_add(999).div_euclid(1000).saturating_mul(1000))
    }

    /// A token of this session that ends at `ends`, a whole second.
    pub fn issue(
        &self,
        account: &Account,
        session_id: SessionId,
        now: Timestamp,
        ends: Timestamp,
    ) -> Result<String, DomainError> {
        let claims = Claims {
            iss: PARTY.into(),
            aud: PARTY.into(),
            sub: account.user.id.to_string(),
            exp: ends.seconds(),
            iat: now.seconds(),
            nbf: None,
            sid: session_id,
            name: account.user.name.clone(),
            handle: account.user.handle.clone(),
            role: account.role,
            avatar: account.user.avatar_url.clone(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signs)
            .map_err(|_| DomainError::new(ErrorCode::Internal, "no token could be signed"))
    }

    /// Whom a token vouches for; `unauthenticated` for one that was not issued here, has ended or has not begun.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<Identity, DomainError> {
        let bad = || DomainError::unauthenticated("the token is not good");
        if token.len() > MAX_TOKEN {
            return Err(bad());
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.reads, &self.asks).map_err(|_| bad())?.claims;
        let user_id: UserId = claims.sub.parse().map_err(|_| bad())?;
        if claims.sid.is_of_host() {
            return Err(bad());
        }
        let (now_seconds, latest) = (now.seconds(), now.plus(LEEWAY).seconds());
        if claims.exp <= now_seconds {
            return Err(DomainError::unauthenticated("the token has ended"));
        }
        if claims.iat > latest || claims.nbf.is_some_and(|begins| begins > latest) {
            return Err(DomainError::unauthenticated("the token has not begun"));
        }
        Ok(Identity {
            user_id,
            name: claims.name,
            handle: claims.handle,
            avatar_url: claims.avatar,
            role: claims.role,
            session_id: claims.sid,
            issued_at: Timestamp(claims.iat.saturating_mul(1000)),
            expires_at: Timestamp(claims.exp.saturating_mul(1000)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserRef;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp(1_700_000_000_500);

    fn account() -> Account {
        let user = UserRef { id: UserId(3), name: "Ada".into(), handle: "ada".into(), avatar_url: None };
        Account { user, email: None, external_id: None, role: Role::Moderator, created_at: NOW }
    }

    fn signed(algorithm: Algorithm, secret: &str, changes: Value) -> String {
        let mut claims = json!({
            "iss": "belfry", "aud": "belfry", "sub": "3", "exp": NOW.seconds() + 60, "iat": NOW.seconds(),
            "sid": 9, "name": "Ada", "handle": "ada", "role": "user",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let key = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), &claims, &key).unwrap()
    }

    #[test]
    fn what_was_issued_is_read_back_until_it_ends() {
        let tokens = Tokens::new(b"secret");
        let ends = Tokens::end(NOW, Duration::from_secs(60));
        assert_eq!(ends, Timestamp(1_700_000_061_000));
        let token = tokens.issue(&account(), SessionId(9), NOW, ends).unwrap();
        let identity = tokens.read(&token, NOW).unwrap();
        assert_eq!((identity.user_id, identity.session_id), (UserId(3), SessionId(9)));
        assert_eq!((identity.name.as_str(), identity.role), ("Ada", Role::Moderator));
        assert_eq!(identity.expires_at, ends);
        assert!(tokens.read(&token, ends.minus(Duration::from_millis(1))).is_ok());
        assert_eq!(tokens.read(&token, ends).unwrap_err().code, ErrorCode::Unauthenticated);
    }

    #[test]
    fn only_tokens_from_here_for_here_are_read() {
        let tokens = Tokens::new(b"secret");
        assert!(tokens.read(&signed(Algorithm::HS256, "secret", json!({})), NOW).is_ok());
        let (past, future) = (NOW.seconds() - 1, NOW.seconds() + 3);
        for bad in [
            signed(Algorithm::HS256, "other", json!({})),
            signed(Algorithm::HS384, "secret", json!({})),
            signed(Algorithm::HS512, "secret", json!({})),
            signed(Algorithm::HS256, "secret", json!({"iss": "other"})),
            signed(Algorithm::HS256, "secret", json!({"iss": null})),
            signed(Algorithm::HS256, "secret", json!({"aud": "other"})),
            signed(Algorithm::HS256, "secret", json!({"aud": null})),
            signed(Algorithm::HS256, "secret", json!({"exp": past})),
            signed(Algorithm::HS256, "secret", json!({"exp": null})),
            signed(Algorithm::HS256, "secret", json!({"iat": future})),
            signed(Algorithm::HS256, "secret", json!({"nbf": future})),
            signed(Algorithm::HS256, "secret", json!({"sub": "03"})),
            signed(Algorithm::HS256, "secret", json!({"sub": 3})),
            signed(Algorithm::HS256, "secret", json!({"sid": 0})),
            signed(Algorithm::HS256, "secret", json!({"sid": -9})),
            signed(Algorithm::HS256, "secret", json!({"role": "root"})),
            "eyJhbGciOiJub25lIn0.e30.".into(),
            "not a token".into(),
            String::new(),
            "a".repeat(MAX_TOKEN + 1),
        ] {
            assert_eq!(tokens.read(&bad, NOW).unwrap_err().code, ErrorCode::Unauthenticated, "{bad}");
        }
        let soon = NOW.seconds() + 1;
        assert!(tokens.read(&signed(Algorithm::HS256, "secret", json!({"iat": soon, "nbf": soon})), NOW).is_ok());
    }
}
