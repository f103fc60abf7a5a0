//! How servers are spoken to: an adapter is how a subscriber says hello, how a message is published, and what a
//! delivered one looks like on the wire. How a server is started stands in `peers`.

mod belfry;
mod centrifugo;
mod engine;
mod nats;
mod plain;

use crate::arguments::{Arguments, Failure};
use crate::tally::Tally;
use std::net::{SocketAddr, TcpStream};

/// Connections that publish over HTTP, where a request waits for its answer.
pub const CALLERS: usize = 64;

/// A connection that is ready, with what was read from it beyond its welcome.
pub struct Joined {
    /// The connection.
    pub stream: TcpStream,
    /// Bytes behind the last whole frame.
    pub rest: Vec<u8>,
}

/// An adapter. All of it is WebSocket on the subscriber's side.
pub trait Dialect {
    /// Opens the socket of a subscriber, who is somebody of their own where there are such, in a room.
    fn join(&self, index: usize, room: usize) -> Result<Joined, Failure>;

    /// Whether publications are HTTP requests, each of which has an answer.
    fn over_http(&self) -> bool;

    /// Opens a connection that publishes into all rooms.
    fn publisher(&self) -> Result<Joined, Failure>;

    /// A message as it leaves on a connection that publishes.
    fn publication(&self, room: usize, text: &str) -> Vec<u8>;

    /// Shows the messages of a payload to the tally. What the server wants answered is returned as a frame; `rest` keeps
    /// what is not yet whole.
    fn receive(&self, payload: &[u8], rest: &mut Vec<u8>, tally: &mut Tally) -> Option<Vec<u8>>;
}

/// The adapter that `--dialect` names, at `--address`, publishing by `--publish`.
pub fn take(arguments: &mut Arguments, address: SocketAddr, rooms: usize) -> Result<Box<dyn Dialect>, Failure> {
    let name: String = arguments.need("dialect")?;
    let publish: String = arguments.or("publish", "socket".into())?;
    Ok(match (name.as_str(), publish.as_str()) {
        ("belfry", _) => Box::new(belfry::Belfry::take(arguments, address, rooms, &publish)?),
        ("plain", "socket") => Box::new(plain::Plain::new(address)),
        ("nchan", "http") => Box::new(plain::Plain::nchan(address)),
        ("socket.io", "socket") => Box::new(engine::Engine::new(address)),
        ("nats", "socket") => Box::new(nats::Nats::new(address)),
        ("centrifugo", "socket") => Box::new(centrifugo::Centrifugo::new(address, false)),
        ("centrifugo", "http") => Box::new(centrifugo::Centrifugo::new(address, true)),
        _ => return Err(format!("--dialect {name} --publish {publish}: there is no such adapter").into()),
    })
}

/// A request that publishes, on a connection that is kept.
pub fn request(address: SocketAddr, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\n\r\n");
    (head + body).into_bytes()
}
