//! The API's document: it names every path, and nothing else.

use crate::site::Site;
use belfry::http::openapi::document;
use serde_json::Value;
use std::collections::BTreeSet;

/// Path, method and operation of everything in the document.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let methods =
        paths.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |(name, op)| (path, name, op)));
    methods.map(|(path, name, operation)| (path.as_str(), name.as_str(), operation)).collect()
}

/// Every `$ref` in a document.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_path_has_the_methods_that_the_document_names_and_no_others() {
    let site = Site::open().await;
    let document = document(&site.state.config.limits);
    for (path, item) in document["paths"].as_object().unwrap() {
        let mut named: BTreeSet<String> = item.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        if named.contains("GET") {
            named.insert("HEAD".into());
        }
        let answer = site.anywhere("TRACE", &path.replace("{id}", "1").replace(['{', '}'], "")).await;
        assert_eq!(answer.status, 405, "{path}: {}", answer.text);
        let allowed: BTreeSet<String> = answer.header("allow").split(',').map(str::to_owned).collect();
        assert_eq!(allowed, named, "{path}");
    }
}

#[tokio::test]
async fn the_document_is_served_as_it_is_printed() {
    let site = Site::with(&["--max-title-chars", "77"]).await;
    let served = site.at("/openapi.json").await.ok();
    assert_eq!(served, document(&site.state.config.limits));
    assert_eq!(served["openapi"], "3.1.0");
    let schemas = &served["components"]["schemas"];
    assert_eq!(schemas["NewPost"]["properties"]["title"]["maxLength"], 77);
    assert_eq!(schemas["Reading"]["oneOf"][0]["properties"]["ids"]["maxItems"], 1_000);
}

#[tokio::test]
async fn every_operation_is_told_whole() {
    let site = Site::open().await;
    let document = document(&site.state.config.limits);
    let tags: Vec<&Value> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    assert!(!document.to_string().contains("[`"), "a link into the code leads nowhere here");
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{name} needs a doc comment");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name} has another one's operationId");
        assert!(tags.contains(&&operation["tags"][0]), "{name} has no tag of the list");
        let told: BTreeSet<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| {
                assert!(parameter["schema"].is_object() && parameter["description"].is_string(), "{name}: {parameter}");
                parameter["name"].as_str().unwrap()
            })
            .collect();
        for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            assert!(told.contains(part), "{name} says nothing of {part}");
        }
        if method != "get" && path.starts_with("/api/v1/") {
            assert!(operation["responses"].as_object().unwrap().len() > 1, "{name}");
        }
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_bound_to_a_field() {
    let site = Site::open().await;
    let document = document(&site.state.config.limits);
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, told) in schema["properties"].as_object().into_iter().flatten() {
            let kind = ["type", "$ref", "oneOf", "description"].iter().any(|key| told.get(key).is_some());
            assert!(kind, "{name}.{field} is told by a bound only");
        }
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_runs_nothing() {
    let site = Site::open().await;
    let page = site.at("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
    let document = document(&site.state.config.limits);
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.text.contains(&format!("<details id=\"{id}\">")), "{method} {path}");
    }
    for (at, _) in page.text.match_indices("href=\"#") {
        let name = page.text[at + 7..].split('"').next().unwrap();
        assert!(page.text.contains(&format!("id=\"{name}\"")), "{name}");
    }
    assert!(!page.text.contains("<script") && !page.text.contains("//"), "nothing is fetched from elsewhere");
}
