//! The doors of the socket: `/ws` and its two shortcuts. What may be refused is refused before the upgrade; what a browser
//! must be able to read is said on the socket.

use super::{AppState, Caller, ClientAddress, FromOrigin, PathId};
use crate::domain::{DomainError, Identity};
use crate::hub::io::Io;
use crate::model::PostId;
use crate::protocol::Codec;
use crate::ws::source::Source;
use crate::ws::{self, Entrance, Visitor};
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Where sockets are opened.
pub const DOORS: [&str; 3] = ["/ws", "/ws/posts/{id}/live", "/ws/notifications"];

/// The routes.
pub fn routes() -> Router<AppState> {
    let [many, one_post, own] = DOORS;
    Router::new().route(many, get(multiplexed)).route(one_post, get(live)).route(own, get(notifications))
}

async fn multiplexed(State(state): State<AppState>, door: Door) -> Result<Response, DomainError> {
    door.open(state, Entrance::Multiplexed)
}

async fn live(
    State(state): State<AppState>,
    PathId(post): PathId<PostId>,
    door: Door,
) -> Result<Response, DomainError> {
    door.open(state, Entrance::Live(post))
}

async fn notifications(State(state): State<AppState>, door: Door) -> Result<Response, DomainError> {
    door.open(state, Entrance::Notifications)
}

/// A request that may become a socket.
struct Door {
    upgrade: OnUpgrade,
    accept: String,
    codec: Option<Codec>,
    identity: Option<Identity>,
    address: ClientAddress,
}

impl FromRequestParts<AppState> for Door {
    type Rejection = DomainError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, DomainError> {
        let key = handshake_key(&parts.headers)?;
        let accept = derive_accept_key(key.as_bytes());
        let Ok(FromOrigin(verdict)) = FromOrigin::from_request_parts(parts, state).await;
        if !verdict.is_allowed() {
            return Err(DomainError::forbidden("this origin may not open sockets"));
        }
        let codec = chosen_codec(&parts.headers)?;
        let identity = match Caller::from_request_parts(parts, state).await? {
            Caller::Person(identity) => Some(identity),
            Caller::Anonymous => None,
            Caller::Key(_) => return Err(DomainError::forbidden("sockets are for people, not for API keys")),
        };
        let Ok(address) = ClientAddress::from_request_parts(parts, state).await;
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let upgrade = upgrade.ok_or_else(|| DomainError::bad_request("this connection cannot be upgraded"))?;
        Ok(Self { upgrade, accept, codec, identity, address })
    }
}

impl Door {
    fn open(self, state: AppState, entrance: Entrance) -> Result<Response, DomainError> {
        let sockets = state.sockets.clone();
        let place = sockets.admit(self.address.0);
        let place = place.ok_or_else(|| DomainError::rate_limited(Duration::from_secs(10)))?;
        let visitor = Visitor { entrance, codec: self.codec.unwrap_or(Codec::Json), identity: self.identity, place };
        let upgrade = self.upgrade;
        tokio::spawn(async move {
            let Ok(upgraded) = upgrade.await else { return };
            let (source, io, early) = take_over(upgraded);
            // A task of its own: this one is as large as the whole handshake.
            tokio::spawn(ws::session::begin(sockets, visitor, source, io, early).await);
        });
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(codec) = self.codec {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(codec.subprotocol()));
        }
        *response.body_mut() = Body::empty();
        Ok(response)
    }
}

/// Takes the stream out of the HTTP server's hands: the bare TCP stream where it is one.
fn take_over(upgraded: Upgraded) -> (Source, Io, Vec<u8>) {
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        // What was read with the request is copied: the server's buffer would stay in memory as long as the socket.
        Ok(parts) => (Source::Tcp, Io::Tcp(parts.io.into_inner()), parts.read_buf.to_vec()),
        Err(upgraded) => {
            let (source, io) = Source::split(Box::new(TokioIo::new(upgraded)));
            (source, io, Vec::new())
        }
    }
}

/// Checks the headers of RFC 6455 §4.2.1; the client's key.
fn handshake_key(headers: &HeaderMap) -> Result<HeaderValue, DomainError> {
    let has = |name: HeaderName, token: &str| {
        let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
    };
    if !has(CONNECTION, "upgrade") || !has(UPGRADE, "websocket") {
        return Err(DomainError::bad_request("this is a WebSocket endpoint"));
    }
    if !has(SEC_WEBSOCKET_VERSION, "13") {
        return Err(DomainError::bad_request("the WebSocket version is 13"));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    key.cloned().ok_or_else(|| DomainError::bad_request("Sec-WebSocket-Key is missing or malformed"))
}

/// The first codec offered that is known; none where none was offered.
fn chosen_codec(headers: &HeaderMap) -> Result<Option<Codec>, DomainError> {
    let offered: Vec<&str> = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        .filter(|name| !name.is_empty())
        .collect();
    let known = offered.iter().find_map(|name| Codec::from_subprotocol(name));
    if known.is_none() && !offered.is_empty() {
        return Err(DomainError::bad_request("offer belfry.v1.json or belfry.v1.msgpack"));
    }
    Ok(known)
}
