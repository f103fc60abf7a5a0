//! `/notifications`.

use super::refusal::Unprocessable;
use super::{AppState, Json, JsonBody, PathId, Person, Query, Routes};
use crate::domain::DomainError;
use crate::model::{Notification, NotificationId};
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;
use std::sync::Arc;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::routes;

/// The routes of notifications.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(list)).routes(routes!(read)).routes(routes!(dismiss))
}

/// A page of notifications, and where their person's channel stands.
#[derive(Serialize, ToSchema)]
#[schema(as = NotificationList)]
struct ListAnswer {
    items: Vec<Notification>,
    /// Where the next page begins; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
    /// How many are unread in all.
    #[schema(minimum = 0)]
    unread: i64,
    #[schema(value_type = String)]
    epoch: Arc<str>,
    /// The head of `user:{id}`, from which to subscribe.
    #[schema(minimum = 0)]
    seq: i64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct List {
    /// `true`: only those unread.
    #[param(value_type = Option<bool>, default = false)]
    unread: Option<String>,
    /// Items on a page; more than 100 counts as 100.
    #[param(value_type = Option<i64>, minimum = 1, default = 20)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List one's notifications
///
/// The latest change first.
#[utoipa::path(
    get, path = "/notifications", operation_id = "listNotifications", tag = "notifications",
    security(("person" = [])), params(List),
    responses((status = 200, description = "A page of notifications.", body = ListAnswer)),
)]
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

/// Which notifications are read: either of the two.
#[derive(Deserialize)]
struct Read {
    /// These; others' and unknown ones are passed over.
    ids: Option<Vec<NotificationId>>,
    /// All there are.
    all: Option<bool>,
}

/// One of the two.
impl PartialSchema for Read {
    fn schema() -> RefOr<Schema> {
        let id = "#/components/schemas/NotificationId";
        let ids = json!({ "type": "array", "items": { "$ref": id }, "minItems": 1 });
        let schema = json!({ "oneOf": [
            { "type": "object", "required": ["ids"], "properties": {
                "ids": ids, "all": { "type": ["boolean", "null"], "enum": [false, null] },
            } },
            { "type": "object", "required": ["all"], "properties": {
                "ids": { "type": "null" }, "all": { "type": "boolean", "enum": [true] },
            } },
        ], "description": "These, where others' and unknown ones are passed over; or all there are." });
        serde_json::from_value(schema).unwrap_or_default()
    }
}

impl ToSchema for Read {
    fn name() -> Cow<'static, str> {
        "Reading".into()
    }
}

/// What is unread now.
#[derive(Serialize, ToSchema)]
#[schema(as = Unread)]
struct ReadAnswer {
    #[schema(minimum = 0)]
    unread: i64,
    /// The head of `user:{id}` after it.
    #[schema(minimum = 0)]
    seq: i64,
}

/// Mark notifications read
#[utoipa::path(
    post, path = "/notifications/read", operation_id = "readNotifications", tag = "notifications",
    security(("person" = [])), request_body = Read,
    responses((status = 200, description = "They are read.", body = ReadAnswer), Unprocessable),
)]
async fn read(
    State(state): State<AppState>,
    Person(caller): Person,
    JsonBody(Read { ids, all }): JsonBody<Read>,
) -> Result<Json<ReadAnswer>, DomainError> {
    let after = state.notifications.read(&caller, ids, all).await?;
    Ok(Json(ReadAnswer { unread: after.unread, seq: after.seq }))
}

/// Dismiss a notification
///
/// It goes from the list. Again is no error.
#[utoipa::path(
    delete, path = "/notifications/{id}", operation_id = "dismissNotification", tag = "notifications",
    security(("person" = [])), params(("id" = NotificationId, Path, description = "The notification.")),
    responses((status = 204, description = "It is gone.")),
)]
async fn dismiss(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(id): PathId<NotificationId>,
) -> Result<StatusCode, DomainError> {
    state.notifications.dismiss(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
