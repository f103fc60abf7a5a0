//! The document as a page for people: plain HTML without a script, made of nothing but the document.

use super::{AppState, Routes};
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use utoipa_axum::routes;

const STYLE: &str = include_str!("docs.css");

/// The one route.
pub fn routes() -> Routes {
    Routes::default().routes(routes!(read))
}

/// Read this document as a page
#[utoipa::path(
    get, path = "/docs", operation_id = "getDocs", tag = "server",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
async fn read(State(state): State<AppState>) -> impl IntoResponse {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'");
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (CONTENT_SECURITY_POLICY, policy)];
    (headers, state.document.page(&state.config.limits).to_owned())
}

/// The page of a document.
pub fn page(document: &Value) -> String {
    let mut page = Page { document, html: String::new() };
    // Writing to a string cannot fail.
    let _ = page.write();
    page.html
}

struct Page<'a> {
    document: &'a Value,
    html: String,
}

impl Page<'_> {
    fn write(&mut self) -> std::fmt::Result {
        let info = &self.document["info"];
        let (title, version) = (escape(&info["title"]), escape(&info["version"]));
        write!(
            self.html,
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title} API</title><style>{STYLE}</style>\
             <main><h1>{title} API <small>{version}</small></h1><p>{}</p>\
             <p>The same for programs: <a href=\"/openapi.json\">openapi.json</a>.</p><nav>",
            prose(&info["description"]),
        )?;
        let tags = self.document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
        for tag in tags {
            let name = escape(&tag["name"]);
            write!(self.html, "<a href=\"#{}\">{name}</a>", anchor(&tag["name"]))?;
        }
        self.html.push_str("<a href=\"#credentials\">credentials</a><a href=\"#schemas\">schemas</a></nav>");
        for tag in tags {
            let (name, told) = (escape(&tag["name"]), prose(&tag["description"]));
            write!(self.html, "<h2 id=\"{}\">{name}</h2><p>{told}</p>", anchor(&tag["name"]))?;
            for (path, item) in entries(&self.document["paths"]) {
                for (method, operation) in entries(item).filter(|(_, one)| one["tags"][0] == tag["name"]) {
                    self.operation(path, method, operation)?;
                }
            }
        }
        self.html.push_str("<h2 id=\"credentials\">credentials</h2><dl>");
        for (name, scheme) in entries(&self.document["components"]["securitySchemes"]) {
            write!(self.html, "<dt><code>{name}</code></dt><dd>{}</dd>", prose(&scheme["description"]))?;
        }
        self.html.push_str("</dl><h2 id=\"schemas\">schemas</h2>");
        for (name, schema) in entries(&self.document["components"]["schemas"]) {
            write!(self.html, "<h3 id=\"{name}\">{name}</h3><p>{}</p>", prose(&schema["description"]))?;
            self.fields(schema)?;
        }
        self.html.push_str("</main></html>\n");
        Ok(())
    }

    fn operation(&mut self, path: &str, method: &str, operation: &Value) -> std::fmt::Result {
        let id = escape(&operation["operationId"]);
        let summary = prose(&operation["summary"]);
        write!(
            self.html,
            "<details id=\"{id}\"><summary><b class=\"method {method}\">{}</b><code>{path}</code>\
             <span>{summary}</span></summary><p>{}</p>",
            method.to_uppercase(),
            prose(&operation["description"]),
        )?;
        let needs: Vec<String> = list(&operation["security"]).iter().map(credential).collect();
        if !needs.is_empty() {
            write!(self.html, "<p>Credentials: {}.</p>", needs.join(", or "))?;
        }
        let parameters = list(&operation["parameters"]);
        if !parameters.is_empty() {
            self.html.push_str("<h3>Parameters</h3><dl>");
            for parameter in parameters {
                let (name, place) = (escape(&parameter["name"]), escape(&parameter["in"]));
                let told = prose(&parameter["description"]);
                let kind = kind(&parameter["schema"]);
                write!(self.html, "<dt><code>{name}</code> in {place}: {kind}</dt><dd>{told}</dd>")?;
            }
            self.html.push_str("</dl>");
        }
        for (media, content) in entries(&operation["requestBody"]["content"]) {
            write!(self.html, "<h3>Body</h3><p><code>{media}</code>: {}</p>", kind(&content["schema"]))?;
        }
        self.html.push_str("<h3>Answers</h3><dl>");
        for (status, response) in entries(&operation["responses"]) {
            let response = resolve(self.document, response);
            let told = prose(&response["description"]);
            let headers: Vec<&str> = entries(&response["headers"]).map(|(name, _)| name).collect();
            write!(self.html, "<dt><code>{status}</code> ")?;
            for (media, content) in entries(&response["content"]) {
                write!(self.html, "{} <small>{media}</small>", kind(&content["schema"]))?;
            }
            write!(self.html, "</dt><dd>{told} <small>{}</small></dd>", headers.join(", "))?;
        }
        self.html.push_str("</dl></details>");
        Ok(())
    }

    /// The fields of an object; for anything else, what it is.
    fn fields(&mut self, schema: &Value) -> std::fmt::Result {
        let parts = list(&schema["allOf"]);
        for part in parts {
            match part.get("$ref") {
                Some(_) => write!(self.html, "<p>All of {}, and:</p>", kind(part))?,
                None => self.fields(part)?,
            }
        }
        if schema.get("properties").is_some() {
            self.html.push_str("<dl>");
            for (name, field) in entries(&schema["properties"]) {
                let may = if list(&schema["required"]).iter().any(|one| one == name) { "" } else { "?" };
                let told = prose(&field["description"]);
                write!(self.html, "<dt><code>{name}</code>{may}: {}</dt><dd>{told}</dd>", kind(field))?;
            }
            self.html.push_str("</dl>");
        } else if parts.is_empty() {
            write!(self.html, "<p>{}</p>", kind(schema))?;
        }
        Ok(())
    }
}

