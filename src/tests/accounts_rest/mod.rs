//! The HTTP edge and accounts, from request to rows: the real router over a real store, the clock turned by hand.

mod bans;
mod host_keys;
mod host_people;
mod host_tokens;
mod keys;
mod plumbing;
mod sessions;
mod sign_in;
mod sign_up;
mod signers;
mod web;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use belfry::app::{self, App, Mode, World};
use belfry::bus::LocalBus;
use belfry::config::Config;
use belfry::http::{self, AppState};
use belfry::model::clock::SetClock;
use belfry::model::random::SystemEntropy;
use belfry::model::{Account, Clock, EpochCell, Timestamp};
use clap::{Args, FromArgMatches};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::ServiceExt;

/// The origin that `Host` below makes the own one.
const OWN: &str = "http://talk.example";

struct ByHand(Mutex<(Timestamp, Instant)>);

impl Clock for ByHand {
    fn now(&self) -> Timestamp {
        self.0.lock().0
    }
    fn instant(&self) -> Instant {
        self.0.lock().1
    }
}

impl SetClock for ByHand {
    fn set(&self, _: Timestamp) {}
}

struct House {
    state: AppState,
    router: Router,
    clock: Arc<ByHand>,
    folder: tempfile::TempDir,
    _app: App,
}

/// A server with these settings.
#[expect(clippy::disallowed_methods, reason = "somewhere a clock must begin")]
async fn house(settings: &[&str]) -> House {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let own = ["belfry", "--data", data];
    let arguments = own.iter().chain(settings);
    let matches = Config::augment_args(clap::Command::new("belfry")).get_matches_from(arguments);
    let config = Config::from_arg_matches(&matches).unwrap();
    let backend = app::open_backend(&config.store, Mode::Serve).await.unwrap();
    let clock = Arc::new(ByHand(Mutex::new((Timestamp(1_700_000_000_000), Instant::now()))));
    let world = World {
        backend,
        bus: LocalBus::new().join(),
        entropy: Arc::new(SystemEntropy),
        clock: clock.clone(),
        epoch: EpochCell::default(),
        shards: World::shards(),
    };
    let app = App::start(config, world).await.unwrap();
    House { router: app.router(), state: app.state.clone(), clock, folder, _app: app }
}

impl House {
    fn pass(&self, time: Duration) {
        let mut clock = self.clock.0.lock();
        *clock = (clock.0.plus(time), clock.1 + time);
    }

    async fn call(&self, call: Call) -> Reply {
        Reply::read(self.router.clone().oneshot(call.request()).await.unwrap()).await
    }

    /// Somebody new, signed in by bodies.
    async fn person(&self, name: &str) -> Value {
        let body = json!({
            "name": name, "email": format!("{name}@x.example"), "password": "correct horse", "session": "body",
        });
        self.call(post("/auth/register", body)).await.expect(StatusCode::CREATED)
    }

    /// Somebody of the host's site, as they are kept.
    async fn host_person(&self, external_id: &str) -> Option<Account> {
        self.state.store.read().host_people(&[external_id.to_owned()]).await.unwrap().pop()
    }
}

/// A request in the making.
struct Call {
    builder: axum::http::request::Builder,
    body: Vec<u8>,
}

fn call(method: Method, path: &str) -> Call {
    let path = if path.starts_with("//") { path[1..].to_owned() } else { format!("/api/v1{path}") };
    Call { builder: Request::builder().method(method).uri(path).header("host", "talk.example"), body: Vec::new() }
}

fn get(path: &str) -> Call {
    call(Method::GET, path)
}

fn post(path: &str, body: Value) -> Call {
    call(Method::POST, path).json(body)
}

impl Call {
    fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    fn bearer(self, token: &Value) -> Self {
        self.header("authorization", &format!("Bearer {}", token.as_str().unwrap()))
    }

    fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", kind)
    }

    fn request(self) -> Request<Body> {
        self.builder.body(Body::from(self.body)).unwrap()
    }
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    async fn read(response: axum::response::Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Self { status: parts.status, headers: parts.headers, body }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The refresh cookie that is set, as a request would bring it.
    fn cookie(&self) -> Option<String> {
        let set = self.header("set-cookie");
        set.split(';').next().filter(|pair| pair.starts_with("belfry_refresh=")).map(str::to_owned)
    }

    #[track_caller]
    fn expect(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// A whole problem of this status and code; answers the pointers of its fields.
    #[track_caller]
    fn problem(&self, status: u16, code: &str) -> Vec<String> {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!((self.body["status"].as_u64(), self.body["code"].as_str()), (Some(u64::from(status)), Some(code)));
        for field in ["type", "title", "detail", "request_id"] {
            assert!(self.body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {}", self.body);
        }
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("www-authenticate"), if status == 401 { "Bearer" } else { "" });
        assert_eq!(self.headers.contains_key("retry-after"), matches!(status, 429 | 503));
        let fields = self.body["errors"].as_array().into_iter().flatten();
        fields.map(|field| field["pointer"].as_str().unwrap().to_owned()).collect()
    }
}
