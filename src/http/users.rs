//! `/users`: what people say of themselves.

use super::{AppState, Json, JsonBody, Person};
use crate::domain::DomainError;
use crate::domain::accounts::Changes;
use crate::model::Account;
use axum::extract::State;
use serde::{Deserialize, Deserializer};

/// Body of `PATCH /users/me`; what is left out stays as it is.
#[derive(Deserialize)]
pub struct MeBody {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    handle: Option<String>,
    #[serde(default, deserialize_with = "given")]
    avatar_url: Option<Option<String>>,
}

/// Tells `null` (take it away) from a field that is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `GET /users/me`.
pub async fn me(State(state): State<AppState>, Person(identity): Person) -> Result<Json<Account>, DomainError> {
    state.accounts.account(identity.user_id).await.map(Json)
}

/// `PATCH /users/me`.
pub async fn change_me(
    State(state): State<AppState>,
    Person(identity): Person,
    JsonBody(body): JsonBody<MeBody>,
) -> Result<Json<Account>, DomainError> {
    let changes = Changes { name: body.name, handle: body.handle, avatar_url: body.avatar_url };
    state.accounts.update(identity.user_id, changes).await.map(Json)
}
