//! REST as a test needs it.

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// A caller: an address, and perhaps a token.
#[derive(Clone)]
pub struct Rest {
    http: Client,
    base: String,
    token: Option<String>,
}

impl Rest {
    /// A caller without a token.
    pub fn new(address: SocketAddr) -> Self {
        let http = Client::builder().no_proxy().timeout(super::PATIENCE).build().unwrap();
        Self { http, base: format!("http://{address}/api/v1"), token: None }
    }

    /// A caller of what stands outside of the API.
    pub fn outside(address: SocketAddr) -> Self {
        Self { base: format!("http://{address}"), ..Self::new(address) }
    }

    /// The same caller with a token.
    pub fn with(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Any request: the status and the JSON body (null where there is none).
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let status = answer.status();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
    }

    /// A request that must succeed.
    pub async fn good(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.call(method.clone(), path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    /// `GET`, which must succeed.
    pub async fn get(&self, path: &str) -> Value {
        self.good(Method::GET, path, None).await
    }

    /// A new post; its id.
    pub async fn post(&self, title: &str) -> u64 {
        let body = json!({"title": title, "body": "for a test"});
        self.good(Method::POST, "/posts", Some(body)).await["id"].as_u64().unwrap()
    }

    /// A new comment; its id.
    pub async fn comment(&self, post: u64, body: &str) -> u64 {
        let body = json!({"body": body});
        self.good(Method::POST, &format!("/posts/{post}/comments"), Some(body)).await["id"].as_u64().unwrap()
    }

    /// The emoji that the caller has on a comment.
    pub async fn own_reactions(&self, comment: u64) -> BTreeSet<String> {
        let comment = self.get(&format!("/comments/{comment}")).await;
        let mine = comment["my_reactions"].as_array().expect("who is signed in is told their own").iter();
        mine.map(|emoji| emoji.as_str().unwrap().to_owned()).collect()
    }

    /// The caller's inbox: the number unread, and every notification.
    pub async fn inbox(&self) -> (i64, Vec<Value>) {
        let mut page = self.get("/notifications?limit=100").await;
        let unread = page["unread"].as_i64().unwrap();
        let mut items = Vec::new();
        loop {
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => page = self.get(&format!("/notifications?limit=100&cursor={cursor}")).await,
                None => return (unread, items),
            }
        }
    }

    /// The caller's own id.
    pub async fn own_id(&self) -> u64 {
        self.get("/users/me").await["id"].as_u64().unwrap()
    }

    /// Every comment of a post, and the epoch and the head read with or before the first page.
    pub async fn comments(&self, post: u64) -> (String, u64, Vec<Value>) {
        let first = self.get(&format!("/posts/{post}/comments?limit=100")).await;
        let (epoch, head) = (first["epoch"].as_str().unwrap().to_owned(), first["seq"].as_u64().unwrap());
        let mut items = Vec::new();
        let mut page = first;
        loop {
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => page = self.get(&format!("/posts/{post}/comments?limit=100&cursor={cursor}")).await,
                None => return (epoch, head, items),
            }
        }
    }

    /// A channel's whole log: epoch, head, events.
    pub async fn log(&self, channel: &str) -> (String, u64, Vec<Value>) {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let since = events.last().map_or(0, |event| event["seq"].as_u64().unwrap());
            let page = self.get(&format!("/channels/{channel}/events?since={since}&limit=100")).await;
            let items = page["items"].as_array().unwrap();
            if items.is_empty() {
                return (page["epoch"].as_str().unwrap().to_owned(), page["seq"].as_u64().unwrap(), events);
            }
            events.extend(items.iter().cloned());
        }
    }
}
