//! As much WebSocket as a load needs: the upgrade, one masked frame out, whole frames in.

use crate::arguments::Failure;
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::str::FromStr;
use std::time::Duration;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Text frames.
    Json,
    /// Binary frames.
    MessagePack,
}

impl FromStr for Codec {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "json" => Ok(Self::Json),
            "msgpack" => Ok(Self::MessagePack),
            _ => Err(()),
        }
    }
}

impl Codec {
    /// Its subprotocol.
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "belfry.v1.json",
            Self::MessagePack => "belfry.v1.msgpack",
        }
    }

    /// A message as a frame from a client. The mask is zero, so that the payload is what was written.
    pub fn frame(self, message: &Value) -> Vec<u8> {
        match self {
            Self::Json => frame(1, message.to_string().as_bytes(), true),
            Self::MessagePack => frame(2, &rmp_serde::to_vec_named(message).expect("a value is encodable"), true),
        }
    }
}

/// A whole frame.
pub fn frame(opcode: u8, payload: &[u8], client: bool) -> Vec<u8> {
    let mask = if client { 0x80 } else { 0 };
    let mut bytes = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..126 => bytes.push(mask | short as u8),
        long => {
            bytes.push(mask | 126);
            bytes.extend(u16::try_from(long).expect("no message here is longer").to_be_bytes());
        }
    }
    if client {
        bytes.extend([0; 4]);
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// The first whole frame of a client or server: opcode, payload, length in all. A client's mask must be zero.
pub fn parse(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let &[first, second, ref rest @ ..] = bytes else { return None };
    let (length, mut header) = match second & 0x7f {
        126 => (u16::from_be_bytes(*rest.first_chunk()?) as usize, 4),
        127 => (u64::from_be_bytes(*rest.first_chunk()?) as usize, 10),
        short => (short as usize, 2),
    };
    header += if second & 0x80 == 0 { 0 } else { 4 };
    Some((first & 0x0f, bytes.get(header..header + length)?, header + length))
}

/// Connects from one of twenty loopback addresses, so that ports suffice however many runs follow each other.
pub fn connect(address: SocketAddr, index: usize) -> Result<TcpStream, Failure> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    let source = Ipv4Addr::new(127, 0, 0, 2 + (index % 20) as u8);
    socket.bind(&SocketAddrV4::new(source, 0).into())?;
    socket.connect(&address.into()).map_err(|error| format!("socket {index} to {address}: {error}"))?;
    socket.set_tcp_nodelay(true)?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// Connects to Belfry's socket and upgrades; no byte behind the answer is read.
pub fn upgrade(address: SocketAddr, index: usize, subprotocol: &str) -> Result<TcpStream, Failure> {
    open(address, index, "/ws", Some(subprotocol))
}

/// Connects and upgrades at a path; no byte behind the answer is read.
pub fn open(address: SocketAddr, index: usize, path: &str, subprotocol: Option<&str>) -> Result<TcpStream, Failure> {
    let mut stream = connect(address, index)?;
    let offer = subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    if !answer.starts_with(b"HTTP/1.1 101") {
        return Err(String::from_utf8_lossy(&answer).into_owned().into());
    }
    Ok(stream)
}

/// Reads frames until a message holds this text; what comes behind it in the same read is returned.
pub fn await_text(stream: &mut TcpStream, text: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        while let Some((opcode, payload, length)) = parse(&bytes) {
            let found = contains(payload, text.as_bytes());
            if opcode == 8 || contains(payload, b"error") {
                return Err(format!("instead of {text}: {}", String::from_utf8_lossy(payload)).into());
            }
            bytes.drain(..length);
            if found {
                return Ok(bytes);
            }
        }
        match stream.read(&mut buffer)? {
            0 => return Err(format!("the end instead of {text}").into()),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Whether the beginning of a payload, where kinds stand, holds a text.
pub fn contains(payload: &[u8], text: &[u8]) -> bool {
    find(&payload[..payload.len().min(200)], text).is_some()
}

/// Where a text stands first.
pub fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_back_whole_or_not_at_all() {
        for size in [0, 1, 125, 126, 200, 65_535] {
            for client in [false, true] {
                let bytes = frame(2, &vec![7; size], client);
                assert_eq!(parse(&bytes), Some((2, &vec![7; size][..], bytes.len())));
                assert!((0..bytes.len()).step_by(1 + size / 50).all(|cut| parse(&bytes[..cut]).is_none()));
            }
        }
    }
}
