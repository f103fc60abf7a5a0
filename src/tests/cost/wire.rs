//! Clients that allocate nothing: what they say is prepared, what comes is counted in memory that they share.

use belfry::protocol::Codec;
use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Most bytes read at once.
const CHUNK: usize = 256 * 1024;

/// Memory that clients read into.
pub fn scratch() -> Vec<u8> {
    vec![0; CHUNK]
}

fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream
}

/// What is there now; none where nothing is.
fn read_now<'a>(stream: &mut TcpStream, scratch: &'a mut [u8]) -> Option<&'a [u8]> {
    match stream.read(scratch) {
        Ok(0) => panic!("the server has closed"),
        Ok(count) => Some(&scratch[..count]),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) => panic!("{error}"),
    }
}

/// A command as it is sent: the mask is nothing, which a server cannot tell.
pub fn command(codec: Codec, message: &Value) -> Vec<u8> {
    let payload = codec.encode(message);
    let opcode = if codec == Codec::Json { 0x81 } else { 0x82 };
    let mut frame = vec![opcode, 0x80 | 126];
    frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&payload);
    frame
}

/// The request that a socket begins with.
pub fn upgrade(address: SocketAddr, codec: Codec) -> Vec<u8> {
    let protocol = codec.subprotocol();
    format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         Sec-WebSocket-Protocol: {protocol}\r\n\r\n"
    )
    .into_bytes()
}

/// A socket.
pub struct Socket {
    stream: TcpStream,
    /// A frame's begin, of which more is to come.
    head: [u8; 10],
    held: usize,
    /// Bytes of the payload that are still to come.
    left: usize,
    /// Messages whose begin has come.
    pub messages: usize,
    /// Pings that have come.
    pub pings: usize,
}

impl Socket {
    pub fn dial(address: SocketAddr) -> Self {
        Self { stream: dial(address), head: [0; 10], held: 0, left: 0, messages: 0, pings: 0 }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Whether it was let in; nothing but the head of the answer comes before it has spoken.
    pub fn upgraded(&mut self, scratch: &mut [u8]) -> bool {
        let Some(came) = read_now(&mut self.stream, scratch) else { return false };
        assert!(came.starts_with(b"HTTP/1.1 101") && came.ends_with(b"\r\n\r\n"), "it is let in, by one packet");
        true
    }

    /// Reads what is there.
    pub fn read(&mut self, scratch: &mut [u8]) {
        while let Some(came) = read_now(&mut self.stream, scratch) {
            self.take(came);
        }
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let some = self.left.min(bytes.len());
                self.left -= some;
                bytes = &bytes[some..];
                continue;
            }
            self.head[self.held] = bytes[0];
            self.held += 1;
            bytes = &bytes[1..];
            let Some(length) = length(&self.head[..self.held]) else { continue };
            match self.head[0] & 0x0f {
                1 | 2 => self.messages += 1,
                9 => self.pings += 1,
                opcode => panic!("a frame of opcode {opcode}"),
            }
            (self.held, self.left) = (0, length);
        }
    }
}

/// The length of the payload, once the head is whole.
fn length(head: &[u8]) -> Option<usize> {
    match *head {
        [_, 127, ref long @ ..] => Some(u64::from_be_bytes(long.try_into().ok()?) as usize),
        [_, 126, high, low] => Some(usize::from(u16::from_be_bytes([high, low]))),
        [_, length] if length < 126 => Some(usize::from(length)),
        _ => None,
    }
}

/// A connection for requests.
pub struct Caller {
    stream: TcpStream,
    held: usize,
}

impl Caller {
    pub fn dial(address: SocketAddr) -> Self {
        Self { stream: dial(address), held: 0 }
    }

    pub fn send(&mut self, request: &[u8]) {
        self.held = 0;
        self.stream.write_all(request).unwrap();
    }

    /// Whether the answer has come whole, which must be a success.
    pub fn answered(&mut self, scratch: &mut [u8]) -> bool {
        while let Some(came) = read_now(&mut self.stream, &mut scratch[self.held..]) {
            self.held += came.len();
        }
        let answer = &scratch[..self.held];
        let Some(head) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
        assert!(answer.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(answer));
        let name = b"content-length: ";
        let at = answer.windows(name.len()).position(|field| field == name).unwrap() + name.len();
        let digits = answer[at..].iter().take_while(|byte| byte.is_ascii_digit());
        let length = digits.fold(0, |length, digit| 10 * length + usize::from(digit - b'0'));
        self.held >= head + 4 + length
    }
}

/// A request with this key or token.
pub fn request(method: &str, path: &str, bearer: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let bearer = if bearer.is_empty() { String::new() } else { format!("Authorization: Bearer {bearer}\r\n") };
    format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: belfry.test\r\n{bearer}Content-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