/// What a reference leads to, or the value itself.
fn resolve<'v>(document: &'v Value, value: &'v Value) -> &'v Value {
    let path = value["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    path.and_then(|path| document.pointer(path)).unwrap_or(value)
}

/// One way to say who asks.
fn credential(requirement: &Value) -> String {
    let mut ways = entries(requirement).map(|(name, scopes)| {
        let scopes: Vec<String> = list(scopes).iter().map(|scope| format!(" <code>{}</code>", escape(scope))).collect();
        format!("<a href=\"#credentials\">{name}</a>{}", scopes.concat())
    });
    ways.next().unwrap_or_else(|| "none".into())
}

/// What a value is, in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    let either = [list(&schema["oneOf"]), list(&schema["anyOf"])].concat();
    if !either.is_empty() {
        return either.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let mut told = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(escape).collect::<Vec<_>>().join(" or "),
        Value::String(kind) => escape(&kind.as_str().into()),
        _ => "any JSON".into(),
    };
    if let Some(items) = schema.get("items") {
        told = format!("{told} of {}", kind(items));
    }
    if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
        told = format!("map to {}", kind(values));
    }
    for (key, words) in [
        ("format", ""),
        ("minimum", "from "),
        ("maximum", "to "),
        ("minLength", "from "),
        ("maxLength", "at most "),
        ("minItems", "from "),
        ("maxItems", "at most "),
        ("pattern", ""),
        ("default", "else "),
    ] {
        if let Some(value) = schema.get(key) {
            let unit = if key.ends_with("Length") { " characters" } else { "" };
            let _ = write!(told, ", {words}<code>{}</code>{unit}", escape(value));
        }
    }
    for value in list(&schema["enum"]) {
        let _ = write!(told, " <code>{}</code>", escape(value));
    }
    told
}

fn entries(map: &Value) -> impl Iterator<Item = (&str, &Value)> {
    map.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A name as a place in the page.
fn anchor(name: &Value) -> String {
    escape(name).replace(' ', "-")
}

/// Text in which backticks mark code.
fn prose(text: &Value) -> String {
    let parts = escape(text);
    let parts = parts.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

/// A value as text that is no markup; nothing where there is none.
fn escape(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_in_a_document_becomes_markup() {
        let document = json!({
            "info": { "title": "<script>", "description": "a `<b>` & \"c\"" },
            "tags": [{ "name": "t", "description": "<i>" }],
            "paths": { "/x": { "get": { "operationId": "x", "tags": ["t"], "summary": "<u>" } } },
        });
        let page = page(&document);
        assert!(["<script", "<b>", "<i>", "<u>"].iter().all(|tag| !page.contains(tag)), "{page}");
        assert!(page.contains("a <code>&lt;b&gt;</code> &amp; &quot;c&quot;"), "{page}");
    }

    #[test]
    fn a_value_is_told_with_its_bounds() {
        let bounded = json!({ "type": ["string", "null"], "maxLength": 60, "pattern": "^[a-z]+$" });
        assert_eq!(kind(&bounded), "string or null, at most <code>60</code> characters, <code>^[a-z]+$</code>");
        let either = json!({ "oneOf": [{ "$ref": "#/components/schemas/Person" }, { "type": "null" }] });
        assert_eq!(kind(&either), "<a href=\"#Person\">Person</a> or null");
        assert_eq!(kind(&json!({ "type": "array", "items": { "type": "string" } })), "array of string");
    }
}
