//! `/publish`, for back ends.

use super::{AppState, IdempotencyKey, Json, JsonBody, KeyWith, scope};
use crate::domain::DomainError;
use crate::domain::publish::Publication;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The one route.
pub fn routes() -> Router<AppState> {
    Router::new().route("/publish", post(publish))
}

#[derive(Deserialize)]
struct Event {
    channel: String,
    kind: String,
    data: Box<RawValue>,
    key: Option<String>,
}

#[derive(Serialize)]
struct Published {
    seq: i64,
}

async fn publish(
    State(state): State<AppState>,
    caller: KeyWith<scope::Publish>,
    header: IdempotencyKey,
    JsonBody(Event { channel, kind, data, key }): JsonBody<Event>,
) -> Result<(StatusCode, Json<Published>), DomainError> {
    let key = header.with_body(key.as_deref())?.map(str::to_owned);
    let seq = state.publishing.publish(&caller.0, Publication { channel, kind, data, key }).await?.value;
    Ok((StatusCode::ACCEPTED, Json(Published { seq })))
}
