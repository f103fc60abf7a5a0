//! `/auth`: sign up, sign in, stay in, sign out.
//!
//! A refresh token travels in the cookie or, for those who said `"session": "body"`, in bodies; never in both, and never
//! from the one into the other.

use super::{AppState, Caller, ClientAddress, FromOrigin, Json, JsonBody, OptionalJsonBody, Query, cookie};
use crate::domain::DomainError;
use crate::domain::accounts::{Accounts, NewAccount, SignedIn};
use crate::domain::origins::Verdict;
use crate::model::Account;
use crate::protocol::codes::ErrorCode;
use crate::store::write::SessionRef;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// Body of `POST /auth/register`.
#[derive(Deserialize)]
pub struct RegisterBody {
    name: String,
    email: String,
    password: String,
    #[serde(default)]
    handle: Option<String>,
    #[serde(default)]
    session: Option<String>,
}

/// Body of `POST /auth/login`.
#[derive(Deserialize)]
pub struct LoginBody {
    email: String,
    password: String,
    #[serde(default)]
    session: Option<String>,
}

/// Body of `POST /auth/refresh` and `POST /auth/logout`, where there is one.
#[derive(Deserialize)]
pub struct RefreshBody {
    #[serde(default)]
    refresh_token: Option<String>,
}

/// Query of `POST /auth/logout`.
#[derive(Deserialize)]
pub struct LogoutQuery {
    #[serde(default)]
    everywhere: bool,
}

#[derive(Serialize)]
struct Answer {
    user: Account,
    access_token: String,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
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

/// `POST /auth/register`.
pub async fn register(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    OwnCookie(_): OwnCookie,
    JsonBody(body): JsonBody<RegisterBody>,
) -> Result<Response, DomainError> {
    let in_body = travels_in_body(body.session.as_deref())?;
    let new = NewAccount { name: body.name, email: body.email, password: body.password, handle: body.handle };
    let signed_in = state.accounts.register(new, in_body, || state.limits.sign_up(address)).await?;
    Ok(answer(&state, &headers, StatusCode::CREATED, signed_in))
}

/// `POST /auth/login`.
pub async fn login(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    OwnCookie(_): OwnCookie,
    JsonBody(body): JsonBody<LoginBody>,
) -> Result<Response, DomainError> {
    let in_body = travels_in_body(body.session.as_deref())?;
    state.limits.sign_in(address)?;
    let signed_in = state.accounts.login(&body.email, body.password, in_body).await?;
    Ok(answer(&state, &headers, StatusCode::OK, signed_in))
}

/// `POST /auth/refresh`. A token in the body goes before the cookie, which a browser sends unasked.
pub async fn refresh(
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

/// `POST /auth/logout`: the bearer token's session, else the body's or the cookie's.
pub async fn logout(
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
    let session = match (caller, by_refresh) {
        (Ok(Caller::Person(identity)), _) => SessionRef::Id(identity.session_id),
        // The access token may have ended while the page slept: the other one still says which session.
        (Ok(Caller::Anonymous) | Err(_), Some(session)) => session,
        (caller, _) => SessionRef::Id(caller?.person()?.session_id),
    };
    state.accounts.logout(session, query.everywhere).await?;
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
