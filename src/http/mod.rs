//! REST: requests are translated into calls of the domain, and its answers and refusals into responses.
//!
//! Nothing here decides what may happen, and nothing but [`problem`] chooses a status of an error.

pub mod auth;
pub mod bans;
pub mod bounds;
pub mod caller;
pub mod channels;
pub mod comments;
pub mod config;
pub mod cookie;
pub mod cors;
pub mod docs;
pub mod exposition;
pub mod extract;
pub mod health;
pub mod layers;
pub mod notifications;
pub mod notify;
pub mod openapi;
pub mod origin;
pub mod pages;
pub mod posts;
pub mod problem;
pub mod publish;
pub mod reactions;
pub mod refusal;
pub mod site;
pub mod socket;
pub mod state;
pub mod users;

pub use caller::{Caller, KeyWith, MaybePerson, Person, scope};
pub use extract::{
    ClientAddress, FromOrigin, IdempotencyKey, Json, JsonBody, OptionalJsonBody, PathId, PathParts, Query,
};
pub use openapi::Routes;
pub use state::AppState;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;

/// The whole API, the health checks and the page.
pub fn router(state: AppState) -> Router {
    let (rest, _) = rest().split_for_parts();
    finish(rest.merge(socket::routes()).merge(site::routes()), state)
}

/// Every path that stands in the [document](openapi::document): they are added by it and cannot be without it.
fn rest() -> Routes {
    let api = Routes::default()
        .merge(auth::routes())
        .merge(users::routes())
        .merge(bans::routes())
        .merge(config::routes())
        .merge(posts::routes())
        .merge(pages::routes())
        .merge(comments::routes())
        .merge(reactions::routes())
        .merge(channels::routes())
        .merge(notifications::routes())
        .merge(publish::routes())
        .merge(notify::routes());
    Routes::default().nest("/api/v1", api).merge(health::routes()).merge(openapi::routes()).merge(docs::routes())
}

/// Puts around routes what every request gets, innermost first.
pub fn finish(routes: Router<AppState>, state: AppState) -> Router {
    routes
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(state.clone(), cors::share))
        .layer(from_fn_with_state(state.clone(), layers::observe))
        .with_state(state)
}
