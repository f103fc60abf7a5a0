//! `/users/{id}/ban` and `/bans`, for moderators.

use super::{AppState, Json, OptionalJsonBody, PathId, Person, Query};
use crate::domain::DomainError;
use crate::domain::bans::NewBan;
use crate::model::page::Page;
use crate::model::{Ban, UserId};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, put};
use serde::Deserialize;

/// The routes.
pub fn routes() -> Router<AppState> {
    Router::new().route("/users/{id}/ban", put(ban).delete(lift)).route("/bans", get(list))
}

#[derive(Deserialize, Default)]
struct Terms {
    until: Option<String>,
    reason: Option<String>,
}

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

async fn lift(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(user): PathId<UserId>,
) -> Result<StatusCode, DomainError> {
    state.bans.lift(&caller, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct List {
    limit: Option<String>,
    cursor: Option<String>,
}

async fn list(
    State(state): State<AppState>,
    Person(caller): Person,
    Query(List { limit, cursor }): Query<List>,
) -> Result<Json<Page<Ban>>, DomainError> {
    Ok(Json(state.bans.list(&caller, limit.as_deref(), cursor.as_deref()).await?))
}
