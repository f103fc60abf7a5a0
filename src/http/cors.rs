//! Which pages may read answers (CORS): those of the allow list, without credentials.

use super::{AppState, origin};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

/// The path that any page may read, to learn whether the others are open to it.
const OPEN_TO_ALL: &str = "/api/v1/config";

/// Answers preflights and marks answers that the page may read.
pub async fn share(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let verdict = origin::check(&state.origins, request.headers());
    let allowed = if request.uri().path() == OPEN_TO_ALL {
        Some(HeaderValue::from_static("*"))
    } else {
        request.headers().get(ORIGIN).filter(|_| verdict.is_allowed()).cloned()
    };
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        describe(headers, preflight);
    }
    response
}

fn describe(headers: &mut HeaderMap, preflight: bool) {
    if preflight {
        let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
        let wanted = HeaderValue::from_static("Authorization, Content-Type, Idempotency-Key");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    } else {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After, X-Request-Id"));
    }
}
