//! What is done around every request: its id, its span, its metrics, its headers, and the body of its error.

use super::AppState;
use super::problem::{self, Pending};
use crate::metrics::Edge;
use crate::model::Entropy;
use crate::protocol::codes::ErrorCode;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tracing::Instrument;

/// Names a request in logs and problems; taken from the client where it is usable.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request, for handlers that want to pass it on.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Gives the request its id and its span, and the answer its headers, its metrics and, for an error, its body.
pub async fn observe(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let begun = state.clock.instant();
    let id = request_id(request.headers(), state.entropy.as_ref());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = method_name(request.method());
    let span = tracing::info_span!("http", %method, %route, request_id = %id);
    request.extensions_mut().insert(RequestId(id.clone()));

    let response = next.run(request).instrument(span.clone()).await;
    let took = state.clock.instant().saturating_duration_since(begun);
    let status = response.status().as_u16();
    crate::metrics::http_request(&route, method, status, took);
    span.in_scope(|| log(&response, status));

    let mut response = problem::render(response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    secure(response.headers_mut(), route.starts_with("/api/"));
    response
}

fn log(response: &Response, status: u16) {
    if let Some(Pending(error)) = response.extensions().get::<Pending>() {
        crate::metrics::error(Edge::Http, error.code.name());
    }
    match response.extensions().get::<Pending>() {
        Some(Pending(error)) if matches!(error.code, ErrorCode::Internal | ErrorCode::Unavailable) => {
            tracing::error!(status, code = error.code.name(), detail = %error.detail, "failed");
        }
        Some(Pending(error)) => tracing::debug!(status, code = error.code.name(), "refused"),
        None => tracing::debug!(status, "answered"),
    }
}

fn request_id(headers: &HeaderMap, entropy: &dyn Entropy) -> String {
    let usable = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(usable);
    given.map_or_else(
        || {
            let mut bytes = [0; 12];
            entropy.fill(&mut bytes);
            URL_SAFE_NO_PAD.encode(bytes)
        },
        str::to_owned,
    )
}

/// A bounded set of names: a client may send any method it makes up.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

fn secure(headers: &mut HeaderMap, api: bool) {
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(REFERRER_POLICY, "strict-origin-when-cross-origin");
    if api {
        default(CACHE_CONTROL, "no-store");
    }
    let html = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !html {
        // Answers are data: a page that is tricked into showing one as a document runs and frames nothing.
        headers
            .entry(CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    }
}
