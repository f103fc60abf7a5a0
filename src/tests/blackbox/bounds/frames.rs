//! Frames: how long, of which type, and what is no message at all.

use super::code;
use crate::support::rest::Rest;
use crate::support::server::Server;
use crate::support::wire::{Codec, Socket};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

const FRAME: usize = 65_536;
const FIRST: usize = 32_768;

/// A message of exactly so many payload bytes, filled up with a text.
fn padded(codec: Codec, mut message: Value, field: &str, size: usize) -> Message {
    // The length of a long text takes the same bytes at every size that is asked for here; so a first fill tells.
    message[field] = "x".repeat(size - 1_000).into();
    let missing = size - codec.encode(&message).len();
    message[field] = "x".repeat(size - 1_000 + missing).into();
    let frame = codec.encode(&message);
    assert_eq!(frame.len(), size);
    frame
}

async fn stage() -> (Server, String) {
    let (setup, server) = Server::fresh(&[("BELFRY_RATE_LIMITS", "off")]).await;
    let token = setup.token("Person").await;
    (server, token)
}

#[tokio::test]
async fn a_frame_has_64_kibibytes_of_payload() {
    let (server, token) = stage().await;
    let post = Rest::new(server.address).with(&token).post("a post").await;
    for codec in Codec::ALL {
        let create = json!({"type": "comment.create", "id": 7, "post_id": post});
        let mut socket = Socket::signed_in(server.address, codec, &token).await;
        socket.send_frame(padded(codec, create.clone(), "body", FRAME)).await;
        let answer = socket.until("an answer", |message| message["id"] == 7).await;
        assert_eq!(code(&answer), Some("unprocessable"), "it is read, and the body is too long: {answer}");
        socket.assert_alive("the longest frame").await;
        socket.send_frame(padded(codec, create, "body", FRAME + 1)).await;
        assert_eq!(socket.closed().await, Some(1009));
    }
}

#[tokio::test]
async fn until_connect_is_answered_a_frame_has_32_kibibytes() {
    let (server, token) = stage().await;
    for codec in Codec::ALL {
        let mut socket = Socket::open(server.address, codec).await;
        let connect = json!({"type": "connect", "id": 7, "token": token});
        socket.send_frame(padded(codec, connect.clone(), "client", FIRST)).await;
        let answer = socket.until("an answer", |message| message["id"] == 7).await;
        // What a client calls itself may have a bound of its own; the frame is read either way.
        assert!(answer["type"] == "welcome" || code(&answer).is_some(), "{answer}");
        let mut socket = Socket::open(server.address, codec).await;
        socket.send_frame(padded(codec, connect, "client", FIRST + 1)).await;
        assert_eq!(socket.closed().await, Some(1009));
    }
}

