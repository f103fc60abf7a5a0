//! `/posts/by-key`: pages of the host's site.

use super::posts::PostAnswer;
use super::refusal::{RateLimited, Unprocessable};
use super::{AppState, Caller, ClientAddress, FromOrigin, Json, JsonBody, Routes, scope};
use crate::domain::DomainError;
use crate::domain::pages::{NewPage, Teller};
use axum::extract::State;
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The one route.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(keep))
}

/// A page of the host's site.
#[derive(Deserialize, ToSchema)]
#[schema(as = Page)]
struct PageBody {
    /// The site's own name for the page: one line without a comma, not blank.
    page_key: String,
    /// What it is called: one line, not blank.
    title: Option<String>,
    /// Where it is, http or https; on the origin that asks, for a page that is not there yet.
    #[schema(format = "uri")]
    url: Option<String>,
}

/// Find or make the post that stands for a page
///
/// Any page of an allowed origin may make it, within a rate. Only an API key of the scope `posts` or a moderator changes
/// it, and makes it without an `Origin`; others get it as it is.
#[utoipa::path(
    put, path = "/posts/by-key", operation_id = "keepPage", tag = "posts",
    security((), ("person" = []), ("api_key" = ["posts"])), request_body = PageBody,
    responses(
        (status = 200, description = "It was there.", body = PostAnswer),
        (status = 201, description = "It was made.", body = PostAnswer),
        Unprocessable, RateLimited,
    ),
)]
async fn keep(
    State(state): State<AppState>,
    caller: Caller,
    FromOrigin(verdict): FromOrigin,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    JsonBody(PageBody { page_key, title, url }): JsonBody<PageBody>,
) -> Result<(StatusCode, Json<PostAnswer>), DomainError> {
    let epoch = state.epoch.get();
    let (back_end, person) = match caller {
        Caller::Anonymous => (false, None),
        Caller::Person(identity) => (false, Some(identity)),
        key @ Caller::Key(_) => key.key_with(<scope::Posts as super::caller::Scope>::NAME).map(|_| (true, None))?,
    };
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let teller = Teller { back_end, person: person.as_ref(), verdict, origin, address };
    let page = state.posts.keep_page(&teller, NewPage { page_key, title, url }).await?;
    let status = if page.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, PostAnswer::new(page.post, epoch)))
}
