//! `/users/{id}/ban` and `/bans`, for moderators.

use super::refusal::Unprocessable;
use super::{AppState, Json, OptionalJsonBody, PathId, Person, Query, Routes};
use crate::domain::DomainError;
use crate::domain::bans::NewBan;
use crate::model::page::Page;
use crate::model::{Ban, UserId};
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// The routes.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(ban, lift)).routes(routes!(list))
}

/// What a ban is to be.
#[derive(Deserialize, Default, ToSchema)]
#[schema(as = BanTerms)]
struct Terms {
    /// When it ends by itself, a time to come; null or left out: when it is lifted.
    #[schema(format = "date-time")]
    until: Option<String>,
    /// Why, for other moderators.
    #[schema(min_length = 1)]
    reason: Option<String>,
}

/// Ban a person
///
/// For moderators, of people whose role is lower. In the place of a ban that is there.
#[utoipa::path(
    put, path = "/users/{id}/ban", operation_id = "ban", tag = "people", security(("person" = [])),
    params(("id" = UserId, Path, description = "The person.")), request_body = Option<Terms>,
    responses((status = 204, description = "Banned."), Unprocessable),
)]
async fn ban(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(user): PathId<UserId>,
    OptionalJsonBody(terms): OptionalJsonBody<Terms>,
) -> Result<StatusCode, DomainError> {
    let Terms { until, reason } = terms.unwrap_or_default();
    state.bans.ban(&caller, user, NewBan { until, reason }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a banned person in again
///
/// For moderators, of people whose role is lower. Where there is no ban nothing happens.
#[utoipa::path(
    delete, path = "/users/{id}/ban", operation_id = "liftBan", tag = "people", security(("person" = [])),
    params(("id" = UserId, Path, description = "The person.")),
    responses((status = 204, description = "Not banned.")),
)]
async fn lift(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(user): PathId<UserId>,
) -> Result<StatusCode, DomainError> {
    state.bans.lift(&caller, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct List {
    /// Items on a page; more than 100 counts as 100.
    #[param(value_type = Option<i64>, minimum = 1, default = 20)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of bans.
#[derive(Serialize, ToSchema)]
#[schema(as = BanList)]
struct ListAnswer {
    items: Vec<Ban>,
    /// Where the next page begins; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// List the bans in force, newest first
///
/// For moderators.
#[utoipa::path(
    get, path = "/bans", operation_id = "listBans", tag = "people", security(("person" = [])), params(List),
    responses((status = 200, description = "A page of bans.", body = ListAnswer)),
)]
async fn list(
    State(state): State<AppState>,
    Person(caller): Person,
    Query(List { limit, cursor }): Query<List>,
) -> Result<Json<ListAnswer>, DomainError> {
    let Page { items, next_cursor } = state.bans.list(&caller, limit.as_deref(), cursor.as_deref()).await?;
    Ok(Json(ListAnswer { items, next_cursor }))
}