#[tokio::test]
async fn a_message_in_fragments_is_bounded_as_a_whole() {
    let (server, token) = stage().await;
    for (size, fits) in [(FRAME, true), (FRAME + 1, false)] {
        let mut socket = Socket::signed_in(server.address, Codec::Json, &token).await;
        let padding = " ".repeat(size - r#"{"type":"ping","id":7}"#.len());
        let text = format!(r#"{{"type":"ping",{padding}"id":7}}"#);
        assert_eq!(text.len(), size);
        let mut bytes = Vec::new();
        let parts: Vec<&[u8]> = text.as_bytes().chunks(20_000).collect();
        for (index, part) in parts.iter().enumerate() {
            // The masking key of zeroes leaves the payload as it is.
            let last = if index + 1 == parts.len() { 0x80 } else { 0 };
            bytes.extend([last | u8::from(index == 0), 0x80 | 126]);
            bytes.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
            bytes.extend([0; 4]);
            bytes.extend_from_slice(part);
        }
        socket.transport().write_all(&bytes).await.unwrap();
        if fits {
            socket.until("pong", |message| message["type"] == "pong" && message["id"] == 7).await;
        } else {
            assert_eq!(socket.closed().await, Some(1009));
        }
    }
}

/// Frames that are no message, in this codec.
fn no_messages(codec: Codec) -> Vec<Message> {
    match codec {
        Codec::Json => vec![
            Message::text("no JSON"),
            Message::text("[1]"),
            Message::text("7"),
            Message::text("null"),
            Message::text(""),
            Message::text(r#"{"type":"ping"} {}"#),
            Message::text(r#"{"type":"ping""#),
            Message::binary(br#"{"type":"ping","id":1}"#.to_vec()),
        ],
        Codec::MessagePack => vec![
            Message::binary(vec![0xc1]),
            Message::binary(vec![0x91, 0x01]),
            Message::binary(vec![0x07]),
            Message::binary(vec![0xc0]),
            Message::binary(Vec::new()),
            Message::binary(vec![0x81, 0xa4, b't', b'y']),
            // Maps and lists that promise four thousand million entries.
            Message::binary(vec![0xdf, 0xff, 0xff, 0xff, 0xff]),
            Message::binary(vec![0x81, 0xa1, b'a', 0xdd, 0xff, 0xff, 0xff, 0xff]),
            Message::text(r#"{"type":"ping","id":1}"#),
        ],
    }
}

#[tokio::test]
async fn the_third_frame_in_a_row_that_is_no_message_closes() {
    let (server, token) = stage().await;
    for codec in Codec::ALL {
        for frame in no_messages(codec) {
            let mut socket = Socket::signed_in(server.address, codec, &token).await;
            // A message between them begins the count anew.
            for row in [2, 2, 3] {
                for _ in 0..row {
                    socket.send_frame(frame.clone()).await;
                }
                for _ in 0..row {
                    let error = match row {
                        2 => socket.until("an error", |message| message["type"] == "error").await,
                        _ => break,
                    };
                    assert!(error["id"].is_null(), "{frame:?}: {error}");
                    assert_eq!(code(&error), Some("bad_request"), "{frame:?}: {error}");
                }
                if row == 2 {
                    socket.assert_alive("two frames that are no message").await;
                }
            }
            assert_eq!(socket.closed().await, Some(4400), "{frame:?}");
            let errors = socket.aside.iter().filter(|message| message["type"] == "error").count();
            assert!(errors >= 2, "{frame:?}: each of them is told");
        }
    }
}

#[tokio::test]
async fn a_deep_nest_is_an_error_and_no_crash() {
    let (server, token) = stage().await;
    let mut socket = Socket::signed_in(server.address, Codec::Json, &token).await;
    let (open, close) = ("[".repeat(30_000), "]".repeat(30_000));
    socket
        .send_frame(Message::text(format!(r#"{{"type":"signal","id":7,"channel":"me","data":{open}{close}}}"#)))
        .await;
    socket.until("an error", |message| message["type"] == "error").await;
    socket.assert_alive("a deep nest").await;
    let mut socket = Socket::signed_in(server.address, Codec::MessagePack, &token).await;
    let mut bytes = vec![0x82, 0xa4];
    bytes.extend(b"type\xa4ping\xa1d");
    bytes.extend(vec![0x91; 60_000]);
    bytes.push(0xc0);
    socket.send_frame(Message::binary(bytes)).await;
    let told = |message: &Value| message["type"] == "error" || message["type"] == "pong";
    socket.send(&json!({"type": "ping", "id": 8})).await.unwrap();
    socket.until("an answer", told).await;
    socket.assert_alive("a deep nest").await;
}

#[tokio::test]
async fn text_that_is_not_utf8_closes_with_1007() {
    let (server, token) = stage().await;
    let mut socket = Socket::signed_in(server.address, Codec::Json, &token).await;
    let bytes = [&[0x81, 0x80 | 4, 0, 0, 0, 0][..], &[b'{', 0xff, 0xfe, b'}']].concat();
    socket.transport().write_all(&bytes).await.unwrap();
    assert_eq!(socket.closed().await, Some(1007));
}

#[tokio::test]
async fn what_is_not_websocket_closes_with_1002() {
    let (server, token) = stage().await;
    let unmasked: &[u8] = &[0x81, 0x02, b'{', b'}'];
    let reserved_bit: &[u8] = &[0xc1, 0x82, 0, 0, 0, 0, b'{', b'}'];
    let reserved_opcode: &[u8] = &[0x83, 0x82, 0, 0, 0, 0, b'{', b'}'];
    let stray_continuation: &[u8] = &[0x80, 0x82, 0, 0, 0, 0, b'{', b'}'];
    let long_ping: Vec<u8> = [&[0x89, 0x80 | 126, 0, 126, 0, 0, 0, 0][..], &[0; 126]].concat();
    for bytes in [unmasked, reserved_bit, reserved_opcode, stray_continuation, &long_ping] {
        let mut socket = Socket::signed_in(server.address, Codec::Json, &token).await;
        socket.transport().write_all(bytes).await.unwrap();
        assert_eq!(socket.closed().await, Some(1002), "{bytes:02x?}");
    }
}
