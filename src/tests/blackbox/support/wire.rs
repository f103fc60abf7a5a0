//! A socket in either codec, with nothing between the test and the wire.

use super::{PATIENCE, within};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Text frames.
    Json,
    /// Binary frames.
    MessagePack,
}

impl Codec {
    /// Both.
    pub const ALL: [Codec; 2] = [Codec::Json, Codec::MessagePack];

    /// Its subprotocol.
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "belfry.v1.json",
            Self::MessagePack => "belfry.v1.msgpack",
        }
    }

    /// A message as a frame.
    pub fn encode(self, message: &Value) -> Message {
        match self {
            Self::Json => Message::text(message.to_string()),
            Self::MessagePack => Message::binary(rmp_serde::to_vec_named(message).unwrap()),
        }
    }

    /// A data frame as a message; a frame of the wrong type is the server's fault.
    pub fn decode(self, frame: &Message) -> Value {
        match (self, frame) {
            (Self::Json, Message::Text(text)) => serde_json::from_str(text).unwrap(),
            (Self::MessagePack, Message::Binary(bytes)) => rmp_serde::from_slice(bytes).unwrap(),
            _ => panic!("{self:?} got {frame:?}"),
        }
    }
}

/// What came from the server.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Message(Value),
    /// The end: its close code, or none where the connection was cut.
    Closed(Option<u16>),
}

/// An open socket. Pings are answered as long as it is read.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    codec: Codec,
    /// What came while an answer was awaited, oldest first.
    pub aside: VecDeque<Value>,
    next_id: u64,
}

/// Upgrades with these headers; an HTTP answer that is no upgrade comes as its status.
pub async fn upgrade(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<(WebSocketStream<TcpStream>, Response), u16> {
    upgrade_over(TcpSocket::new_v4().unwrap(), address, path, headers).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The same over a socket of the caller's making; the outer error is one of the transport.
pub async fn upgrade_over(
    socket: TcpSocket,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Result<(WebSocketStream<TcpStream>, Response), u16>, Error> {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().max_message_size(Some(64 << 20)).max_frame_size(Some(64 << 20));
    match tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await {
        Ok(upgraded) => Ok(Ok(upgraded)),
        Err(Error::Http(answer)) => Ok(Err(answer.status().as_u16())),
        Err(error) => Err(error),
    }
}

impl Socket {
    /// An open socket that has said nothing yet.
    pub async fn open(address: SocketAddr, codec: Codec) -> Self {
        Self::at(address, "/ws", codec).await
    }

    /// The same at another path.
    pub async fn at(address: SocketAddr, path: &str, codec: Codec) -> Self {
        let headers = [("sec-websocket-protocol", codec.subprotocol())];
        let upgraded = within(PATIENCE, "the upgrade", upgrade(address, path, &headers)).await;
        Self::over(upgraded.unwrap_or_else(|status| panic!("{path} was refused with {status}")).0, codec)
    }

    /// A socket signed in with this token.
    pub async fn signed_in(address: SocketAddr, codec: Codec, token: &str) -> Self {
        let mut socket = Self::open(address, codec).await;
        let welcome = socket.ask(json!({"type": "connect", "token": token})).await;
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        socket
    }

    /// A socket over an upgraded stream.
    pub fn over(stream: WebSocketStream<TcpStream>, codec: Codec) -> Self {
        Self { stream, codec, aside: VecDeque::new(), next_id: 1_000 }
    }

    /// The stream beneath, for what goes below frames.
    pub fn transport(&mut self) -> &mut TcpStream {
        self.stream.get_mut()
    }

    /// Sends a message; a socket that is already closed takes none.
    pub async fn send(&mut self, message: &Value) -> Result<(), Error> {
        self.stream.send(self.codec.encode(message)).await
    }

    /// Sends any frame.
    pub async fn send_frame(&mut self, frame: Message) {
        self.stream.send(frame).await.unwrap();
    }

    /// Sends many messages in as few writes as the transport takes.
    pub async fn send_all(&mut self, messages: impl IntoIterator<Item = Value>) -> Result<(), Error> {
        for message in messages {
            self.stream.feed(self.codec.encode(&message)).await?;
        }
        self.stream.flush().await
    }

    /// What comes next, heartbeats and other frames included, without patience. Safe to drop half-way.
    pub async fn receive(&mut self) -> Incoming {
        loop {
            match self.stream.next().await {
                Some(Ok(frame @ (Message::Text(_) | Message::Binary(_)))) => {
                    return Incoming::Message(self.codec.decode(&frame));
                }
                Some(Ok(Message::Close(frame))) => return Incoming::Closed(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Incoming::Closed(None),
            }
        }
    }

    /// The next message that is no heartbeat.
    pub async fn next(&mut self) -> Value {
        if let Some(message) = self.aside.pop_front() {
            return message;
        }
        within(PATIENCE, "a message", self.next_fresh()).await
    }

    /// The next one that this wants; the others are kept aside.
    pub async fn until(&mut self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        if let Some(index) = self.aside.iter().position(&mut wanted) {
            return self.aside.remove(index).unwrap();
        }
        within(PATIENCE, what, async {
            loop {
                let message = self.next_fresh().await;
                if wanted(&message) {
                    return message;
                }
                self.aside.push_back(message);
            }
        })
        .await
    }

    /// The next event of a channel.
    pub async fn event(&mut self, channel: &str) -> Value {
        self.until("an event", |message| message["type"] == "event" && message["channel"] == channel).await
    }

    /// Sends a command with a fresh id and waits for what bears it.
    pub async fn ask(&mut self, mut command: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        command["id"] = id.into();
        self.send(&command).await.unwrap_or_else(|error| panic!("{command}: {error}"));
        self.until(&format!("an answer to {command}"), |message| message["id"] == id).await
    }

    /// A command that must be answered by `reply`; its data.
    pub async fn reply(&mut self, command: Value) -> Value {
        let mut answer = self.ask(command).await;
        assert_eq!(answer["type"], "reply", "{answer}");
        answer["data"].take()
    }

    /// Subscribes and returns the answer, which must be `subscribed`.
    pub async fn subscribe(&mut self, channel: &str) -> Value {
        let answer = self.ask(json!({"type": "subscribe", "channel": channel})).await;
        assert_eq!(answer["type"], "subscribed", "{answer}");
        answer
    }

    /// Asserts that the socket still answers.
    pub async fn assert_alive(&mut self, after: &str) {
        let answer = self.ask(json!({"type": "ping"})).await;
        assert_eq!(answer["type"], "pong", "after {after}: {answer}");
    }

    /// Reads until the end and returns its code; what came before is kept aside.
    pub async fn closed(&mut self) -> Option<u16> {
        self.closed_within(PATIENCE).await
    }

    /// The same with another patience.
    pub async fn closed_within(&mut self, patience: Duration) -> Option<u16> {
        within(patience, "the close", async {
            loop {
                match self.receive().await {
                    Incoming::Message(message) => self.aside.push_back(message),
                    Incoming::Closed(code) => return code,
                }
            }
        })
        .await
    }

    /// Closes with 1000 and waits for the end.
    pub async fn close(&mut self) {
        let _ = self.stream.close(None).await;
        self.closed().await;
    }

    async fn next_fresh(&mut self) -> Value {
        loop {
            match self.receive().await {
                Incoming::Message(message) if message["type"] == "heartbeat" => {}
                Incoming::Message(message) => return message,
                Incoming::Closed(code) => panic!("closed with {code:?} after {:?}", self.aside),
            }
        }
    }
}
