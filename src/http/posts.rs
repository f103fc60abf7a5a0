//! `/posts`.

use super::{AppState, IdempotencyKey, Json, JsonBody, MaybePerson, PathId, Person, Query};
use crate::domain::DomainError;
use crate::domain::posts::{NewPost, PostChange};
use crate::model::page::Page;
use crate::model::{Post, PostId};
use crate::store::write::Versioned;
use axum::Router;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The routes below `/posts`.
pub fn routes() -> Router<AppState> {
    Router::new().route("/posts", get(list).post(create)).route("/posts/{id}", get(read).patch(update).delete(remove))
}

/// A post, and where its channel stands.
#[derive(Serialize)]
struct PostAnswer {
    #[serde(flatten)]
    post: Post,
    epoch: Arc<str>,
    seq: i64,
}

impl PostAnswer {
    fn new(post: Versioned<Post>, epoch: Arc<str>) -> Json<Self> {
        Json(Self { post: post.value, epoch, seq: post.seq })
    }
}

#[derive(Deserialize)]
struct Create {
    title: String,
    body: String,
    key: Option<String>,
}

async fn create(
    State(state): State<AppState>,
    Person(author): Person,
    header: IdempotencyKey,
    JsonBody(Create { title, body, key }): JsonBody<Create>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<PostAnswer>), DomainError> {
    let epoch = state.epoch.get();
    let key = header.with_body(key.as_deref())?.map(str::to_owned);
    let post = state.posts.create(&author, NewPost { title, body, key }).await?.value;
    let location = format!("/api/v1/posts/{}", post.value.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], PostAnswer::new(post, epoch)))
}

#[derive(Deserialize)]
struct List {
    limit: Option<String>,
    cursor: Option<String>,
    tag: Option<String>,
    q: Option<String>,
    page_keys: Option<String>,
}

async fn list(
    State(state): State<AppState>,
    _: MaybePerson,
    Query(list): Query<List>,
) -> Result<Json<Page<Post>>, DomainError> {
    // A filter that is not applied would give a wrong answer that looks right.
    if list.tag.or(list.q).or(list.page_keys).is_some() {
        return Err(DomainError::bad_request("posts cannot be searched by `tag`, `q` or `page_keys` yet"));
    }
    Ok(Json(state.posts.list(list.limit.as_deref(), list.cursor.as_deref()).await?))
}

async fn read(
    State(state): State<AppState>,
    _: MaybePerson,
    PathId(id): PathId<PostId>,
) -> Result<Json<PostAnswer>, DomainError> {
    let epoch = state.epoch.get();
    Ok(PostAnswer::new(state.posts.get(id).await?, epoch))
}

#[derive(Deserialize)]
struct Update {
    title: Option<String>,
    body: Option<String>,
}

async fn update(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(id): PathId<PostId>,
    JsonBody(Update { title, body }): JsonBody<Update>,
) -> Result<Json<PostAnswer>, DomainError> {
    let epoch = state.epoch.get();
    Ok(PostAnswer::new(state.posts.update(&caller, id, PostChange { title, body }).await?, epoch))
}

async fn remove(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(id): PathId<PostId>,
) -> Result<StatusCode, DomainError> {
    state.posts.delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
