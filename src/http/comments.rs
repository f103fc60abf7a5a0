//! `/comments`, and those below a post.

use super::{AppState, ClientAddress, IdempotencyKey, Json, JsonBody, MaybePerson, PathId, Person, Query};
use crate::domain::DomainError;
use crate::domain::comments::{CommentList, CommentView, NewComment, view};
use crate::model::{CommentId, PostId};
use axum::Router;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The routes of comments.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/posts/{id}/comments", get(list).post(create))
        .route("/comments/{id}", get(read).patch(edit).delete(remove))
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
    let items = page.value.items.into_iter().map(|comment| view(reader.as_ref(), comment)).collect();
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
    let comment = view(Some(&author), comment);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(CommentAnswer { comment, epoch })))
}

async fn read(
    State(state): State<AppState>,
    MaybePerson(reader): MaybePerson,
    PathId(id): PathId<CommentId>,
) -> Result<Json<CommentAnswer>, DomainError> {
    let epoch = state.epoch.get();
    let comment = state.comments.get(id).await?.value;
    Ok(Json(CommentAnswer { comment: view(reader.as_ref(), comment), epoch }))
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
    Ok(Json(CommentAnswer { comment: view(Some(&caller), comment), epoch }))
}

async fn remove(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(id): PathId<CommentId>,
) -> Result<StatusCode, DomainError> {
    state.comments.delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
