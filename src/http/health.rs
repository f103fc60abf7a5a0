//! `/health`: for balancers, supervisors and people.

use super::{AppState, Json};
use crate::domain::readiness::Health;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::json;

/// The routes; they stand outside the API and need no caller.
pub fn routes() -> Router<AppState> {
    Router::new().route("/health", get(health)).route("/health/live", get(live)).route("/health/ready", get(ready))
}

const FRESH: [(axum::http::HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// The process answers; whether it is of use, `ready` says.
async fn live() -> impl IntoResponse {
    (FRESH, Json(json!({ "status": "ok" })))
}

/// 200 while a message committed now would arrive; 503 else and while draining.
async fn ready(State(state): State<AppState>) -> impl IntoResponse {
    match state.readiness.not_ready() {
        None => (StatusCode::OK, FRESH, Json(json!({ "status": "ok" }))),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, FRESH, Json(json!({ "status": "down", "reason": reason }))),
    }
}

/// How the parts are; 503 only when the database is down, for a dead bus must not take a fleet off its balancer.
async fn health(State(state): State<AppState>) -> impl IntoResponse {
    let health: Health = state.readiness.health();
    let status = if health.status == "down" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, FRESH, Json(health))
}
