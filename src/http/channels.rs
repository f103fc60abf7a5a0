//! `/channels/{channel}/events`: logs for those who fetch.

use super::refusal::Conflict;
use super::{AppState, Json, MaybePerson, PathParts, Query, Routes};
use crate::domain::DomainError;
use crate::model::Event;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// The one route.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(events))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct From {
    /// Events behind this one; 0, which is meant where it is left out, begins at the first.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    since: Option<String>,
    /// Most events; more than 100 counts as 100.
    #[param(value_type = Option<i64>, minimum = 1, default = 20)]
    limit: Option<String>,
}

/// A stretch of a channel's log.
#[derive(Serialize, ToSchema)]
struct Events {
    /// In order, without holes.
    items: Vec<Event>,
    #[schema(value_type = String)]
    epoch: Arc<str>,
    /// The channel's head.
    #[schema(minimum = 0)]
    seq: i64,
    /// Events up to here are no longer kept.
    #[schema(minimum = 0)]
    floor: i64,
}

/// Read a channel's log
///
/// With the same right as following it.
#[utoipa::path(
    get, path = "/channels/{channel}/events", operation_id = "listEvents", tag = "channels",
    security((), ("person" = [])),
    params(("channel" = String, Path, description = "`post:{id}`, `user:{id}` or `me`.",
        pattern = "^(me|(post|user):[1-9][0-9]{0,15})$"), From),
    responses((status = 200, description = "Events from the log.", body = Events), Conflict),
)]
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
