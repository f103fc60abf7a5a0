//! The demo page, built from `client-sdk/site` and carried in the binary.

use super::{AppState, problem};
use crate::domain::DomainError;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "client-sdk/dist/site"]
#[allow_missing = true]
struct Files;

const NOT_BUILT: &str = "The page is not built yet. Run `make run`, which builds it and starts the hub.\n\
    The API is at /api/v1, the socket at /ws.\n";

/// The page and what it is made of.
pub fn routes() -> Router<AppState> {
    Router::new().route("/", get(page)).route("/posts/{id}", get(page)).route("/assets/{*path}", get(asset))
}

/// The page itself finds out from its address what to show.
async fn page(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let Some(file) = Files::get("index.html") else {
        return (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "text/plain; charset=utf-8")], NOT_BUILT).into_response();
    };
    // Asked for each time: it names the assets of its own build.
    let mut response = answer(file, "index.html", "no-cache", &headers);
    let own = state.config.public_url.as_deref().and_then(authority);
    let host = own.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()));
    if let Ok(policy) = HeaderValue::from_str(&policy(host)) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Names of assets carry a hash of their content: what was fetched once is good for ever.
async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, DomainError> {
    let name = format!("assets/{path}");
    // Where the page is read from its folder, dots would lead out of this one.
    let within = path.split('/').all(|part| !part.starts_with('.'));
    match Files::get(&name).filter(|_| within) {
        Some(file) => Ok(answer(file, &name, "public, max-age=31536000, immutable", &headers)),
        None => Err(problem::no_route().await),
    }
}

fn answer(file: rust_embed::EmbeddedFile, name: &str, caching: &'static str, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&file.metadata.sha256_hash()[..12]));
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let (status, body) =
        if known { (StatusCode::NOT_MODIFIED, Body::empty()) } else { (StatusCode::OK, Body::from(file.data)) };
    let headers = [
        (CONTENT_TYPE, content_type(name)),
        (CACHE_CONTROL, caching),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "strict-origin-when-cross-origin"),
    ];
    (status, headers, [(ETAG, tag)], body).into_response()
}

/// Nothing runs but the page's own scripts. Some browsers do not take `'self'` to mean sockets of the same host, so the
/// host is named as well, where it is one.
fn policy(host: Option<&str>) -> String {
    let plain = |host: &&str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    };
    let sockets = host.filter(plain).map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    format!(
        "default-src 'self'; style-src 'self'; img-src 'self' https: data:; connect-src 'self'{sockets}; \
         frame-ancestors 'none'; base-uri 'none'"
    )
}

fn authority(url: &str) -> Option<&str> {
    url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or(rest))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_host_only_where_it_is_one() {
        let named = policy(Some("belfry.example:8080"));
        assert!(named.contains("connect-src 'self' ws://belfry.example:8080 wss://belfry.example:8080;"), "{named}");
        for bad in [None, Some(""), Some("a; script-src *"), Some("a b"), Some("a,b")] {
            assert!(policy(bad).contains("connect-src 'self';"), "{bad:?}");
        }
        assert_eq!(authority("https://talk.example/path"), Some("talk.example"));
    }

    #[test]
    fn a_file_is_served_as_what_it_is() {
        assert_eq!(content_type("assets/index-3f.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("a.b.css"), "text/css; charset=utf-8");
        assert_eq!(content_type("LICENSE"), "application/octet-stream");
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let file = || rust_embed::EmbeddedFile {
            data: std::borrow::Cow::Borrowed(b"x"),
            metadata: rust_embed::Metadata::__rust_embed_new([7; 32], None, None),
        };
        let first = answer(file(), "a.js", "no-cache", &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let known = HeaderMap::from_iter([(IF_NONE_MATCH, first.headers()[ETAG].clone())]);
        assert_eq!(answer(file(), "a.js", "no-cache", &known).status(), StatusCode::NOT_MODIFIED);
    }
}
