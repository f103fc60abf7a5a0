//! `GET /config`: what a page needs to know before it opens a socket. Any origin may ask.

use super::AppState;
use super::extract::{FromOrigin, Json};
use axum::extract::State;
use serde::Serialize;

/// The answer.
#[derive(Serialize)]
pub struct Told {
    origin_allowed: bool,
    registration: bool,
    heartbeat_ms: u64,
    max_comment_chars: usize,
    version: &'static str,
}

/// Tells whether the asking origin is allowed, and the bounds that a page enforces itself.
pub async fn tell(State(state): State<AppState>, FromOrigin(verdict): FromOrigin) -> Json<Told> {
    let config = &state.config;
    Json(Told {
        origin_allowed: verdict.is_allowed(),
        registration: config.registration.0,
        heartbeat_ms: u64::try_from(config.sockets.heartbeat.as_millis()).unwrap_or(u64::MAX),
        max_comment_chars: config.limits.max_comment_chars,
        version: env!("CARGO_PKG_VERSION"),
    })
}
