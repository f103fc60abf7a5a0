//! `/users`: what people say of themselves, and what the host's site says of its own.

use super::refusal::{Conflict, Unprocessable};
use super::{AppState, Json, JsonBody, KeyWith, Person, Routes, scope};
use crate::domain::DomainError;
use crate::domain::accounts::Changes;
use crate::domain::host_people::NewHostPerson;
use crate::model::Account;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The routes below `/users`.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(me, change_me)).routes(routes!(keep_host_person))
}

/// Body of `PATCH /users/me`; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[schema(as = AccountChange)]
struct MeBody {
    /// The name shown, not blank.
    #[serde(default)]
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

/// A person of the host's site, as its back end tells of them.
#[derive(Deserialize, ToSchema)]
#[schema(as = HostPerson)]
struct HostPersonBody {
    /// The site's own name for the person, not empty.
    #[schema(min_length = 1, max_length = 255)]
    external_id: String,
    /// The name shown, not blank.
    #[schema(min_length = 1)]
    name: String,
    /// A picture, http or https; null takes it away, left out it stays.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = "uri", max_length = 1000)]
    avatar_url: Option<Option<String>>,
    /// An address, which nobody signs in with; null takes it away, left out it stays.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 254)]
    email: Option<Option<String>>,
}

/// A person who is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = KeptPerson)]
struct KeptAnswer {
    user: Account,
}

/// Keep a person of the host's site
///
/// For back ends whose key has the scope `users`. Found by `external_id`, or made with a handle from the name.
#[utoipa::path(
    put, path = "/users/by-external-id", operation_id = "keepHostPerson", tag = "back ends",
    security(("api_key" = ["users"])), request_body = HostPersonBody,
    responses(
        (status = 200, description = "The person, who was known.", body = KeptAnswer),
        (status = 201, description = "The person, who is new.", body = KeptAnswer),
        Unprocessable,
    ),
)]
async fn keep_host_person(
    State(state): State<AppState>,
    _: KeyWith<scope::Users>,
    JsonBody(HostPersonBody { external_id, name, avatar_url, email }): JsonBody<HostPersonBody>,
) -> Result<(StatusCode, Json<KeptAnswer>), DomainError> {
    let kept = state.hosts.people.put(NewHostPerson { external_id, name, avatar_url, email }).await?;
    let status = if kept.made { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(KeptAnswer { user: kept.account })))
}
