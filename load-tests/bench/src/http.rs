//! A keep-alive HTTP/1.1 connection that speaks JSON.

use crate::arguments::Failure;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// The connection.
pub struct Http {
    stream: TcpStream,
    head: String,
}

impl Http {
    /// Connects; every request bears the token.
    pub fn connect(address: SocketAddr, token: &str) -> Result<Self, Failure> {
        let stream = crate::wire::connect(address, 0)?;
        let head = format!("Host: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        Ok(Self { stream, head })
    }

    /// Sends a request without waiting for its answer.
    pub fn send(&mut self, path: &str, body: &Value) -> Result<(), Failure> {
        let body = body.to_string();
        let head = &self.head;
        let request = format!("POST /api/v1{path} HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n{body}", body.len());
        Ok(self.stream.write_all(request.as_bytes())?)
    }

    /// Asks for what is at a path from the root.
    pub fn ask(&mut self, path: &str) -> Result<(), Failure> {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.head);
        Ok(self.stream.write_all(request.as_bytes())?)
    }

    /// Reads one answer, which must be a success with a body of a given length.
    pub fn receive(&mut self) -> Result<Value, Failure> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 65_536];
        loop {
            // Only the head is looked at as text: bodies may be long, and come in pieces.
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let length: usize = match head.split_once("content-length: ") {
                    Some((_, rest)) => rest.lines().next().unwrap_or_default().trim().parse()?,
                    None => 0,
                };
                let start = end + 4;
                if bytes.len() >= start + length {
                    if !head.starts_with("http/1.1 2") {
                        return Err(String::from_utf8_lossy(&bytes).into_owned().into());
                    }
                    return Ok(serde_json::from_slice(&bytes[start..start + length]).unwrap_or(Value::Null));
                }
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err("the server closed an HTTP connection".into()),
                read => bytes.extend_from_slice(&buffer[..read]),
            }
        }
    }
}
