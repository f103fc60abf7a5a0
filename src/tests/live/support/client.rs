//! A socket as a client sees it, in either codec, over TCP or a pipe.

use super::{Instance, within};
use belfry::protocol::Codec;
use belfry::ws::source::{AnyStream, Source};
use belfry::ws::{Entrance, Visitor, session};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use tokio::io::{BufStream, DuplexStream};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::Role;

/// Both codecs.
pub const CODECS: [Codec; 2] = [Codec::Json, Codec::MsgPack];

/// What came.
#[derive(Debug, PartialEq)]
pub enum Came {
    Message(Value),
    Ping,
    /// The end, by this code; 1006 where it was cut.
    Closed(u16),
}

/// A socket as by the door named, through a pipe that holds this many bytes; the client's end of it.
pub async fn pipe(instance: &Instance, entrance: Entrance, bytes: usize, codec: Codec) -> DuplexStream {
    let (theirs, ours) = tokio::io::duplex(bytes);
    serve(instance, entrance, Box::new(theirs), codec).await;
    ours
}

/// Serves a stream that is not plain TCP.
async fn serve(instance: &Instance, entrance: Entrance, stream: AnyStream, codec: Codec) {
    let sockets = instance.state.sockets.clone();
    let place = sockets.admit(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
    let visitor = Visitor { entrance, codec, identity: None, place };
    let (source, io) = Source::split(stream);
    tokio::spawn(session::begin(sockets, visitor, source, io, Vec::new()).await);
}

/// The status that an upgrade with this token in its header is answered with.
pub async fn upgrade(instance: &Instance, path: &str, token: &str) -> u16 {
    let mut request = format!("ws://{}{path}", instance.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    match within("the upgrade", tokio_tungstenite::connect_async(request)).await {
        Ok((_, response)) => response.status().as_u16(),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

/// A client.
pub struct Client {
    stream: WebSocketStream<AnyStream>,
    codec: Codec,
    /// What came while something else was waited for.
    pub aside: VecDeque<Value>,
    /// Every payload that ever came.
    pub seen: Vec<u8>,
    next_id: u64,
}

impl Client {
    /// Upgrades at a path.
    pub async fn at(instance: &Instance, path: &str, codec: Codec) -> Self {
        let mut request = format!("ws://{}{path}", instance.address).into_client_request().unwrap();
        let protocol = HeaderValue::from_static(codec.subprotocol());
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let stream = TcpStream::connect(instance.address).await.unwrap();
        let stream: AnyStream = Box::new(stream);
        let upgraded = within("the upgrade", tokio_tungstenite::client_async(request, stream)).await;
        Self::new(upgraded.unwrap().0, codec)
    }

    /// Comes in through a [`pipe`].
    pub async fn through_pipe(instance: &Instance, entrance: Entrance, bytes: usize, codec: Codec) -> Self {
        let stream: AnyStream = Box::new(pipe(instance, entrance, bytes, codec).await);
        Self::new(WebSocketStream::from_raw_socket(stream, Role::Client, None).await, codec)
    }

    /// The same, the server's end of the pipe holding back what it takes until it is flushed, as TLS does.
    pub async fn through_buffer(instance: &Instance, entrance: Entrance, bytes: usize, codec: Codec) -> Self {
        let (theirs, ours) = tokio::io::duplex(bytes);
        serve(instance, entrance, Box::new(BufStream::new(theirs)), codec).await;
        let stream: AnyStream = Box::new(ours);
        Self::new(WebSocketStream::from_raw_socket(stream, Role::Client, None).await, codec)
    }

    fn new(stream: WebSocketStream<AnyStream>, codec: Codec) -> Self {
        Self { stream, codec, aside: VecDeque::new(), seen: Vec::new(), next_id: 1_000 }
    }

    /// A socket that has said that it is nobody.
    pub async fn anonymous(instance: &Instance, codec: Codec) -> Self {
        let mut client = Self::at(instance, "/ws", codec).await;
        assert_eq!(client.ask(json!({"type": "connect"})).await["type"], "welcome");
        client
    }

    /// A socket signed in.
    pub async fn signed_in(instance: &Instance, token: &str) -> Self {
        let mut client = Self::at(instance, "/ws", Codec::Json).await;
        assert_eq!(client.ask(json!({"type": "connect", "token": token})).await["type"], "welcome");
        client
    }

    /// An anonymous socket that follows a channel from its head on.
    pub async fn viewer(instance: &Instance, channel: &str) -> Self {
        Self::viewer_in(instance, channel, Codec::Json).await
    }

    pub async fn viewer_in(instance: &Instance, channel: &str, codec: Codec) -> Self {
        let mut client = Self::anonymous(instance, codec).await;
        let subscribed = client.subscribe(channel).await;
        assert_eq!(subscribed["recovered"], false, "{subscribed}");
        client
    }

    pub async fn subscribe(&mut self, channel: &str) -> Value {
        self.ask(json!({"type": "subscribe", "channel": channel})).await
    }

    pub async fn resume(&mut self, channel: &str, epoch: &str, since: i64) -> Value {
        self.ask(json!({"type": "subscribe", "channel": channel, "epoch": epoch, "since": since})).await
    }

    pub async fn send(&mut self, message: Value) {
        let frame = self.frame(&message);
        self.stream.send(frame).await.unwrap();
    }

    /// Sends many in as few writes as it takes.
    pub async fn send_all(&mut self, messages: impl IntoIterator<Item = Value>) {
        for message in messages {
            let frame = self.frame(&message);
            self.stream.feed(frame).await.unwrap();
        }
        self.stream.flush().await.unwrap();
    }

    fn frame(&self, message: &Value) -> Message {
        let payload = self.codec.encode(message);
        match self.codec {
            Codec::Json => Message::text(String::from_utf8(payload).unwrap()),
            Codec::MsgPack => Message::binary(payload),
        }
    }

    /// Sends a command and waits for what bears its id; the rest is kept aside.
    pub async fn ask(&mut self, mut command: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        command["id"] = json!(id);
        self.send(command).await;
        self.until(&format!("the answer to {id}"), |message| message["id"] == id).await
    }

    /// Whatever comes next, heartbeats and pings included.
    pub async fn came(&mut self) -> Came {
        within("anything to come", async {
            loop {
                let payload = match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                    Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                    Some(Ok(Message::Ping(_))) => return Came::Ping,
                    Some(Ok(Message::Close(frame))) => return Came::Closed(frame.map_or(1005, |f| f.code.into())),
                    Some(Ok(_)) => continue,
                    Some(Err(_)) | None => return Came::Closed(1006),
                };
                self.seen.extend_from_slice(&payload);
                return Came::Message(Value::Object(self.codec.decode(&payload).unwrap()));
            }
        })
        .await
    }

    /// The next message that is no heartbeat.
    pub async fn next(&mut self) -> Value {
        if let Some(message) = self.aside.pop_front() {
            return message;
        }
        self.fresh().await
    }

    async fn fresh(&mut self) -> Value {
        loop {
            match self.came().await {
                Came::Message(message) if message["type"] == "heartbeat" => {}
                Came::Message(message) => return message,
                Came::Ping => {}
                Came::Closed(code) => panic!("closed with {code}"),
            }
        }
    }

    /// The next message that this wants; others are kept aside.
    pub async fn until(&mut self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        if let Some(at) = self.aside.iter().position(&mut wanted) {
            return self.aside.remove(at).unwrap();
        }
        within(what, async {
            loop {
                let message = self.fresh().await;
                if wanted(&message) {
                    return message;
                }
                self.aside.push_back(message);
            }
        })
        .await
    }

    /// The next message, which must be an event of this kind with this seq.
    pub async fn event(&mut self, kind: &str, seq: i64) -> Value {
        let message = self.next().await;
        assert_eq!((&message["type"], &message["kind"], &message["seq"]), (&json!("event"), &json!(kind), &json!(seq)));
        message
    }

    /// The next messages, which must be events with these seqs.
    pub async fn events(&mut self, seqs: std::ops::RangeInclusive<i64>) -> Vec<Value> {
        let mut events = Vec::new();
        for seq in seqs {
            let message = self.next().await;
            assert_eq!((&message["type"], &message["seq"]), (&json!("event"), &json!(seq)), "{message}");
            events.push(message);
        }
        events
    }

    /// Closes it as a client should, and waits for the end.
    pub async fn close(&mut self) {
        self.stream.close(None).await.unwrap();
        self.closed().await;
    }

    /// The code that the socket ends with; what comes before is kept aside.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match self.came().await {
                Came::Closed(code) => return code,
                Came::Message(message) => self.aside.push_back(message),
                Came::Ping => {}
            }
        }
    }

    /// Whether this text ever came.
    pub fn has_seen(&self, text: &str) -> bool {
        self.seen.windows(text.len()).any(|bytes| bytes == text.as_bytes())
    }
}
