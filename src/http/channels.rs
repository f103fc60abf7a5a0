//! `/channels/{channel}/events`: logs for those who fetch.

use super::{AppState, Json, MaybePerson, PathParts, Query};
use crate::domain::DomainError;
use crate::model::Event;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The one route.
pub fn routes() -> Router<AppState> {
    Router::new().route("/channels/{channel}/events", get(events))
}

#[derive(Deserialize)]
struct From {
    since: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize)]
struct Events {
    items: Vec<Event>,
    epoch: Arc<str>,
    seq: i64,
    floor: i64,
}

async fn events(
    State(state): State<AppState>,
    MaybePerson(caller): MaybePerson,
    PathParts(channel): PathParts<String>,
    Query(From { since, limit }): Query<From>,
) -> Result<Json<Events>, DomainError> {
    let epoch = state.epoch.get();
    let stored = state.history.read(caller.as_ref(), &channel, since.as_deref(), limit.as_deref()).await?;
    Ok(Json(Events { items: stored.events, epoch, seq: stored.seq, floor: stored.floor }))
}
