//! Every REST operation, and the doors of the socket.

use super::{Asked, EVERYBODY, Scene, Stage, cells, fits};
use belfry::http::openapi::document;
use belfry::http::socket::DOORS;
use belfry::protocol::codes::ErrorCode;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Method and template of an operation, the status that everybody gets, and what is asked for.
type Row = (&'static str, &'static str, fn(&Scene) -> Asked);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                                          nobody other author mod banned publish notify posts users host
    ("GET /api/v1/config",                      "200 200 200 200 200 200 200 200 200 200", |_| bare("/config")),
    ("POST /api/v1/auth/register",              "201 201 201 201 201 201 201 201 201 201", register),
    ("POST /api/v1/auth/login",                 "200 200 200 200 403 200 200 200 200 200", login),
    ("POST /api/v1/auth/refresh",               "200 200 200 200 403 200 200 200 200 200", refresh),
    ("POST /api/v1/auth/logout",                "401 204 204 204 401 403 403 403 403 204", |_| bare("/auth/logout")),
    ("GET /api/v1/users/me",                    "401 200 200 200 401 403 403 403 403 200", |_| bare("/users/me")),
    ("PATCH /api/v1/users/me",                  "401 200 200 200 401 403 403 403 403 200", |s| with("/users/me", json!({"handle": s.handle}))),
    ("PATCH /api/v1/users/me",                  "401 200 200 200 401 403 403 403 403 403", |_| with("/users/me", json!({"avatar_url": "https://x.example/"}))),
    ("PUT /api/v1/users/by-external-id",        "401 403 403 403 401 403 403 403 201 403", |s| with("/users/by-external-id", json!({"external_id": format!("n-{}", s.number), "name": "N"}))),
    ("PUT /api/v1/users/{id}/ban",              "401 403 403 204 401 403 403 403 403 403", |s| with(&format!("/users/{}/ban", s.bystander), json!({}))),
    ("DELETE /api/v1/users/{id}/ban",           "401 403 403 204 401 403 403 403 403 403", |s| bare(&format!("/users/{}/ban", s.bystander))),
    ("GET /api/v1/bans",                        "401 403 403 200 401 403 403 403 403 403", |_| bare("/bans")),
    ("GET /api/v1/posts",                       "200 200 200 200 401 200 200 200 200 200", |_| bare("/posts")),
    ("POST /api/v1/posts",                      "401 201 201 201 401 403 403 403 403 201", |_| with("/posts", json!({"title": "t", "body": "b"}))),
    ("GET /api/v1/posts/{id}",                  "200 200 200 200 401 200 200 200 200 200", |s| bare(&format!("/posts/{}", s.post))),
    ("PATCH /api/v1/posts/{id}",                "401 403 200 200 401 403 403 403 403 403", |s| with(&format!("/posts/{}", s.post), json!({"title": "new"}))),
    ("DELETE /api/v1/posts/{id}",               "401 403 204 204 401 403 403 403 403 403", |s| bare(&format!("/posts/{}", s.post))),
    ("PATCH /api/v1/posts/{id}",                "401 403 403 200 401 403 403 403 403 403", |s| with(&format!("/posts/{}", s.page), json!({"title": "new"}))),
    ("DELETE /api/v1/posts/{id}",               "401 403 403 204 401 403 403 403 403 403", |s| bare(&format!("/posts/{}", s.page))),
    ("PUT /api/v1/posts/by-key",                "403 403 403 201 401 403 403 201 403 403", |s| with("/posts/by-key", json!({"page_key": format!("new {}", s.number)}))),
    ("PUT /api/v1/posts/by-key",                "200 200 200 200 401 403 403 200 403 200", |s| with("/posts/by-key", json!({"page_key": s.number.to_string(), "title": "new"}))),
    ("GET /api/v1/posts/{id}/people",           "200 200 200 200 401 200 200 200 200 200", |s| bare(&format!("/posts/{}/people", s.post))),
    ("GET /api/v1/posts/{id}/comments",         "200 200 200 200 401 200 200 200 200 200", |s| bare(&format!("/posts/{}/comments", s.post))),
    ("POST /api/v1/posts/{id}/comments",        "401 201 201 201 401 403 403 403 403 201", |s| with(&format!("/posts/{}/comments", s.post), json!({"body": "b"}))),
    ("GET /api/v1/comments/{id}",               "200 200 200 200 401 200 200 200 200 200", |s| bare(&format!("/comments/{}", s.comment))),
    ("PATCH /api/v1/comments/{id}",             "401 403 200 403 401 403 403 403 403 403", |s| with(&format!("/comments/{}", s.comment), json!({"body": "new"}))),
    ("DELETE /api/v1/comments/{id}",            "401 403 204 204 401 403 403 403 403 403", |s| bare(&format!("/comments/{}", s.comment))),
    ("PUT /api/v1/comments/{id}/reactions/{emoji}",    "401 200 200 200 401 403 403 403 403 200", reaction),
    ("DELETE /api/v1/comments/{id}/reactions/{emoji}", "401 200 200 200 401 403 403 403 403 200", reaction),
    ("GET /api/v1/channels/{channel}/events",   "200 200 200 200 401 200 200 200 200 200", |s| bare(&format!("/channels/post:{}/events", s.post))),
    ("GET /api/v1/channels/{channel}/events",   "403 403 200 403 401 403 403 403 403 403", |s| bare(&format!("/channels/user:{}/events", s.author))),
    ("GET /api/v1/channels/{channel}/events",   "403 200 200 200 401 403 403 403 403 200", |_| bare("/channels/me/events")),
    ("GET /api/v1/notifications",               "401 200 200 200 401 403 403 403 403 200", |_| bare("/notifications")),
    ("POST /api/v1/notifications/read",         "401 200 200 200 401 403 403 403 403 200", |_| with("/notifications/read", json!({"all": true}))),
    ("DELETE /api/v1/notifications/{id}",       "401 404 204 404 401 403 403 403 403 404", |s| bare(&format!("/notifications/{}", s.notification))),
    ("POST /api/v1/publish",                    "401 403 403 403 401 202 403 403 403 403", |s| with("/publish", json!({"channel": format!("post:{}", s.post), "kind": "custom.x", "data": 1}))),
    ("POST /api/v1/notify",                     "401 403 403 403 401 403 202 403 403 403", |s| with("/notify", json!({"user_ids": [s.author], "kind": "x", "title": "t"}))),
    ("GET /health",                             "200 200 200 200 200 200 200 200 200 200", |_| bare("//health")),
    ("GET /health/live",                        "200 200 200 200 200 200 200 200 200 200", |_| bare("//health/live")),
    ("GET /health/ready",                       "200 200 200 200 200 200 200 200 200 200", |_| bare("//health/ready")),
    ("GET /openapi.json",                       "200 200 200 200 200 200 200 200 200 200", |_| bare("//openapi.json")),
    ("GET /docs",                               "200 200 200 200 200 200 200 200 200 200", |_| bare("//docs")),
    ("GET /ws",                                 "101 101 101 101 401 403 403 403 403 101", |_| bare("//ws")),
    ("GET /ws/posts/{id}/live",                 "101 101 101 101 401 403 403 403 403 101", |s| bare(&format!("//ws/posts/{}/live", s.post))),
    ("GET /ws/notifications",                   "101 101 101 101 401 403 403 403 403 101", |_| bare("//ws/notifications")),
];

