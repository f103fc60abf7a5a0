//! `/notify`, for back ends.

use super::refusal::Unprocessable;
use super::{AppState, IdempotencyKey, Json, JsonBody, KeyWith, Routes, scope};
use crate::domain::DomainError;
use crate::domain::notify::NewNotice;
use crate::model::UserId;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The one route.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(notify))
}

/// Something to tell people, who are named by either of the two.
#[derive(Deserialize, ToSchema)]
#[schema(as = Notice)]
struct Notice {
    #[schema(min_items = 1)]
    user_ids: Option<Vec<UserId>>,
    /// The host site's own names.
    #[schema(min_items = 1)]
    external_ids: Option<Vec<String>>,
    /// Not `comment`, `reply`, `mention` or `reaction`.
    #[schema(pattern = r"^[a-z0-9_.\-]{1,60}$")]
    kind: String,
    /// One line, not blank.
    #[schema(min_length = 1)]
    title: String,
    #[schema(min_length = 1)]
    body: Option<String>,
    /// Where to look, http or https.
    #[schema(format = "uri")]
    url: Option<String>,
    /// People have one notification of a kind and group: told again its text is replaced, it counts one more and is
    /// unread again.
    #[schema(min_length = 1)]
    group: Option<String>,
    /// As the header `Idempotency-Key`.
    #[schema(pattern = "^[!-~]{1,64}$")]
    key: Option<String>,
}

/// How many people were told.
#[derive(Serialize, ToSchema)]
#[schema(as = Notified)]
struct Accepted {
    #[schema(minimum = 0)]
    accepted: i64,
    /// Named and not known.
    #[schema(minimum = 0)]
    unknown: i64,
}

/// Tell people something
///
/// For back ends whose key has the scope `notify`.
#[utoipa::path(
    post, path = "/notify", operation_id = "notify", tag = "back ends", security(("api_key" = ["notify"])),
    params(IdempotencyKey), request_body = Notice,
    responses((status = 202, description = "They are told.", body = Accepted), Unprocessable),
)]
async fn notify(
    State(state): State<AppState>,
    caller: KeyWith<scope::Notify>,
    header: IdempotencyKey,
    JsonBody(notice): JsonBody<Notice>,
) -> Result<(StatusCode, Json<Accepted>), DomainError> {
    let key = header.with_body(notice.key.as_deref())?.map(str::to_owned);
    let Notice { user_ids, external_ids, kind, title, body, url, group, .. } = notice;
    let new = NewNotice { user_ids, external_ids, kind, title, body, url, group, key };
    let told = state.notices.notify(&caller.0, new).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted: told.accepted, unknown: told.unknown })))
}
