//! Errors as `application/problem+json` (RFC 9457). The only place that chooses statuses.

use crate::domain::DomainError;
use crate::protocol::codes::ErrorCode;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Why a request was not carried out (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct Problem<'a> {
    /// Always `about:blank`: the code says which problem it is.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// One sentence for people.
    detail: &'a str,
    code: ErrorCode,
    /// The request's name in the logs, as in `X-Request-Id`.
    request_id: &'a str,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Field<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FieldProblem)]
struct Field<'a> {
    /// A JSON pointer into the body.
    pointer: &'a str,
    /// What is wrong with it.
    detail: &'a str,
}

/// An error on its way out: kept beside the response until the request's id is known.
#[derive(Clone)]
pub struct Pending(pub Arc<DomainError>);

/// The status and the headers; the body is written by [`render`], which knows the request's id.
impl IntoResponse for DomainError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let wait = match (self.code, self.retry_after) {
            (ErrorCode::RateLimited | ErrorCode::Unavailable, wait) => Some(wait.unwrap_or_default()),
            _ => None,
        };
        if let Some(wait) = wait {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == ErrorCode::Unauthenticated {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Pending(Arc::new(self)));
        response
    }
}

/// Writes the body of an error that came out of a handler or a layer.
pub fn render(response: Response, request_id: &str) -> Response {
    let Some(Pending(error)) = response.extensions().get::<Pending>().cloned() else { return response };
    let (mut parts, _) = response.into_parts();
    let problem = Problem {
        r#type: "about:blank",
        title: title(error.code),
        status: parts.status.as_u16(),
        detail: &error.detail,
        code: error.code,
        request_id,
        errors: error.fields.iter().map(|(pointer, detail)| Field { pointer, detail }).collect(),
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    // What is not there now may be there in a moment.
    parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Response::from_parts(parts, Body::from(body))
}

/// The same words for every error of a code, as RFC 9457 asks of `about:blank`: the status's own.
fn title(code: ErrorCode) -> &'static str {
    StatusCode::from_u16(code.status()).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error")
}

/// Answers a path that leads nowhere.
pub async fn no_route() -> DomainError {
    DomainError::not_found("there is nothing at this path")
}

/// Answers a method that a path does not have; the router adds `Allow`.
pub async fn no_method() -> DomainError {
    DomainError::new(ErrorCode::MethodNotAllowed, "this path does not have that method")
}

/// Answers a request whose handler panicked; the panic itself was written to the log by the hook.
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    DomainError::new(ErrorCode::Internal, "something went wrong here").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_code_has_its_status_and_only_what_passes_says_when_to_come_back() {
        for code in ErrorCode::ALL {
            let response = DomainError::new(*code, "why").into_response();
            assert_eq!(response.status().as_u16(), code.status());
            let waits = matches!(code, ErrorCode::RateLimited | ErrorCode::Unavailable);
            assert_eq!(response.headers().contains_key(RETRY_AFTER), waits, "{code:?}");
            assert!(title(*code) != "Error", "{code:?}");
        }
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds_and_never_too_short() {
        for (wait, told) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (59_999, "60")] {
            let response = DomainError::rate_limited(Duration::from_millis(wait)).into_response();
            assert_eq!(response.headers()[RETRY_AFTER], told);
        }
    }
}
