//! The refresh cookie: the only one there is.

use super::AppState;
use axum::http::header::{COOKIE, HOST, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use std::net::IpAddr;
use std::time::Duration;
use url::{Host, Url};

const NAME: &str = "belfry_refresh";

/// The refresh token that the request brings as a cookie.
pub fn read(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == NAME && !value.is_empty()).map(|(_, value)| value)
}

/// Hands a refresh token to the browser for as long as it lives.
pub fn set(state: &AppState, request: &HeaderMap, response: &mut HeaderMap, token: &str, lives: Duration) {
    put(state, request, response, token, lives.as_secs());
}

/// Takes the cookie away.
pub fn clear(state: &AppState, request: &HeaderMap, response: &mut HeaderMap) {
    put(state, request, response, "", 0);
}

fn put(state: &AppState, request: &HeaderMap, response: &mut HeaderMap, token: &str, seconds: u64) {
    // Browsers that hold cookies of plain http back treat loopback as safe only in part: there it goes without.
    let secure = if on_loopback(state, request) { "" } else { "; Secure" };
    let cookie = format!("{NAME}={token}; Path=/api/v1/auth; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(mut value) = HeaderValue::from_str(&cookie) {
        value.set_sensitive(true);
        response.append(SET_COOKIE, value);
    }
}

/// Whether browsers reach this server by a loopback name: that of the public URL, or else of the request.
fn on_loopback(state: &AppState, request: &HeaderMap) -> bool {
    let here = match state.origins.own() {
        Some(own) => Url::parse(own),
        None => {
            let host = request.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            Url::parse(&format!("http://{host}"))
        }
    };
    match here.as_ref().map(Url::host) {
        Ok(Some(Host::Domain(name))) => name == "localhost" || name.ends_with(".localhost"),
        Ok(Some(Host::Ipv4(address))) => IpAddr::V4(address).is_loopback(),
        Ok(Some(Host::Ipv6(address))) => IpAddr::V6(address).is_loopback(),
        _ => false,
    }
}
