//! `/publish`, for back ends.

use super::refusal::{NotFound, Unprocessable};
use super::{AppState, IdempotencyKey, Json, JsonBody, KeyWith, Routes, scope};
use crate::domain::DomainError;
use crate::domain::publish::Publication;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The one route.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(publish))
}

/// An event to append.
#[derive(Deserialize, ToSchema)]
#[schema(as = Publication)]
struct Event {
    /// `post:{id}` or `user:{id}`.
    #[schema(pattern = "^(post|user):[1-9][0-9]{0,15}$")]
    channel: String,
    #[schema(pattern = r"^custom\.[a-z0-9_.\-]{1,60}$")]
    kind: String,
    /// Any JSON; told as it is given.
    #[schema(value_type = Value)]
    data: Box<RawValue>,
    /// As the header `Idempotency-Key`.
    #[schema(pattern = "^[!-~]{1,64}$")]
    key: Option<String>,
}

/// Where an event stands now.
#[derive(Serialize, ToSchema)]
struct Published {
    #[schema(minimum = 1)]
    seq: i64,
}

/// Append an event to a channel
///
/// For back ends whose key has the scope `publish`.
#[utoipa::path(
    post, path = "/publish", operation_id = "publish", tag = "back ends", security(("api_key" = ["publish"])),
    params(IdempotencyKey), request_body = Event,
    responses(
        (status = 202, description = "It is committed and on its way.", body = Published),
        NotFound, Unprocessable,
    ),
)]
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
