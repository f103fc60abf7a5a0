//! `/users`: what people say of themselves.

use super::refusal::{Conflict, Unprocessable};
use super::{AppState, Json, JsonBody, Person, Routes};
use crate::domain::DomainError;
use crate::domain::accounts::Changes;
use crate::model::Account;
use axum::extract::State;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The routes below `/users`.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(me, change_me))
}

/// Body of `PATCH /users/me`; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[schema(as = AccountChange)]
struct MeBody {
    /// The name shown, not blank.
    #[serde(default)]
    #[schema(min_length = 1)]
    name: Option<String>,
    /// The unique name.
    #[serde(default)]
    #[schema(pattern = "^[a-z0-9_]{1,30}$")]
    handle: Option<String>,
    /// A picture, http or https; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = "uri", max_length = 1000)]
    avatar_url: Option<Option<String>>,
}

/// Tells `null` (take it away) from a field that is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Read what is known of oneself
#[utoipa::path(
    get, path = "/users/me", operation_id = "getMe", tag = "people", security(("person" = [])),
    responses((status = 200, description = "The caller.", body = Account)),
)]
async fn me(State(state): State<AppState>, Person(identity): Person) -> Result<Json<Account>, DomainError> {
    state.accounts.account(identity.user_id).await.map(Json)
}

/// Change what one says of oneself
#[utoipa::path(
    patch, path = "/users/me", operation_id = "changeMe", tag = "people", security(("person" = [])),
    request_body = MeBody,
    responses((status = 200, description = "The caller.", body = Account), Conflict, Unprocessable),
)]
async fn change_me(
    State(state): State<AppState>,
    Person(identity): Person,
    JsonBody(body): JsonBody<MeBody>,
) -> Result<Json<Account>, DomainError> {
    let changes = Changes { name: body.name, handle: body.handle, avatar_url: body.avatar_url };
    state.accounts.update(identity.user_id, changes).await.map(Json)
}
