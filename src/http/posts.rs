//! `/posts`.

use super::refusal::Unprocessable;
use super::{AppState, IdempotencyKey, Json, JsonBody, MaybePerson, PathId, Person, Query, Routes};
use crate::domain::DomainError;
use crate::domain::posts::{NewPost, PostChange, PostList};
use crate::model::page::Page;
use crate::model::{PageCount, Post, PostId, UserRef};
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
    Routes::default().routes(routes!(list, create)).routes(routes!(read, update, remove)).routes(routes!(people))
}

/// A post, and where its channel stands.
#[derive(Serialize, ToSchema)]
pub(super) struct PostAnswer {
    #[serde(flatten)]
    post: Post,
    #[schema(value_type = String)]
    epoch: Arc<str>,
    /// The head of `post:{id}`, from which to subscribe.
    #[schema(minimum = 0)]
    seq: i64,
}

impl PostAnswer {
    pub(super) fn new(post: Versioned<Post>, epoch: Arc<str>) -> Json<Self> {
        Json(Self { post: post.value, epoch, seq: post.seq })
    }
}

/// What a post begins with.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewPost)]
struct Create {
    /// One line, not blank.
    title: String,
    /// Markdown, not blank.
    body: String,
    /// Labels: kept in lower case, each once.
    #[serde(default)]
    tags: Option<Vec<String>>,
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
    JsonBody(Create { title, body, tags, key }): JsonBody<Create>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<PostAnswer>), DomainError> {
    let epoch = state.epoch.get();
    let key = header.with_body(key.as_deref())?.map(str::to_owned);
    let new = NewPost { title, body, tags: tags.unwrap_or_default(), key };
    let post = state.posts.create(&author, new).await?.value;
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
    /// Posts with this tag.
    tag: Option<String>,
    /// Posts with all of these words in title or body, in any case.
    q: Option<String>,
    /// Instead of all that: the pages of the host's site with these keys, at most 100, a comma between.
    page_keys: Option<String>,
}

/// A page of posts, or how many comments pages of the host's site have.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = PostList)]
enum ListAnswer {
    Posts(PostsAnswer),
    Pages(PagesAnswer),
}

/// How many comments pages of the host's site have.
#[derive(Serialize, ToSchema)]
#[schema(as = PageCounts)]
struct PagesAnswer {
    items: Vec<PageCount>,
    /// Always null.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// A page of posts.
#[derive(Serialize, ToSchema)]
#[schema(as = Posts)]
struct PostsAnswer {
    items: Vec<Post>,
    /// Where the next page begins; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// List posts, newest first
#[utoipa::path(
    get, path = "/posts", operation_id = "listPosts", tag = "posts", security((), ("person" = [])), params(List),
    responses((status = 200, description = "A page of posts, or counts of pages.", body = ListAnswer), Unprocessable),
)]
async fn list(
    State(state): State<AppState>,
    _: MaybePerson,
    Query(list): Query<List>,
) -> Result<Json<ListAnswer>, DomainError> {
    let List { limit, cursor, tag, q, page_keys } = list;
    if let Some(page_keys) = page_keys {
        // A filter that is not applied would give a wrong answer that looks right.
        if tag.or(q).or(cursor).is_some() {
            return Err(DomainError::bad_request("`page_keys` goes with no other question"));
        }
        let items = state.posts.page_counts(&page_keys).await?;
        return Ok(Json(ListAnswer::Pages(PagesAnswer { items, next_cursor: None })));
    }
    let Page { items, next_cursor } = state.posts.list(&PostList { tag, q, cursor, limit }).await?;
    Ok(Json(ListAnswer::Posts(PostsAnswer { items, next_cursor })))
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
    title: Option<String>,
    /// Markdown, not blank.
    body: Option<String>,
    /// Labels, in the place of all there were.
    #[serde(default)]
    tags: Option<Vec<String>>,
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
    JsonBody(Update { title, body, tags }): JsonBody<Update>,
) -> Result<Json<PostAnswer>, DomainError> {
    let epoch = state.epoch.get();
    Ok(PostAnswer::new(state.posts.update(&caller, id, PostChange { title, body, tags }).await?, epoch))
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

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PeopleList {
    /// Part of a handle or a name, in any case.
    q: Option<String>,
    /// How many; more than 100 counts as 100.
    #[param(value_type = Option<i64>, minimum = 1, default = 20)]
    limit: Option<String>,
}

/// People of a post.
#[derive(Serialize, ToSchema)]
#[schema(as = People)]
struct PeopleAnswer {
    items: Vec<UserRef>,
}

/// List who takes part in a post
///
/// Its author, then those who have a comment there that is not deleted.
#[utoipa::path(
    get, path = "/posts/{id}/people", operation_id = "listPeople", tag = "posts", security((), ("person" = [])),
    params(("id" = PostId, Path, description = "The post."), PeopleList),
    responses((status = 200, description = "The people.", body = PeopleAnswer)),
)]
async fn people(
    State(state): State<AppState>,
    _: MaybePerson,
    PathId(id): PathId<PostId>,
    Query(PeopleList { q, limit }): Query<PeopleList>,
) -> Result<Json<PeopleAnswer>, DomainError> {
    let items = state.posts.people(id, q.as_deref(), limit.as_deref()).await?;
    Ok(Json(PeopleAnswer { items }))
}
