//! `/auth`: sign up, sign in, stay in, sign out.
//!
//! A refresh token travels in the cookie or, for those who said `"session": "body"`, in bodies; never in both, and never
//! from the one into the other.

use super::refusal::{Conflict, Forbidden, RateLimited, Unauthenticated, Unprocessable};
use super::{AppState, Caller, ClientAddress, FromOrigin, Json, JsonBody, OptionalJsonBody, Query, Routes, cookie};
use crate::domain::DomainError;
use crate::domain::accounts::{Accounts, NewAccount, SignedIn};
use crate::domain::origins::Verdict;
use crate::model::Account;
use crate::protocol::codes::ErrorCode;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// The routes below `/auth`.
pub fn routes() -> Routes {
    let routes = Routes::default().routes(routes!(register)).routes(routes!(login));
    routes.routes(routes!(refresh)).routes(routes!(logout))
}

/// Somebody who wants an account.
#[derive(Deserialize, ToSchema)]
#[schema(as = Registration)]
struct RegisterBody {
    /// The name shown, not blank.
    name: String,
    /// The address to sign in with.
    email: String,
    #[schema(min_length = 8, max_length = 1000, format = Password)]
    password: String,
    /// The unique name; made from the name where it is left out.
    #[serde(default)]
    #[schema(pattern = "^[a-z0-9_]{1,30}$")]
    handle: Option<String>,
    /// Where refresh tokens travel: in the `cookie` (where it is left out) or in the `body`.
    #[serde(default)]
    #[schema(pattern = "^(cookie|body)$")]
    session: Option<String>,
}

/// Somebody who has an account.
#[derive(Deserialize, ToSchema)]
#[schema(as = Credentials)]
struct LoginBody {
    email: String,
    #[schema(format = Password)]
    password: String,
    /// Where refresh tokens travel: in the `cookie` (where it is left out) or in the `body`.
    #[serde(default)]
    #[schema(pattern = "^(cookie|body)$")]
    session: Option<String>,
}

/// A session whose tokens travel in bodies.
#[derive(Deserialize, ToSchema)]
#[schema(as = RefreshToken)]
struct RefreshBody {
    #[serde(default)]
    refresh_token: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogoutQuery {
    /// All sessions of this person.
    #[serde(default)]
    everywhere: bool,
}

/// Somebody who is signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedIn)]
struct Answer {
    user: Account,
    /// For `Authorization: Bearer` and for `connect`.
    access_token: String,
    /// How long the access token is good, in seconds.
    expires_in: u64,
    /// Good once, for the next of both; only where the session's tokens travel in bodies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    refresh_token: Option<String>,
}

/// The refresh cookie of a request, if it brings one; `forbidden` unless the request comes from the own origin.
pub struct OwnCookie(Option<String>);

impl FromRequestParts<AppState> for OwnCookie {
    type Rejection = DomainError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, DomainError> {
        let Some(token) = cookie::read(&parts.headers).map(str::to_owned) else { return Ok(Self(None)) };
        let Ok(FromOrigin(verdict)) = FromOrigin::from_request_parts(parts, state).await;
        if verdict == Verdict::Own {
            return Ok(Self(Some(token)));
        }
        Err(DomainError::forbidden("the refresh cookie is good from the own origin only"))
    }
}

/// Sign up
#[utoipa::path(
    post, path = "/auth/register", operation_id = "register", tag = "sessions", request_body = RegisterBody,
    responses(
        (status = 201, description = "Signed in; the cookie is set where the session is kept in it.", body = Answer,
            headers(("Set-Cookie" = String, description = "`belfry_refresh`"))),
        Forbidden, Conflict, Unprocessable, RateLimited,
    ),
)]
async fn register(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    OwnCookie(_): OwnCookie,
    JsonBody(body): JsonBody<RegisterBody>,
) -> Result<Response, DomainError> {
    let in_body = travels_in_body(body.session.as_deref())?;
    let new = NewAccount { name: body.name, email: body.email, password: body.password, handle: body.handle };
    let signed_in = state.accounts.register(new, in_body, state.limits.sign_up(address)).await?;
    Ok(answer(&state, &headers, StatusCode::CREATED, signed_in))
}

