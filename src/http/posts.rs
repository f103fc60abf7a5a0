//! `/posts`.

use super::refusal::Unprocessable;
use super::{AppState, IdempotencyKey, Json, JsonBody, MaybePerson, PathId, Person, Query, Routes};
use crate::domain::DomainError;
use crate::domain::posts::{NewPost, PostChange};
use crate::model::page::Page;
use crate::model::{Post, PostId};
use crate::store::write::Versioned;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// The routes below `/posts`.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(list, create)).routes(routes!(read, update, remove))
}

/// A post, and where its channel stands.
#[derive(Serialize, ToSchema)]
struct PostAnswer {
    #[serde(flatten)]
    post: Post,
    #[schema(value_type = String)]
    epoch: Arc<str>,
    /// The head of `post:{id}`, from which to subscribe.
    #[schema(minimum = 0)]
    seq: i64,
}

impl PostAnswer {
    fn new(post: Versioned<Post>, epoch: Arc<str>) -> Json<Self> {
        Json(Self { post: post.value, epoch, seq: post.seq })
    }
}

/// What a post begins with.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewPost)]
struct Create {
    /// One line, not blank.
    #[schema(min_length = 1)]
    title: String,
    /// Markdown, not blank.
    #[schema(min_length = 1)]
    body: String,
    /// As the header `Idempotency-Key`.
    #[schema(pattern = "^[!-~]{1,64}$")]
    key: Option<String>,
}

/// Write a post
#[utoipa::path(
    post, path = "/posts", operation_id = "createPost", tag = "posts", security(("person" = [])),
    params(IdempotencyKey), request_body = Create,
    responses(
        (status = 201, description = "The post.", body = PostAnswer,
            headers(("Location" = String, description = "Its path."))),
        Unprocessable,
    ),
)]
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

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct List {
    /// Items on a page; more than 100 counts as 100.
    #[param(value_type = Option<i64>, minimum = 1, default = 20)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    #[param(ignore)]
    tag: Option<String>,
    #[param(ignore)]
    q: Option<String>,
    #[param(ignore)]
    page_keys: Option<String>,
}

/// A page of posts.
#[derive(Serialize, ToSchema)]
#[schema(as = PostList)]
struct ListAnswer {
    items: Vec<Post>,
    /// Where the next page begins; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// List posts, newest first
#[utoipa::path(
    get, path = "/posts", operation_id = "listPosts", tag = "posts", security((), ("person" = [])), params(List),
    responses((status = 200, description = "A page of posts.", body = ListAnswer)),
)]
async fn list(
    State(state): State<AppState>,
    _: MaybePerson,
    Query(list): Query<List>,
) -> Result<Json<ListAnswer>, DomainError> {
    // A filter that is not applied would give a wrong answer that looks right.
    if list.tag.or(list.q).or(list.page_keys).is_some() {
        return Err(DomainError::bad_request("posts cannot be searched by `tag`, `q` or `page_keys` yet"));
    }
    let Page { items, next_cursor } = state.posts.list(list.limit.as_deref(), list.cursor.as_deref()).await?;
    Ok(Json(ListAnswer { items, next_cursor }))
}

/// Read a post
#[utoipa::path(
    get, path = "/posts/{id}", operation_id = "getPost", tag = "posts", security((), ("person" = [])),
    params(("id" = PostId, Path, description = "The post.")),
    responses((status = 200, description = "The post.", body = PostAnswer)),
)]
async fn read(
    State(state): State<AppState>,
    _: MaybePerson,
    PathId(id): PathId<PostId>,
) -> Result<Json<PostAnswer>, DomainError> {
    let epoch = state.epoch.get();
    Ok(PostAnswer::new(state.posts.get(id).await?, epoch))
}

/// What changes of a post; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = PostChange)]
struct Update {
    /// One line, not blank.
    #[schema(min_length = 1)]
    title: Option<String>,
    /// Markdown, not blank.
    #[schema(min_length = 1)]
    body: Option<String>,
}

/// Change a post
///
/// By its author or a moderator.
#[utoipa::path(
    patch, path = "/posts/{id}", operation_id = "changePost", tag = "posts", security(("person" = [])),
    params(("id" = PostId, Path, description = "The post.")), request_body = Update,
    responses((status = 200, description = "The post.", body = PostAnswer), Unprocessable),
)]
async fn update(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(id): PathId<PostId>,
    JsonBody(Update { title, body }): JsonBody<Update>,
) -> Result<Json<PostAnswer>, DomainError> {
    let epoch = state.epoch.get();
    Ok(PostAnswer::new(state.posts.update(&caller, id, PostChange { title, body }).await?, epoch))
}

/// Delete a post
///
/// By its author or a moderator; again as well.
#[utoipa::path(
    delete, path = "/posts/{id}", operation_id = "deletePost", tag = "posts", security(("person" = [])),
    params(("id" = PostId, Path, description = "The post.")),
    responses((status = 204, description = "It is gone.")),
)]
async fn remove(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(id): PathId<PostId>,
) -> Result<StatusCode, DomainError> {
    state.posts.delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
