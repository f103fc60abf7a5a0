//! `/comments`, and those below a post.

use super::{AppState, ClientAddress, IdempotencyKey, Json, JsonBody, MaybePerson, PathId, PathParts, Person, Query};
use crate::domain::comments::{CommentList, CommentView, NewComment};
use crate::domain::{DomainError, Identity};
use crate::model::{CommentId, PostId};
use crate::store::write::Reactions;
use axum::Router;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use axum::routing::{get, put};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The routes of comments.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/posts/{id}/comments", get(list).post(create))
        .route("/comments/{id}", get(read).patch(edit).delete(remove))
        .route("/comments/{id}/reactions/{emoji}", put(react).delete(take_back))
}

/// A comment, and the epoch its sequence numbers belong to.
#[derive(Serialize)]
struct CommentAnswer {
    #[serde(flatten)]
    comment: CommentView,
    epoch: Arc<str>,
}

#[derive(Serialize)]
struct ListAnswer {
    items: Vec<CommentView>,
    next_cursor: Option<String>,
    epoch: Arc<str>,
    seq: i64,
}

#[derive(Deserialize)]
struct List {
    limit: Option<String>,
    cursor: Option<String>,
    sort: Option<String>,
    parent_id: Option<String>,
    replies: Option<String>,
}

async fn list(
    State(state): State<AppState>,
    MaybePerson(reader): MaybePerson,
    PathId(post): PathId<PostId>,
    Query(List { limit, cursor, sort, parent_id, replies }): Query<List>,
) -> Result<Json<ListAnswer>, DomainError> {
    if replies.is_some_and(|replies| replies != "0") {
        return Err(DomainError::bad_request("`replies` is 0: ask for replies by `parent_id`"));
    }
    let epoch = state.epoch.get();
    let page = state.comments.list(post, &CommentList { sort, parent_id, cursor, limit }).await?;
    let items = state.comments.views(reader.as_ref(), page.value.items).await?;
    Ok(Json(ListAnswer { items, next_cursor: page.value.next_cursor, epoch, seq: page.seq }))
}

#[derive(Deserialize)]
struct Create {
    body: String,
    parent_id: Option<CommentId>,
    key: Option<String>,
}

async fn create(
    State(state): State<AppState>,
    Person(author): Person,
    ClientAddress(address): ClientAddress,
    PathId(post_id): PathId<PostId>,
    header: IdempotencyKey,
    JsonBody(Create { body, parent_id, key }): JsonBody<Create>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<CommentAnswer>), DomainError> {
    let epoch = state.epoch.get();
    let key = header.with_body(key.as_deref())?.map(str::to_owned);
    let new = NewComment { post_id, parent_id, body, key };
    let comment = state.comments.create(&author, address, new).await?.value;
    let location = format!("/api/v1/comments/{}", comment.id);
    let comment = state.comments.view(Some(&author), comment).await?;
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(CommentAnswer { comment, epoch })))
}

async fn read(
    State(state): State<AppState>,
    MaybePerson(reader): MaybePerson,
    PathId(id): PathId<CommentId>,
) -> Result<Json<CommentAnswer>, DomainError> {
    let epoch = state.epoch.get();
    let comment = state.comments.get(id).await?.value;
    Ok(Json(CommentAnswer { comment: state.comments.view(reader.as_ref(), comment).await?, epoch }))
}

#[derive(Deserialize)]
struct Edit {
    body: String,
}

async fn edit(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(id): PathId<CommentId>,
    JsonBody(Edit { body }): JsonBody<Edit>,
) -> Result<Json<CommentAnswer>, DomainError> {
    let epoch = state.epoch.get();
    let comment = state.comments.edit(&caller, id, body).await?;
    Ok(Json(CommentAnswer { comment: state.comments.view(Some(&caller), comment).await?, epoch }))
}

async fn remove(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(id): PathId<CommentId>,
) -> Result<StatusCode, DomainError> {
    state.comments.delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What stands on a comment, and the epoch its sequence numbers belong to.
#[derive(Serialize)]
struct ReactionsAnswer {
    #[serde(flatten)]
    reactions: Reactions,
    epoch: Arc<str>,
}

async fn react(
    State(state): State<AppState>,
    Person(caller): Person,
    PathParts(path): PathParts<(String, String)>,
) -> Result<Json<ReactionsAnswer>, DomainError> {
    toggle(&state, &caller, path, true).await
}

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
    let comment = comment.parse().map_err(|_| DomainError::not_found("comment not found"))?;
    let epoch = state.epoch.get();
    let reactions = state.comments.react(caller, comment, &emoji, on).await?;
    Ok(Json(ReactionsAnswer { reactions, epoch }))
}