/// Sign in
#[utoipa::path(
    post, path = "/auth/login", operation_id = "login", tag = "sessions", request_body = LoginBody,
    responses(
        (status = 200, description = "Signed in; the cookie is set where the session is kept in it.", body = Answer,
            headers(("Set-Cookie" = String, description = "`belfry_refresh`"))),
        Unauthenticated, Forbidden, Unprocessable, RateLimited,
    ),
)]
async fn login(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    OwnCookie(_): OwnCookie,
    JsonBody(body): JsonBody<LoginBody>,
) -> Result<Response, DomainError> {
    let in_body = travels_in_body(body.session.as_deref())?;
    state.limits.sign_in(address, &body.email).await?;
    let signed_in = state.accounts.login(&body.email, body.password, in_body).await?;
    Ok(answer(&state, &headers, StatusCode::OK, signed_in))
}

/// Stay signed in
///
/// A refresh token is good once; each answer has the next. A token in the body goes before the cookie, which a browser
/// sends unasked.
#[utoipa::path(
    post, path = "/auth/refresh", operation_id = "refresh", tag = "sessions",
    security((), ("refresh_cookie" = [])), request_body = Option<RefreshBody>,
    responses(
        (status = 200, description = "Signed in; the cookie is set where the session is kept in it.", body = Answer,
            headers(("Set-Cookie" = String, description = "`belfry_refresh`"))),
    ),
)]
async fn refresh(
    State(state): State<AppState>,
    headers: HeaderMap,
    OwnCookie(cookie): OwnCookie,
    OptionalJsonBody(body): OptionalJsonBody<RefreshBody>,
) -> Result<Response, DomainError> {
    if let Some(token) = body.and_then(|body| body.refresh_token) {
        let signed_in = state.accounts.refresh(&token, true).await?;
        return Ok(answer(&state, &headers, StatusCode::OK, signed_in));
    }
    let token = cookie.ok_or_else(|| DomainError::unauthenticated("there is no refresh token"))?;
    match state.accounts.refresh(&token, false).await {
        Ok(signed_in) => Ok(answer(&state, &headers, StatusCode::OK, signed_in)),
        Err(error) => {
            let spent = error.code == ErrorCode::Unauthenticated;
            let mut response = error.into_response();
            if spent {
                cookie::clear(&state, &headers, response.headers_mut());
            }
            Ok(response)
        }
    }
}

/// Sign out
///
/// Ends the bearer token's session, else the body's or the cookie's, and its sockets.
#[utoipa::path(
    post, path = "/auth/logout", operation_id = "logout", tag = "sessions",
    security((), ("person" = []), ("refresh_cookie" = [])), params(LogoutQuery), request_body = Option<RefreshBody>,
    responses((status = 204, description = "Signed out.")),
)]
async fn logout(
    State(state): State<AppState>,
    Query(query): Query<LogoutQuery>,
    headers: HeaderMap,
    OwnCookie(cookie): OwnCookie,
    caller: Result<Caller, DomainError>,
    OptionalJsonBody(body): OptionalJsonBody<RefreshBody>,
) -> Result<Response, DomainError> {
    let brought_cookie = cookie.is_some();
    let refresh_token = body.and_then(|body| body.refresh_token).or(cookie);
    let by_refresh = refresh_token.map(|token| Accounts::session_of(&token));
    match (caller, by_refresh) {
        // The access token may have ended while the page slept: the other one still says which session.
        (Ok(Caller::Anonymous) | Err(_), Some(session)) => state.accounts.logout(session, query.everywhere).await?,
        (caller, _) => {
            let identity = caller?.person()?;
            let others = query.everywhere.then(|| state.sockets.hub.sessions_of(identity.user_id));
            state.accounts.sign_out(&identity, others).await?;
        }
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if brought_cookie {
        cookie::clear(&state, &headers, response.headers_mut());
    }
    Ok(response)
}

fn travels_in_body(session: Option<&str>) -> Result<bool, DomainError> {
    match session {
        None | Some("cookie") => Ok(false),
        Some("body") => Ok(true),
        Some(_) => Err(DomainError::unprocessable("/session", "a session is kept in the `cookie` or in the `body`")),
    }
}

fn answer(state: &AppState, request: &HeaderMap, status: StatusCode, signed_in: SignedIn) -> Response {
    let SignedIn { account, access_token, expires_in, refresh_token, in_body } = signed_in;
    let (in_cookie, refresh_token) = if in_body { (None, Some(refresh_token)) } else { (Some(refresh_token), None) };
    let answer = Answer { user: account, access_token, expires_in: expires_in.as_secs(), refresh_token };
    let mut response = (status, Json(answer)).into_response();
    if let Some(token) = in_cookie {
        cookie::set(state, request, response.headers_mut(), &token, state.accounts.refresh_ttl());
    }
    response
}
