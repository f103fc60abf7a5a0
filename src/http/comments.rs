//! `/comments`, and those below a post.

use super::refusal::{Conflict, RateLimited, Unprocessable};
use super::{AppState, ClientAddress, IdempotencyKey, Json, JsonBody, MaybePerson, PathId, Person, Query, Routes};
use crate::domain::DomainError;
use crate::domain::comments::NewComment;
use crate::domain::threads::{CommentList, CommentView};
use crate::model::{CommentId, PostId};
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// The routes of comments.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(list, create)).routes(routes!(read, edit, remove))
}

/// A comment, and the epoch its sequence numbers belong to.
#[derive(Serialize, ToSchema)]
struct CommentAnswer {
    #[serde(flatten)]
    comment: CommentView,
    #[schema(value_type = String)]
    epoch: Arc<str>,
}

/// A page of comments, and where their post's channel stands.
#[derive(Serialize, ToSchema)]
#[schema(as = CommentList)]
struct ListAnswer {
    items: Vec<CommentView>,
    /// Where the next page begins; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
    #[schema(value_type = String)]
    epoch: Arc<str>,
    /// The head of `post:{id}`, from which to subscribe.
    #[schema(minimum = 0)]
    seq: i64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct List {
    /// Items on a page; more than 100 counts as 100.
    #[param(value_type = Option<i64>, minimum = 1, default = 20)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `oldest` or `newest` first, or those with the most reactions (`top`).
    #[param(pattern = "^(oldest|newest|top)$", default = "oldest")]
    sort: Option<String>,
    /// 0: the roots; an id: the direct replies to that comment; left out: all of them.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    parent_id: Option<String>,
    /// So many of the oldest replies with each, two levels deep.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 10, default = 0)]
    replies: Option<String>,
}

/// List the comments of a post
#[utoipa::path(
    get, path = "/posts/{id}/comments", operation_id = "listComments", tag = "comments",
    security((), ("person" = [])), params(("id" = PostId, Path, description = "The post."), List),
    responses((status = 200, description = "A page of comments.", body = ListAnswer)),
)]
async fn list(
    State(state): State<AppState>,
    MaybePerson(reader): MaybePerson,
    PathId(post): PathId<PostId>,
    Query(List { limit, cursor, sort, parent_id, replies }): Query<List>,
) -> Result<Json<ListAnswer>, DomainError> {
    let epoch = state.epoch.get();
    let list = CommentList { sort, parent_id, replies, cursor, limit };
    let page = state.comments.list(reader.as_ref(), post, &list).await?;
    Ok(Json(ListAnswer { items: page.value.items, next_cursor: page.value.next_cursor, epoch, seq: page.seq }))
}

/// What a comment begins with.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewComment)]
struct Create {
    /// Markdown, not blank.
    body: String,
    /// The comment it answers.
    parent_id: Option<CommentId>,
    /// As the header `Idempotency-Key`; everyone sees it on the comment.
    #[schema(pattern = "^[!-~]{1,64}$")]
    key: Option<String>,
}

/// Write a comment
#[utoipa::path(
    post, path = "/posts/{id}/comments", operation_id = "createComment", tag = "comments",
    security(("person" = [])), params(("id" = PostId, Path, description = "The post."), IdempotencyKey),
    request_body = Create,
    responses(
        (status = 201, description = "The comment.", body = CommentAnswer,
            headers(("Location" = String, description = "Its path."))),
        Unprocessable, RateLimited,
    ),
)]
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

/// Read a comment
#[utoipa::path(
    get, path = "/comments/{id}", operation_id = "getComment", tag = "comments", security((), ("person" = [])),
    params(("id" = CommentId, Path, description = "The comment.")),
    responses((status = 200, description = "The comment.", body = CommentAnswer)),
)]
async fn read(
    State(state): State<AppState>,
    MaybePerson(reader): MaybePerson,
    PathId(id): PathId<CommentId>,
) -> Result<Json<CommentAnswer>, DomainError> {
    let epoch = state.epoch.get();
    let comment = state.comments.get(id).await?.value;
    Ok(Json(CommentAnswer { comment: state.comments.view(reader.as_ref(), comment).await?, epoch }))
}

/// What becomes of a comment.
#[derive(Deserialize, ToSchema)]
#[schema(as = CommentEdit)]
struct Edit {
    /// Markdown, not blank.
    body: String,
}

/// Edit a comment
///
/// By its author.
#[utoipa::path(
    patch, path = "/comments/{id}", operation_id = "editComment", tag = "comments", security(("person" = [])),
    params(("id" = CommentId, Path, description = "The comment.")), request_body = Edit,
    responses((status = 200, description = "The comment.", body = CommentAnswer), Conflict, Unprocessable),
)]
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

/// Delete a comment
///
/// By its author or a moderator; again as well. It keeps its place, without author and text.
#[utoipa::path(
    delete, path = "/comments/{id}", operation_id = "deleteComment", tag = "comments", security(("person" = [])),
    params(("id" = CommentId, Path, description = "The comment.")),
    responses((status = 204, description = "It is a tombstone.")),
)]
async fn remove(
    State(state): State<AppState>,
    Person(caller): Person,
    PathId(id): PathId<CommentId>,
) -> Result<StatusCode, DomainError> {
    state.comments.delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
