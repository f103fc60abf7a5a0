//! The router over a store of its own, asked without sockets.

use axum::body::Body;
use axum::http::Request;
use belfry::app::{App, Mode, World, open_backend};
use belfry::bus::LocalBus;
use belfry::config::Config;
use belfry::http::AppState;
use belfry::model::clock::DatabaseClock;
use belfry::model::random::SystemEntropy;
use belfry::model::{EpochCell, Role};
use belfry::store::write::SetRole;
use clap::Parser;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt;

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    config: Config,
}

/// One instance with a database of its own, which goes with it.
pub struct Site {
    pub state: AppState,
    app: App,
    _folder: TempDir,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub text: String,
    /// Null where the body is no JSON.
    pub json: Value,
    headers: axum::http::HeaderMap,
}

impl Site {
    /// Without rates.
    pub async fn open() -> Self {
        Self::with(&["--rate-limits", "off"]).await
    }

    /// With these settings.
    pub async fn with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap();
        let config = Settings::parse_from(["belfry", "--data", data].iter().chain(settings)).config;
        let backend = open_backend(&config.store, Mode::Serve).await.unwrap();
        let world = World {
            backend,
            bus: LocalBus::new().join(),
            entropy: Arc::new(SystemEntropy),
            clock: Arc::new(DatabaseClock::new()),
            epoch: EpochCell::default(),
            shards: World::shards(),
        };
        let app = App::start(config, world).await.unwrap();
        Self { state: app.state.clone(), app, _folder: folder }
    }

    /// A token of a person.
    pub async fn person(&self, name: &str) -> String {
        self.state.accounts.people(name, None, Duration::from_secs(600)).await.unwrap().remove(0)
    }

    /// A token of a moderator.
    pub async fn moderator(&self, name: &str) -> String {
        self.person(name).await;
        self.state.store.write(SetRole { handle: name.into(), role: Role::Moderator }).await.unwrap();
        self.person(name).await
    }

    /// A back end's key.
    pub async fn api_key(&self, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.state.accounts.make_api_key("test", scopes).await.unwrap()
    }

    /// The epoch answers should carry.
    pub fn epoch(&self) -> String {
        self.state.epoch.get().to_string()
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(token, "GET", path, &[], String::new()).await
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.send(token, "POST", path, &[], body.to_string()).await
    }

    pub async fn post_with_key(&self, token: &str, path: &str, key: &str, body: Value) -> Answer {
        self.send(token, "POST", path, &[("idempotency-key", key)], body.to_string()).await
    }

    pub async fn patch(&self, token: &str, path: &str, body: Value) -> Answer {
        self.send(token, "PATCH", path, &[], body.to_string()).await
    }

    pub async fn delete(&self, token: &str, path: &str) -> Answer {
        self.send(token, "DELETE", path, &[], String::new()).await
    }

    /// A request to the API; no token at all for an empty one.
    pub async fn send(&self, token: &str, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(Body::from(body)).unwrap()).await
    }

    /// A plain GET outside the API.
    pub async fn at(&self, path: &str) -> Answer {
        self.anywhere("GET", path).await
    }

    /// A plain request to any path.
    pub async fn anywhere(&self, method: &str, path: &str) -> Answer {
        self.ask(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.app.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), text, json, headers: parts.headers }
    }
}

impl Answer {
    /// The body of a 200.
    pub fn ok(self) -> Value {
        self.body_of(200)
    }

    /// The body of a 201.
    pub fn created(self) -> Value {
        self.body_of(201)
    }

    /// The body of a 202.
    pub fn accepted(self) -> Value {
        self.body_of(202)
    }

    fn body_of(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json
    }

    /// A header, empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Status and code of a problem, which must be whole; the status alone of anything else.
pub fn code(answer: &Answer) -> String {
    let Some(code) = answer.json["code"].as_str() else { return answer.status.to_string() };
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.json["status"], answer.status);
    assert_eq!(answer.json["request_id"], answer.header("x-request-id"));
    assert!(answer.json["type"].is_string() && answer.json["title"].is_string() && answer.json["detail"].is_string());
    format!("{} {code}", answer.status)
}

/// Status and the one field that was at fault.
pub fn pointer(answer: &Answer) -> String {
    assert!(code(answer).ends_with("unprocessable"), "{}", answer.text);
    let errors = answer.json["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
    format!("{} {}", answer.status, errors[0]["pointer"].as_str().unwrap())
}

/// An instance with a person, and a post of theirs.
pub async fn site_with_post() -> (Site, String, i64) {
    let site = Site::open().await;
    let ada = site.person("ada").await;
    let post = site.post(&ada, "/posts", json!({"title": "First", "body": "Hello *world*"})).await.created();
    let id = post["id"].as_i64().unwrap();
    (site, ada, id)
}

/// The ids of a list, in order.
pub fn ids(list: &Value) -> Vec<i64> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}
