//! A keep-alive HTTP/1.1 connection that speaks JSON.

use crate::arguments::Failure;
use crate::wire::find;
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
            if let Some(answer) = answer(&bytes)? {
                if !answer.success {
                    return Err(String::from_utf8_lossy(&bytes).into_owned().into());
                }
                return Ok(serde_json::from_slice(answer.body).unwrap_or(Value::Null));
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err("the server closed an HTTP connection".into()),
                read => bytes.extend_from_slice(&buffer[..read]),
            }
        }
    }
}

/// An answer that has come whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// Whether it did what was asked: a status of 2xx.
    pub success: bool,
    /// What it says.
    pub body: &'a [u8],
    /// Bytes, head and all.
    pub length: usize,
}

/// The first answer among bytes, once it is whole; its body has a given length.
pub fn answer(bytes: &[u8]) -> Result<Option<Answer<'_>>, Failure> {
    // Only the head is looked at as text: bodies may be long, and come in pieces.
    let Some(end) = find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length: usize = match head.split_once("content-length:") {
        Some((_, rest)) => rest.lines().next().unwrap_or_default().trim().parse()?,
        None => 0,
    };
    let whole = end + 4 + length;
    let body = bytes.get(end + 4..whole);
    Ok(body.map(|body| Answer { success: head.starts_with("http/1.1 2"), body, length: whole }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whole_and_says_whether_it_is_a_success() {
        let good = b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nokayHTTP";
        let length = good.len() - 4;
        assert_eq!(answer(good).expect("an answer"), Some(Answer { success: true, body: b"okay", length }));
        assert_eq!(answer(&good[..length - 1]).expect("not yet whole"), None);
        let bad = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";
        let refused = Answer { success: false, body: b"", length: bad.len() };
        assert_eq!(answer(bad).expect("an answer"), Some(refused));
    }
}
