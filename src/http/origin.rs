//! The request's `Origin`, judged. The rule itself is the domain's; REST, the refresh cookie and the socket upgrade all
//! come through here.

use crate::domain::origins::{Origins, Verdict};
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// Judges a request by its headers. Several `Origin`s, or one that is no text, are foreign.
pub fn check(origins: &Origins, headers: &HeaderMap) -> Verdict {
    let mut values = headers.get_all(ORIGIN).iter();
    let origin = values.next().map(|value| value.to_str().unwrap_or("null"));
    if values.next().is_some() {
        return Verdict::Foreign;
    }
    origins.check(origin, headers.get(HOST).and_then(|host| host.to_str().ok()))
}
