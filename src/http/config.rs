//! `GET /config`: what a page needs to know before it opens a socket. Any origin may ask.

use super::extract::{FromOrigin, Json};
use super::{AppState, Routes};
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The one route.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(tell))
}

/// What a page needs to know before it opens a socket.
#[derive(Serialize, ToSchema)]
#[schema(as = Config)]
struct Told {
    /// Whether pages of the asking origin may use this server.
    origin_allowed: bool,
    /// Whether people may sign up.
    registration: bool,
    /// How often a socket is heard of, in milliseconds.
    heartbeat_ms: u64,
    /// Most characters of a comment.
    max_comment_chars: usize,
    /// The server's version.
    version: &'static str,
}

/// Read what a page needs to know
///
/// Whether the asking origin is allowed, and the bounds that a page enforces itself. Any origin may ask.
#[utoipa::path(
    get, path = "/config", operation_id = "getConfig", tag = "server",
    responses((status = 200, description = "The settings that concern clients.", body = Told)),
)]
async fn tell(State(state): State<AppState>, FromOrigin(verdict): FromOrigin) -> Json<Told> {
    let config = &state.config;
    Json(Told {
        origin_allowed: verdict.is_allowed(),
        registration: config.registration.0,
        heartbeat_ms: u64::try_from(config.sockets.heartbeat.as_millis()).unwrap_or(u64::MAX),
        max_comment_chars: config.limits.max_comment_chars,
        version: env!("CARGO_PKG_VERSION"),
    })
}