fn bare(path: &str) -> Asked {
    (path.to_owned(), None)
}

fn with(path: &str, body: Value) -> Asked {
    (path.to_owned(), Some(body))
}

fn register(scene: &Scene) -> Asked {
    let email = format!("n{}@x.example", scene.number);
    with("/auth/register", json!({"name": "N", "email": email, "password": super::PASSWORD}))
}

fn login(scene: &Scene) -> Asked {
    with("/auth/login", json!({"email": scene.email, "password": super::PASSWORD}))
}

fn refresh(scene: &Scene) -> Asked {
    with("/auth/refresh", json!({"refresh_token": scene.refresh_token}))
}

fn reaction(scene: &Scene) -> Asked {
    bare(&format!("/comments/{}/reactions/%F0%9F%91%8D", scene.comment))
}

impl Stage {
    /// What somebody is answered.
    async fn answer(&self, operation: &str, asked: Asked, scene: &Scene) -> (u16, Value) {
        let (method, _) = operation.split_once(' ').unwrap();
        let (path, body) = asked;
        if path.starts_with("//ws") {
            return (self.upgrade(&path[1..], scene.token.as_deref()).await, Value::Null);
        }
        self.send(Method::from_bytes(method.as_bytes()).unwrap(), &path, body, scene.token.as_deref()).await
    }
}

#[tokio::test]
async fn everybody_is_answered_as_the_table_says() {
    let stage = Stage::open().await;
    let mut wrong = Vec::new();
    for (operation, row, ask) in TABLE {
        let template = operation.split_once(' ').unwrap().1;
        for (who, cell) in EVERYBODY.into_iter().zip(cells(row)) {
            let scene = stage.scene(who, operation).await;
            let asked = ask(&scene);
            let path = asked.0.strip_prefix('/').filter(|path| path.starts_with('/')).map(str::to_owned);
            let path = path.unwrap_or_else(|| format!("/api/v1{}", asked.0));
            assert!(fits(template, &path), "{path} is no {template}");
            let (status, body) = stage.answer(operation, asked, &scene).await;
            if status.to_string() != cell {
                wrong.push(format!("{operation} as {who:?}: {status}, not {cell}: {body}"));
            }
            let code = ErrorCode::ALL.iter().find(|code| Some(code.name()) == body["code"].as_str());
            let told = code.map_or(200..400, |code| code.status()..code.status() + 1);
            assert!(told.contains(&status) || body.is_null(), "{operation} as {who:?}: {status} {body}");
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_operation_and_every_door_stands_in_the_table() {
    let (_house, instance) = crate::live::support::Instance::open().await;
    let document = document(&instance.state.config.limits);
    let mut named: BTreeSet<String> = DOORS.iter().map(|door| format!("GET {door}")).collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        named.extend(item.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let listed: BTreeSet<String> = TABLE.iter().map(|(operation, ..)| (*operation).to_owned()).collect();
    let missing: Vec<_> = named.difference(&listed).collect();
    assert!(missing.is_empty(), "give these a row in src/tests/matrix/operations.rs: {missing:#?}");
    let gone: Vec<_> = listed.difference(&named).collect();
    assert!(gone.is_empty(), "there is no such operation any more: {gone:#?}");
}
