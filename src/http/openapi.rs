//! The API's document (OpenAPI 3.1): what the handlers say of themselves, and what is true of all of them.
//!
//! Handlers name what is their own. What follows from what an operation takes is added here, once for all: a body may be
//! too large, an id may lead nowhere, a credential may not be good.

use super::{AppState, refusal};
use crate::config::Limits;
use crate::protocol::codes::ErrorCode;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes, and what the document says of them.
pub type Routes = OpenApiRouter<AppState>;

/// Operations on which every bound of a text is a setting: schema, field, and the most characters it has.
type Bound = (&'static str, &'static str, fn(&Limits) -> usize);

const BOUNDS: [Bound; 9] = [
    ("NewPost", "title", |limits| limits.max_title_chars),
    ("NewPost", "body", |limits| limits.max_post_chars),
    ("PostChange", "title", |limits| limits.max_title_chars),
    ("PostChange", "body", |limits| limits.max_post_chars),
    ("NewComment", "body", |limits| limits.max_comment_chars),
    ("CommentEdit", "body", |limits| limits.max_comment_chars),
    ("Registration", "name", |limits| limits.max_name_chars),
    ("AccountChange", "name", |limits| limits.max_name_chars),
    ("BanTerms", "reason", |limits| limits.max_reason_chars),
];

const TAGS: [(&str, &str); 7] = [
    ("posts", "What rooms stand around."),
    ("comments", "What is said below posts, in threads of any depth."),
    ("channels", "Logs, for those who would rather fetch than listen."),
    ("sessions", "Signing up, in and out."),
    ("people", "Who is here."),
    ("back ends", "What a site's own server may do, with an API key."),
    ("server", "The server itself."),
];

/// The document as text, made when it is first asked for.
#[derive(Debug, Default)]
pub struct Document(OnceLock<String>);

impl Document {
    /// The text.
    pub fn text(&self, limits: &Limits) -> &str {
        self.0.get_or_init(|| format!("{:#}\n", document(limits)))
    }
}

/// The one route.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(read))
}

/// Read this document
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getDocument", tag = "server",
    responses((status = 200, description = "The document.", body = Object)),
)]
async fn read(State(state): State<AppState>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], state.document.text(&state.config.limits).to_owned())
}

/// The document of a server with these limits.
pub fn document(limits: &Limits) -> Value {
    let described = super::rest().into_openapi();
    let mut document = serde_json::to_value(described).unwrap_or_default();
    document["info"] = json!({
        "title": "Belfry",
        "version": env!("CARGO_PKG_VERSION"),
        "description": env!("CARGO_PKG_DESCRIPTION"),
        "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
    });
    document["servers"] = json!([{ "url": "/" }]);
    document["tags"] = TAGS.iter().map(|(name, told)| json!({ "name": name, "description": told })).collect();
    let components = &mut document["components"];
    for (name, schema) in refusal::schemas() {
        components["schemas"][name] = serde_json::to_value(schema).unwrap_or_default();
    }
    components["securitySchemes"] = security_schemes();
    components["responses"] = refusal::components().into();
    components["headers"] = json!({
        "X-Request-Id": {
            "description": "The request's name in the logs; taken from the request where it has a usable one.",
            "schema": { "type": "string" },
        },
    });
    for response in values(&mut components["responses"]) {
        name_request(response);
    }
    for (schema, field, most) in BOUNDS {
        components["schemas"][schema]["properties"][field]["maxLength"] = most(limits).into();
    }
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for operation in values(item) {
            complete(path, operation);
        }
    }
    document
}

fn security_schemes() -> Value {
    json!({
        "person": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token, from registering, signing in or refreshing.",
        },
        "api_key": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "bk_…",
            "description": "An API key, from `belfry token --api-key`. It has one or more of the scopes `publish`, \
                `notify`, `posts` and `users`; an operation names the one it needs. Never for browsers: with an \
                `Origin` it is refused.",
        },
        "refresh_cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "belfry_refresh",
            "description": "A refresh token, taken from pages of the server's own origin only.",
        },
    })
}

/// Adds what follows from what an operation takes.
fn complete(path: &str, operation: &mut Value) {
    let mut codes = vec![ErrorCode::Internal];
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        match parameter["in"].as_str() {
            Some("path") => codes.push(ErrorCode::NotFound),
            Some("query") => codes.push(ErrorCode::BadRequest),
            _ => codes.extend([ErrorCode::BadRequest, ErrorCode::Unprocessable, ErrorCode::Conflict]),
        }
        no_null(&mut parameter["schema"]);
    }
    if let Some(body) = operation.get_mut("requestBody") {
        no_null(&mut body["content"]["application/json"]["schema"]);
        codes.extend([ErrorCode::BadRequest, ErrorCode::TooLarge]);
    }
    if operation.get("security").is_some() {
        codes.extend([ErrorCode::Unauthenticated, ErrorCode::Forbidden]);
    }
    if path.starts_with("/api/v1/") && path != "/api/v1/config" {
        codes.push(ErrorCode::Unavailable);
    }
    let responses = &mut operation["responses"];
    for code in codes {
        let response = &mut responses[code.status().to_string()];
        if response.is_null() {
            *response = json!({ "$ref": refusal::reference(code) });
        }
    }
    for response in values(responses).filter(|response| response.get("$ref").is_none()) {
        name_request(response);
    }
}

fn name_request(response: &mut Value) {
    response["headers"]["X-Request-Id"] = json!({ "$ref": "#/components/headers/X-Request-Id" });
}

/// A parameter or a body that may be left out is not null: there is no way to write that.
fn no_null(schema: &mut Value) {
    let not_null = |one: &&Value| *one != "null" && one["type"] != "null";
    if let Some(kind) = schema["type"].as_array().and_then(|kinds| kinds.iter().find(not_null)).cloned() {
        schema["type"] = kind;
    }
    if let Some(other) = schema["oneOf"].as_array().and_then(|either| either.iter().find(not_null)).cloned() {
        *schema = other;
    }
}

fn values(map: &mut Value) -> impl Iterator<Item = &mut Value> {
    map.as_object_mut().into_iter().flat_map(Map::values_mut)
}
