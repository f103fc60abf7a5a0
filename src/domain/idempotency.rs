//! Idempotency keys: what makes a retry harmless, whichever way it comes in.

use super::DomainError;
use crate::store::write::IdempotencyKey;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Most characters of a key.
pub const MAX_KEY: usize = 64;

/// Whether a client may use this as a key: 1–64 of ASCII 0x21–0x7E.
pub fn is_valid(key: &str) -> bool {
    (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| (0x21..=0x7E).contains(&byte))
}

/// The key of a request that may bear it in its header and in its body: one thing, so they may not differ.
///
/// Errors: `unprocessable` for one that cannot be used, `bad_request` for two that differ.
pub fn chosen<'a>(header: Option<&'a str>, body: Option<&'a str>) -> Result<Option<&'a str>, DomainError> {
    for key in [header, body].into_iter().flatten() {
        if !is_valid(key) {
            return Err(DomainError::unprocessable("/key", "a key is 1 to 64 of the ASCII characters ! to ~"));
        }
    }
    match (header, body) {
        (Some(header), Some(body)) if header != body => {
            Err(DomainError::bad_request("Idempotency-Key and `key` differ"))
        }
        _ => Ok(header.or(body)),
    }
}

/// The key as the store wants it, with a fingerprint of what was asked: everything that would make another request.
///
/// Errors: `unprocessable` for one that cannot be used, from whichever edge it comes.
pub fn keyed(
    caller: String,
    action: &'static str,
    key: Option<&str>,
    content: &impl Serialize,
) -> Result<Option<IdempotencyKey>, DomainError> {
    let Some(key) = chosen(None, key)? else { return Ok(None) };
    let content = serde_json::to_vec(content)
        .map_err(|error| DomainError::bad_request(format!("the content cannot be read: {error}")))?;
    let fingerprint = Sha256::digest(content).into();
    Ok(Some(IdempotencyKey { caller, action, key: key.to_owned(), fingerprint }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::codes::ErrorCode;

    #[test]
    fn a_key_has_1_to_64_visible_ascii_characters() {
        for good in ["!", "~", &"k".repeat(64)] {
            assert_eq!(chosen(Some(good), None).unwrap(), Some(good));
        }
        for bad in ["", " ", "a b", "ä", "\u{7f}", "a\n", &"k".repeat(65)] {
            assert_eq!(chosen(None, Some(bad)).unwrap_err().code, ErrorCode::Unprocessable, "{bad:?}");
        }
    }

    #[test]
    fn header_and_body_are_one_thing() {
        assert_eq!(chosen(None, None).unwrap(), None);
        assert_eq!(chosen(Some("a"), Some("a")).unwrap(), Some("a"));
        assert_eq!(chosen(Some("a"), None).unwrap(), Some("a"));
        assert_eq!(chosen(Some("a"), Some("b")).unwrap_err().code, ErrorCode::BadRequest);
    }

    #[test]
    fn other_content_has_another_fingerprint() {
        let of = |content: &str| keyed("u:1".into(), "comment", Some("k"), &content).unwrap().unwrap();
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a").fingerprint, of("b").fingerprint);
        assert!(keyed("u:1".into(), "comment", Some("k k"), &"a").is_err());
    }
}
