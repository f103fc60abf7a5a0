//! `/health`: for balancers, supervisors and people.

use super::{AppState, Json, Routes};
use crate::domain::readiness::Health;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The routes; they stand outside the API and need no caller.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(health)).routes(routes!(live)).routes(routes!(ready))
}

/// Whether it is of use.
#[derive(Serialize, ToSchema)]
struct Liveness {
    /// `ok` or `down`.
    #[schema(pattern = "^(ok|down)$")]
    status: &'static str,
    /// Why not, where it is `down`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    reason: Option<&'static str>,
}

const FRESH: [(axum::http::HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// Ask whether the process answers
///
/// Whether it is of use, `/health/ready` says.
#[utoipa::path(
    get, path = "/health/live", operation_id = "getLive", tag = "server",
    responses((status = 200, description = "It does.", body = Liveness)),
)]
async fn live() -> impl IntoResponse {
    (FRESH, Json(Liveness { status: "ok", reason: None }))
}

/// Ask whether a message committed now would arrive
#[utoipa::path(
    get, path = "/health/ready", operation_id = "getReady", tag = "server",
    responses(
        (status = 200, description = "It would.", body = Liveness),
        (status = 503, description = "It would not, or the process is about to end.", body = Liveness),
    ),
)]
async fn ready(State(state): State<AppState>) -> impl IntoResponse {
    match state.readiness.not_ready() {
        None => (StatusCode::OK, FRESH, Json(Liveness { status: "ok", reason: None })),
        Some(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, FRESH, Json(Liveness { status: "down", reason: Some(reason) }))
        }
    }
}

/// Ask how the parts are
#[utoipa::path(
    get, path = "/health", operation_id = "getHealth", tag = "server",
    responses(
        (status = 200, description = "`ok` or `degraded`: a dead bus must not take a fleet off its balancer.", body = Health),
        (status = 503, description = "`down`: there is no database.", body = Health),
    ),
)]
async fn health(State(state): State<AppState>) -> impl IntoResponse {
    let health: Health = state.readiness.health();
    let status = if health.status == "down" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, FRESH, Json(health))
}
