//! What the document says of refusals: one response for each code, which operations name.
//!
//! Those that follow from what an operation takes (a body, an id in its path, a credential) are added by
//! [`openapi`](super::openapi); an operation names only what is its own.

use super::problem::Problem;
use crate::protocol::codes::ErrorCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr, Response};
use utoipa::{IntoResponses, ToSchema};

macro_rules! refusals {
    ($($name:ident),+ $(,)?) => {$(
        #[doc = concat!("The response to [`ErrorCode::", stringify!($name), "`].")]
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let code = ErrorCode::$name;
                [(code.status().to_string(), RefOr::Ref(Ref::new(reference(code))))].into()
            }
        }
    )+};
}

refusals!(BadRequest, Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, Unprocessable, RateLimited);

/// Where the document keeps the response to a code.
pub fn reference(code: ErrorCode) -> String {
    format!("#/components/responses/{}", code.name())
}

/// The responses to all codes, as components.
pub fn components() -> Map<String, Value> {
    ErrorCode::ALL.iter().map(|code| (code.name().to_owned(), response(*code))).collect()
}

/// The schemas they need.
pub fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![(Problem::name().into_owned(), <Problem as utoipa::PartialSchema>::schema())];
    Problem::schemas(&mut schemas);
    schemas
}

fn response(code: ErrorCode) -> Value {
    let header = |description: &str, kind: &str| json!({ "description": description, "schema": { "type": kind } });
    let mut headers = Map::new();
    if matches!(code, ErrorCode::RateLimited | ErrorCode::Unavailable) {
        headers.insert("Retry-After".into(), header("Seconds to wait before asking again.", "integer"));
    }
    if code == ErrorCode::Unauthenticated {
        headers.insert("WWW-Authenticate".into(), header("Always `Bearer`.", "string"));
    }
    json!({
        "description": code.meaning(),
        "headers": headers,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}
