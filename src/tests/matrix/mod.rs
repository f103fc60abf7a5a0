//! Who may do what: every operation and every command, as everybody there is.
//!
//! An operation or a command that stands in no table fails the test until it does.

mod commands;
mod operations;

use crate::live::support::{House, Instance, within};
use belfry::model::{CommentId, PostId, Role, UserId};
use belfry::store::write::{Ban, EnsurePeople, SetRole, Whom};
use jsonwebtoken::{EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    /// Somebody else than the author.
    Other,
    /// Who wrote the post and the comment, and whose notification it is.
    Author,
    Moderator,
    /// Somebody whose token was good before.
    Banned,
    /// A back end with a key for this.
    Key(&'static str),
    /// Somebody else, by a token of the host's site.
    Host,
}

/// In the order of the tables' columns.
const EVERYBODY: [Who; 10] = [
    Who::Nobody,
    Who::Other,
    Who::Author,
    Who::Moderator,
    Who::Banned,
    Who::Key("publish"),
    Who::Key("notify"),
    Who::Key("posts"),
    Who::Key("users"),
    Who::Host,
];

/// A server with everybody in it.
struct Stage {
    instance: Instance,
    http: reqwest::Client,
    keys: Vec<(&'static str, String)>,
    next: AtomicU64,
    _house: House,
}

/// What one request is about; nothing of it is shared with another one.
struct Scene {
    /// By the author.
    post: PostId,
    /// A page of the host's site: a post of nobody's. Its key is its number.
    page: Value,
    /// By the author, on it.
    comment: CommentId,
    /// The author's.
    notification: Value,
    /// Whose it all is.
    author: UserId,
    /// Somebody whom nobody has banned.
    bystander: UserId,
    /// The asker's own; the author's where they have none.
    refresh_token: String,
    /// Whose address that is.
    email: &'static str,
    /// The asker's handle, by which they are found again.
    handle: &'static str,
    /// The asker's credential.
    token: Option<String>,
    /// Unlike any other scene's.
    number: u64,
}

/// A request in the making: where, and with what.
type Asked = (String, Option<Value>);

const PASSWORD: &str = "correct horse";

impl Stage {
    async fn open() -> Self {
        let (house, instance) = Instance::with(&["--host-secret", "shared", "--password-threads", "1"]).await;
        let mut keys = Vec::new();
        for scope in ["publish", "notify", "posts", "users"] {
            keys.push((scope, instance.state.accounts.make_api_key(scope, vec![scope.into()]).await.unwrap()));
        }
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let stage = Self { instance, http, keys, next: AtomicU64::new(1), _house: house };
        for name in ["Ada", "Banned"] {
            let email = format!("{}@x.example", name.to_lowercase());
            let account = json!({"name": name, "email": email, "password": PASSWORD, "session": "body"});
            let (status, answer) = stage.send(Method::POST, "/auth/register", Some(account), None).await;
            assert_eq!(status, 201, "{answer}");
        }
        for who in EVERYBODY {
            stage.token(who).await;
        }
        let store = &stage.instance.state.store;
        store.write(SetRole { handle: "mo".into(), role: Role::Moderator }).await.unwrap();
        let whom = Whom::Handle("banned".into());
        store.write(Ban { whom, by: None, until: None, reason: None }).await.unwrap();
        stage
    }

    /// A credential of a session of its own.
    async fn token(&self, who: Who) -> Option<String> {
        match who {
            Who::Nobody => None,
            Who::Other => Some(self.instance.person("Bob").await),
            Who::Author => Some(self.instance.person("Ada").await),
            Who::Moderator => Some(self.instance.person("Mo").await),
            Who::Banned => Some(self.instance.person("Banned").await),
            Who::Key(scope) => self.keys.iter().find(|(name, _)| *name == scope).map(|(_, key)| key.clone()),
            Who::Host => {
                let ends = self.instance.state.clock.now().plus(Duration::from_secs(600)).seconds();
                let claims = json!({"sub": "u-1", "name": "Hal", "exp": ends, "jti": self.number()});
                let key = EncodingKey::from_secret(b"shared");
                Some(jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap())
            }
        }
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// What a request to this operation, or a command, is about.
    async fn scene(&self, who: Who, operation: &str) -> Scene {
        let number = self.number();
        let store = &self.instance.state.store;
        let room = self.instance.room().await;
        let comment = room.comment(store, "hello").await.id;
        let people = vec![(format!("by_{number}"), "Somebody".to_owned())];
        let bystander = store.write(EnsurePeople { people }).await.unwrap()[0].user.id;
        let email = if who == Who::Banned { "banned@x.example" } else { "ada@x.example" };
        // Only where it is asked for: passwords take their time.
        let refresh_token = if operation.ends_with("/auth/refresh") && who != Who::Banned {
            let signed_in = self.instance.state.accounts.login(email, PASSWORD.into(), true).await.unwrap();
            signed_in.refresh_token
        } else {
            self.refresh_token_of_the_banned(operation).await
        };
        let notification = if operation.contains("notifications") { self.notify(room.post).await } else { Value::Null };
        let page = if operation.contains("/posts/") { self.page(number).await } else { Value::Null };
        let token = self.token(who).await;
        let handle = match who {
            Who::Other => "bob",
            Who::Author => "ada",
            Who::Moderator => "mo",
            Who::Host => "hal",
            Who::Nobody | Who::Banned | Who::Key(_) => "nobody",
        };
        let (post, author) = (room.post, room.author);
        Scene { post, page, comment, notification, author, bystander, refresh_token, email, handle, token, number }
    }

    async fn refresh_token_of_the_banned(&self, operation: &str) -> String {
        if !operation.ends_with("/auth/refresh") {
            return String::new();
        }
        // For as long as it takes to sign in.
        let store = &self.instance.state.store;
        let whom = || Whom::Handle("banned".into());
        store.write(belfry::store::write::LiftBan { whom: whom(), by: None }).await.unwrap();
        let signed_in = self.instance.state.accounts.login("banned@x.example", PASSWORD.into(), true).await.unwrap();
        store.write(Ban { whom: whom(), by: None, until: None, reason: None }).await.unwrap();
        signed_in.refresh_token
    }

    /// The id of a post that stands for a page.
    async fn page(&self, number: u64) -> Value {
        let key = self.token(Who::Key("posts")).await;
        let page = json!({"page_key": number.to_string(), "title": "A page"});
        let (status, answer) = self.send(Method::PUT, "/posts/by-key", Some(page), key.as_deref()).await;
        assert_eq!((status, &answer["author"]), (201, &Value::Null), "{answer}");
        answer["id"].clone()
    }

    /// The id of a notification of a post's author.
    async fn notify(&self, post: PostId) -> Value {
        let (bob, ada) = (self.token(Who::Other).await, self.token(Who::Author).await);
        let path = format!("/posts/{post}/comments");
        let (status, answer) = self.send(Method::POST, &path, Some(json!({"body": "hi"})), bob.as_deref()).await;
        assert_eq!(status, 201, "{answer}");
        let (_, list) = self.send(Method::GET, "/notifications?limit=100", None, ada.as_deref()).await;
        let of_post = |item: &&Value| item["post_id"] == json!(post);
        list["items"].as_array().unwrap().iter().find(of_post).unwrap()["id"].clone()
    }

    /// The status and the body of an answer; paths are those below `/api/v1` unless they begin twice.
    async fn send(&self, method: Method, path: &str, body: Option<Value>, token: Option<&str>) -> (u16, Value) {
        let path = path
            .strip_prefix('/')
            .filter(|path| path.starts_with('/'))
            .map_or_else(|| format!("/api/v1{path}"), str::to_owned);
        let mut request = self.http.request(method, format!("http://{}{path}", self.instance.address));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = within("an answer", request.send()).await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }
}

/// The cells of a row.
fn cells(row: &str) -> Vec<&str> {
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells.len(), EVERYBODY.len(), "a row has a cell for everybody: {row}");
    cells
}

/// Whether a path is one of those that a template names.
fn fits(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (named, given): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let same = |(named, given): (&&str, &&str)| named == given || named.starts_with('{');
    named.len() == given.len() && named.iter().zip(&given).all(same)
}
