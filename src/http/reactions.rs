//! `/comments/{id}/reactions`.

use super::refusal::{Conflict, Unprocessable};
use super::{AppState, Json, PathParts, Person, Routes};
use crate::domain::{DomainError, Identity};
use crate::model::CommentId;
use crate::store::write::Reactions;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The one route.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(put, take_back))
}

/// What stands on a comment, and where its post's channel stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Reactions)]
struct ReactionsAnswer {
    #[serde(flatten)]
    reactions: Reactions,
    #[schema(value_type = String)]
    epoch: Arc<str>,
}

/// React to a comment
///
/// What is there already changes nothing.
#[utoipa::path(
    put, path = "/comments/{id}/reactions/{emoji}", operation_id = "putReaction", tag = "comments",
    security(("person" = [])),
    params(
        ("id" = CommentId, Path, description = "The comment."),
        ("emoji" = String, Path, description = "One emoji, percent-encoded.", example = "👍"),
    ),
    responses(
        (status = 200, description = "What stands there now.", body = ReactionsAnswer), Conflict, Unprocessable,
    ),
)]
async fn put(
    State(state): State<AppState>,
    Person(caller): Person,
    PathParts(path): PathParts<(String, String)>,
) -> Result<Json<ReactionsAnswer>, DomainError> {
    toggle(&state, &caller, path, true).await
}

/// Take a reaction back
///
/// What is not there changes nothing.
#[utoipa::path(
    delete, path = "/comments/{id}/reactions/{emoji}", operation_id = "deleteReaction", tag = "comments",
    security(("person" = [])),
    params(
        ("id" = CommentId, Path, description = "The comment."),
        ("emoji" = String, Path, description = "One emoji, percent-encoded.", example = "👍"),
    ),
    responses(
        (status = 200, description = "What stands there now.", body = ReactionsAnswer), Conflict, Unprocessable,
    ),
)]
async fn take_back(
    State(state): State<AppState>,
    Person(caller): Person,
    PathParts(path): PathParts<(String, String)>,
) -> Result<Json<ReactionsAnswer>, DomainError> {
    toggle(&state, &caller, path, false).await
}

async fn toggle(
    state: &AppState,
    caller: &Identity,
    (comment, emoji): (String, String),
    on: bool,
) -> Result<Json<ReactionsAnswer>, DomainError> {
    let comment = comment.parse().map_err(|_| DomainError::not_found("there is nothing at this path"))?;
    let epoch = state.epoch.get();
    let reactions = state.comments.react(caller, comment, &emoji, on).await?;
    Ok(Json(ReactionsAnswer { reactions, epoch }))
}
