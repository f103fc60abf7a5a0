//! The API's document (OpenAPI 3.1): what the handlers say of themselves, and what is true of all of them.
//!
//! Handlers name what is their own. What follows from what an operation takes is added here, once for all: a body may be
//! too large, an id may lead nowhere, a credential may not be good.

use super::{AppState, bounds, docs, refusal};
use crate::config::Limits;
use crate::protocol::codes::ErrorCode;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes, and what the document says of them.
pub type Routes = OpenApiRouter<AppState>;

const TAGS: &[(&str, &str)] = &[
    ("posts", "What rooms stand around."),
    ("comments", "What is said below posts, in threads of any depth."),
    ("channels", "Logs, for those who would rather fetch than listen."),
    ("notifications", "What one is told of."),
    ("sessions", "Signing up, in and out."),
    ("people", "Who is here."),
    ("back ends", "What a site's own server may do, with an API key."),
    ("server", "The server itself."),
];

/// The document as text and as a page, each made when it is first asked for.
#[derive(Debug, Default)]
pub struct Document {
    text: OnceLock<String>,
    page: OnceLock<String>,
}

impl Document {
    /// JSON.
    pub fn text(&self, limits: &Limits) -> &str {
        self.text.get_or_init(|| format!("{:#}\n", document(limits)))
    }

    /// HTML.
    pub fn page(&self, limits: &Limits) -> &str {
        self.page.get_or_init(|| docs::page(&document(limits)))
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
    bounds::apply(&mut components["schemas"], limits);
    let links = links(&document["paths"]);
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for operation in values(item) {
            complete(path, operation);
            if let (Some(links), Some(created)) = (links.get(path), operation["responses"].get_mut("201")) {
                created["links"] = links.clone();
            }
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
            "description": "An access token, from registering, signing in or refreshing, or a token that the host's site \
                signs for its people.",
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

/// What may be done with a thing that was made: by the path of its kind, the operations on it.
fn links(paths: &Value) -> BTreeMap<String, Value> {
    let paths: Vec<(&String, &Map<String, Value>)> =
        paths.as_object().into_iter().flatten().filter_map(|(path, item)| Some((path, item.as_object()?))).collect();
    let of = |kind: &str| {
        let stem = format!("/api/v1/{kind}/{{id}}");
        let on = paths.iter().filter(move |(path, _)| **path == stem || path.starts_with(&format!("{stem}/")));
        let ids = on.flat_map(|(_, item)| item.values()).filter_map(|operation| operation["operationId"].as_str());
        let link = |id: &str| json!({ "operationId": id, "parameters": { "id": "$response.body#/id" } });
        ids.map(|id| (id.to_owned(), link(id))).collect::<Map<String, Value>>()
    };
    let kinds = paths.iter().map(|(path, _)| ((*path).clone(), of(path.rsplit('/').next().unwrap_or_default())));
    kinds.filter(|(_, links)| !links.is_empty()).map(|(path, links)| (path, links.into())).collect()
}

/// Adds what follows from what an operation takes.
fn complete(path: &str, operation: &mut Value) {
    use ErrorCode::{
        BadRequest, Conflict, Forbidden, Internal, NotFound, TooLarge, Unauthenticated, Unavailable, Unprocessable,
    };
    let mut codes = vec![Internal];
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        match parameter["in"].as_str() {
            Some("path") => codes.push(NotFound),
            Some("query") => codes.push(BadRequest),
            // The header `Idempotency-Key`: what it made the first time may be gone.
            _ => codes.extend([BadRequest, Unprocessable, Conflict, NotFound]),
        }
        as_written(&mut parameter["schema"]);
    }
    if let Some(body) = operation.get_mut("requestBody") {
        no_null(&mut body["content"]["application/json"]["schema"]);
        codes.extend([BadRequest, TooLarge]);
    }
    if operation.get("security").is_some() {
        codes.extend([Unauthenticated, Forbidden]);
    }
    if path.starts_with("/api/v1/") && path != "/api/v1/config" {
        codes.push(Unavailable);
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

/// A parameter is text: a number has the size that its bounds give it.
fn as_written(schema: &mut Value) {
    no_null(schema);
    if schema["type"] == "integer" && schema.get("maximum").is_none() {
        schema.as_object_mut().and_then(|schema| schema.remove("format"));
    }
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
