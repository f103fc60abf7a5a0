//! A WebSocket of bytes, for what a decent client never does: stop in the middle of a frame, or read nothing at all.

use super::{PATIENCE, within};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// A JSON socket that reads only when and as much as it is told to, with as small a receive buffer as the system gives.
pub struct Raw {
    stream: TcpStream,
    /// The server's address and the own one, which a connection that was cut cannot tell any more.
    ends: [SocketAddr; 2],
    bytes: Vec<u8>,
    /// How much of the bytes is parsed.
    parsed: usize,
}

/// A whole frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub opcode: u8,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Raw {
    /// Upgrades `/ws` by hand.
    pub async fn open(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(2_048).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Byte by byte, so that not one of the frames behind it is taken along.
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(within(PATIENCE, "the upgrade", stream.read_u8()).await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
        let ends = [address, stream.local_addr().unwrap()];
        Self { stream, ends, bytes: Vec::new(), parsed: 0 }
    }

    /// Sends a message in one masked frame.
    pub async fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(short) if short < 126 => frame.push(0x80 | short),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend_from_slice(text.as_bytes());
        self.send_bytes(&frame).await;
    }

    /// Sends any bytes.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Reads no more than so many bytes; false at the end of the stream, however it came.
    pub async fn read(&mut self, most: usize) -> bool {
        let mut buffer = vec![0; most];
        let read = within(PATIENCE, "bytes", self.stream.read(&mut buffer)).await.unwrap_or(0);
        self.bytes.extend_from_slice(&buffer[..read]);
        read > 0
    }

    /// The next whole frame of what was read. Anything that a server must not send fails the test.
    pub fn frame(&mut self) -> Option<Frame> {
        let bytes = &self.bytes[self.parsed..];
        let &[first, second, ref rest @ ..] = bytes else { return None };
        assert_eq!(first & 0xf0, 0x80, "whole messages without reserved bits, at byte {}", self.parsed);
        assert!(matches!(first & 0x0f, 1 | 2 | 8 | 9 | 10), "opcode {} at byte {}", first & 0x0f, self.parsed);
        assert!(second < 0x80, "a server masks nothing, at byte {}", self.parsed);
        let (length, header) = match second {
            126 => (u16::from_be_bytes(rest.first_chunk().copied()?).into(), 4),
            127 => (u64::from_be_bytes(rest.first_chunk().copied()?), 10),
            short => (short.into(), 2),
        };
        let end = header + usize::try_from(length).unwrap();
        let payload = bytes.get(header..end)?.to_vec();
        self.parsed += end;
        Some(Frame { opcode: first & 0x0f, payload })
    }

    /// Whether the bytes read so far end within a frame.
    pub fn is_within_a_frame(&self) -> bool {
        self.parsed < self.bytes.len()
    }

    /// The next message, reading as far as needed; none at the end of the stream or at a close frame.
    pub async fn message(&mut self) -> Option<Value> {
        loop {
            while let Some(frame) = self.frame() {
                match frame.opcode {
                    1 => return Some(serde_json::from_slice(&frame.payload).unwrap()),
                    8 => return None,
                    9 => self.stream.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.unwrap(),
                    _ => {}
                }
            }
            if !self.read(16_384).await {
                return None;
            }
        }
    }

    /// The next message of a type.
    pub async fn message_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.message().await.unwrap_or_else(|| panic!("no {kind} came"));
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// What the server still has to write to this socket, by the kernel's word; none when the server has let go of it.
    pub fn unsent(&self) -> Option<u64> {
        let hex = |address: SocketAddr| match address {
            SocketAddr::V4(v4) => format!("{:08X}:{:04X}", u32::from_ne_bytes(v4.ip().octets()), v4.port()),
            SocketAddr::V6(_) => unreachable!("these are made for IPv4"),
        };
        let [server, own] = self.ends.map(hex);
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let line = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let line = line.into_iter().find(|fields| fields[1] == server && fields[2] == own)?;
        // A socket that no process holds any more has no inode.
        (line[9] != "0").then(|| u64::from_str_radix(line[4].split_once(':').unwrap().0, 16).unwrap())
    }

    /// Waits for the server to let go of the socket, without reading a byte from it.
    pub async fn abandoned(&self, patience: Duration) {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        within(patience, "the server to let go of a socket that does not read", async {
            while self.unsent().is_some() {
                look.tick().await;
            }
        })
        .await;
    }
}
