//! What handlers take out of a request. Every rejection is a problem.

use super::AppState;
use super::origin;
use crate::domain::{DomainError, addresses, idempotency};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON object as the body, going in.
///
/// `bad_request` for what is no JSON object, lacks a field or has one of the wrong type, and for another content type;
/// `too_large` above the bound of a body. Fields that `T` does not know are ignored.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for JsonBody<T> {
    type Rejection = DomainError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, DomainError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, state.config.limits.max_body).await?;
        object(&parts.headers, &bytes).map(Self)
    }
}

/// A JSON object as the body, or no body at all.
pub struct OptionalJsonBody<T>(pub Option<T>);

impl<T: DeserializeOwned> FromRequest<AppState> for OptionalJsonBody<T> {
    type Rejection = DomainError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, DomainError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, state.config.limits.max_body).await?;
        if bytes.is_empty() { Ok(Self(None)) } else { object(&parts.headers, &bytes).map(|value| Self(Some(value))) }
    }
}

async fn read(body: Body, most: usize) -> Result<Bytes, DomainError> {
    let too_large = || DomainError::too_large(format!("a body has at most {most} bytes"));
    let announced = body.size_hint().lower();
    let bound = u64::try_from(most).unwrap_or(u64::MAX);
    if announced > bound {
        // Who still writes when the connection closes never reads why: what is not far above the bound is taken in and
        // thrown away first.
        if announced <= bound.saturating_mul(2) {
            let _ = tokio::time::timeout(PATIENCE, discard(body)).await;
        }
        return Err(too_large());
    }
    let arrived = tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, most)).await;
    arrived.map_err(|_| DomainError::bad_request("the body did not arrive in time"))?.map_err(|error| {
        let over =
            std::error::Error::source(&error).is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>());
        if over { too_large() } else { DomainError::bad_request("the body ended early") }
    })
}

async fn discard(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}

fn object<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, DomainError> {
    // A form or plain text can be sent by any page without asking first: only JSON is read.
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json")) {
        return Err(DomainError::bad_request("the Content-Type must be application/json"));
    }
    // Serde would also take an array, field by field.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(DomainError::bad_request("the body must be a JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| DomainError::bad_request(error.to_string()))
}

/// A JSON answer.
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The one parameter of the path: an id. What is no id names nothing: `not_found`.
pub struct PathId<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = DomainError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, DomainError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        text.parse().map(Self).map_err(|_| nothing())
    }
}

/// Parameters of the path as text, in order; see [`PathId`] for a single id.
pub struct PathParts<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParts<T> {
    type Rejection = DomainError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, DomainError> {
        Path::<T>::from_request_parts(parts, state).await.map(|Path(value)| Self(value)).map_err(|_| nothing())
    }
}

fn nothing() -> DomainError {
    DomainError::not_found("there is nothing at this path")
}

/// The query; `bad_request` for what cannot be read. Parameters that `T` does not know are ignored.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = DomainError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, DomainError> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| DomainError::bad_request(rejection.body_text()))
    }
}

/// What the header `Idempotency-Key` says, if it is there.
#[derive(Debug, Clone, Default)]
pub struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The key of the request, whose body may bear the same as `key`.
    ///
    /// Errors: `unprocessable` for one that cannot be used, `bad_request` where header and body differ.
    pub fn with_body<'a>(&'a self, body: Option<&'a str>) -> Result<Option<&'a str>, DomainError> {
        idempotency::chosen(self.0.as_deref(), body)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = DomainError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, DomainError> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let first = values.next();
        if values.any(|other| Some(other) != first) {
            return Err(DomainError::bad_request("there are two keys"));
        }
        // Bytes that are no text make a key that is refused like any other bad one.
        let key = first.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        idempotency::chosen(key.as_deref(), None)?;
        Ok(Self(key))
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,64}$"));
        let header = ParameterBuilder::new().name("Idempotency-Key").parameter_in(ParameterIn::Header);
        let told = "Makes a retry harmless: the same key with the same content has one effect, for 7 days.";
        vec![header.description(Some(told)).schema(Some(text)).build()]
    }
}

/// The client's address, as limits count it: proxies that are trusted are looked through, IPv6 is cut to its /64.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<AppState> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip());
        let forwarded = parts.headers.get_all("x-forwarded-for").iter();
        // A value that cannot be read ends the walk, as an entry of it would.
        let forwarded: Vec<&str> = forwarded.map(|value| value.to_str().unwrap_or_default()).collect();
        let client = addresses::client(peer, forwarded.into_iter(), &state.config.trusted_proxies);
        Ok(Self(addresses::limited(client)))
    }
}

/// What the request's `Origin` is to this server.
pub struct FromOrigin(pub crate::domain::origins::Verdict);

impl FromRequestParts<AppState> for FromOrigin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self(origin::check(&state.origins, &parts.headers)))
    }
}
