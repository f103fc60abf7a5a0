//! `/notifications`.

use super::{AppState, Json, JsonBody, PathId, Person, Query};
use crate::domain::DomainError;
use crate::model::{Notification, NotificationId};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The routes of notifications.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/notifications", get(list))
        .route("/notifications/read", post(read))
        .route("/notifications/{id}", delete(dismiss))
}

#[derive(Serialize)]
struct ListAnswer {
    items: Vec<Notification>,
    next_cursor: Option<String>,
    unread: i64,
    epoch: Arc<str>,
    seq: i64,
}

#[derive(Deserialize)]
struct List {
    unread: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

async fn list(
    State(state): State<AppState>,
    Person(caller): Person,
    Query(List { unread, limit, cursor }): Query<List>,
) -> Result<Json<ListAnswer>, DomainError> {
    let epoch = state.epoch.get();
    let asked = (unread.as_deref(), limit.as_deref(), cursor.as_deref());
    let inbox = state.notifications.list(&caller, asked.0, asked.1, asked.2).await?;
    let (items, next_cursor) = (inbox.page.items, inbox.page.next_cursor);
    Ok(Json(ListAnswer { items, next_cursor, unread: inbox.unread, epoch, seq: inbox.seq }))
}

#[derive(Deserialize)]
struct Read {
    ids: Option<Vec<NotificationId>>,
    all: Option<bool>,
}

#[derive(Serialize)]
struct ReadAnswer {
    unread: i64,
    seq: i64,
}

async fn read(
    State(state): State<AppState>,
    Person(caller): Person,
    JsonBody(Read { ids, all }): JsonBody<Read>,
) -> Result<Json<ReadAnswer>, DomainError> {
    let after = state.notifications.read(&caller, ids, all).await?;
    Ok(Json(ReadAnswer { unread: after.unread, seq: after.seq }))
}

async fn dismiss(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(id): PathId<NotificationId>,
) -> Result<StatusCode, DomainError> {
    state.notifications.dismiss(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
