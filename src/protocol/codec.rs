//! Codecs and frames. A message is encoded once into the bytes that go out: server frames carry no mask, so the same
//! bytes serve every socket.

use super::codes::CloseCode;
use super::msgpack::transcode;
use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde_json::Value;
use std::sync::OnceLock;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// How messages are written on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// JSON in text frames.
    Json,
    /// MessagePack maps in binary frames.
    MsgPack,
}

/// A message that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a map in this socket's codec")]
pub struct Undecodable;

/// Deepest nesting of a MessagePack message; JSON has the same bound.
const MAX_DEPTH: usize = 128;

impl Codec {
    /// The name offered in `Sec-WebSocket-Protocol`.
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "belfry.v1.json",
            Self::MsgPack => "belfry.v1.msgpack",
        }
    }

    /// The codec of an offered name.
    pub fn from_subprotocol(name: &str) -> Option<Self> {
        [Self::Json, Self::MsgPack].into_iter().find(|codec| codec.subprotocol() == name)
    }

    /// The kind of frame that bears its messages.
    pub fn opcode(self) -> OpCode {
        OpCode::Data(match self {
            Self::Json => Data::Text,
            Self::MsgPack => Data::Binary,
        })
    }

    /// Encodes a message without its frame.
    pub fn encode(self, message: &impl Serialize) -> Vec<u8> {
        match self {
            Self::Json => serde_json::to_vec(message).unwrap_or_default(),
            // By way of JSON, because raw JSON inside a message is known to serde_json alone.
            Self::MsgPack => transcode(&Self::Json.encode(message)),
        }
    }

    /// Encodes `head` with one more field, a list of maps that are encoded already.
    pub fn encode_with_list(self, head: &impl Serialize, field: &str, items: &[Bytes]) -> Vec<u8> {
        let mut message = self.encode(head);
        let total: usize = items.iter().map(|item| item.len() + 1).sum();
        message.reserve(total + field.len() + 8);
        match self {
            Self::Json => {
                message.pop();
                message.extend_from_slice(format!(",\"{field}\":[").as_bytes());
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        message.push(b',');
                    }
                    message.extend_from_slice(item);
                }
                message.extend_from_slice(b"]}");
            }
            Self::MsgPack => {
                // A map of up to 15 fields has its length in the low bits of its first byte; heads have fewer.
                message[0] += 1;
                let _ = rmp::encode::write_str(&mut message, field);
                let _ = rmp::encode::write_array_len(&mut message, u32::try_from(items.len()).unwrap_or(0));
                for item in items {
                    message.extend_from_slice(item);
                }
            }
        }
        message
    }

    /// Encodes a message as a frame ready to be written.
    pub fn frame(self, message: &impl Serialize) -> Bytes {
        frame(self.opcode(), &self.encode(message))
    }

    /// Reads a message: a map.
    pub fn decode(self, payload: &[u8]) -> Result<serde_json::Map<String, Value>, Undecodable> {
        let value = match self {
            Self::Json => serde_json::from_slice(payload).map_err(|_| Undecodable)?,
            Self::MsgPack => decode_msgpack(payload)?,
        };
        match value {
            Value::Object(map) => Ok(map),
            _ => Err(Undecodable),
        }
    }
}

fn decode_msgpack(payload: &[u8]) -> Result<Value, Undecodable> {
    let mut reader = payload;
    let mut deserializer = rmp_serde::Deserializer::new(&mut reader);
    deserializer.set_max_depth(MAX_DEPTH);
    let value = serde::Deserialize::deserialize(&mut deserializer).map_err(|_| Undecodable)?;
    drop(deserializer);
    if reader.is_empty() { Ok(value) } else { Err(Undecodable) }
}

/// A message as a frame of each codec; MessagePack is made of JSON when it is first wanted.
#[derive(Debug)]
pub struct Frames {
    json: Bytes,
    msgpack: OnceLock<Bytes>,
}

impl Frames {
    /// Frames of a JSON message.
    pub fn of_json(message: &[u8]) -> Self {
        Self { json: frame(Codec::Json.opcode(), message), msgpack: OnceLock::new() }
    }

    /// The frame in a codec.
    pub fn get(&self, codec: Codec) -> &Bytes {
        match codec {
            Codec::Json => &self.json,
            Codec::MsgPack => self.msgpack.get_or_init(|| frame(codec.opcode(), &transcode(&payload(&self.json)))),
        }
    }
}

/// A whole unfragmented frame without a mask (RFC 6455 §5.2).
pub fn frame(opcode: OpCode, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    frame.put_u8(0x80 | u8::from(opcode));
    match payload.len() {
        len @ 0..126 => frame.put_u8(len as u8),
        len @ 126..65_536 => {
            frame.put_u8(126);
            frame.put_u16(len as u16);
        }
        len => {
            frame.put_u8(127);
            frame.put_u64(len as u64);
        }
    }
    frame.put_slice(payload);
    frame.freeze()
}

/// The payload of a frame made by [`frame`].
pub fn payload(frame: &Bytes) -> Bytes {
    let header = match frame.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    frame.slice(header.min(frame.len())..)
}

/// A Close frame.
pub fn close_frame(code: CloseCode) -> Bytes {
    close_frame_with(code.code(), code.reason())
}

/// A Close frame with any code.
pub fn close_frame_with(code: u16, reason: &str) -> Bytes {
    let mut payload = Vec::with_capacity(2 + reason.len());
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(reason.as_bytes());
    frame(OpCode::Control(Control::Close), &payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_codecs_read_back_what_they_wrote() {
        let message = json!({"type": "ping", "id": 7, "data": {"a": [1, -2, 1.5, null, true, "ü"]}});
        for codec in [Codec::Json, Codec::MsgPack] {
            assert_eq!(Value::Object(codec.decode(&codec.encode(&message)).unwrap()), message);
        }
    }

    #[test]
    fn a_list_of_encoded_maps_is_spliced_in_as_a_field() {
        let items = [json!({"seq": 1}), json!({"seq": 2})];
        for codec in [Codec::Json, Codec::MsgPack] {
            let encoded: Vec<Bytes> = items.iter().map(|item| codec.encode(item).into()).collect();
            let message = codec.encode_with_list(&json!({"type": "subscribed"}), "events", &encoded);
            let read = Value::Object(codec.decode(&message).unwrap());
            assert_eq!(read, json!({"type": "subscribed", "events": items}));
        }
    }

    #[test]
    fn what_is_no_single_map_is_not_decoded() {
        for bad in [&b"[]"[..], b"1", b"", b"{", b"{} {}", b"null"] {
            assert_eq!(Codec::Json.decode(bad), Err(Undecodable), "{bad:?}");
        }
        let deep = [[0x81, 0xa1, b'a'].repeat(200), [0xc0].to_vec()].concat();
        for bad in [&[0x90][..], &[0xc0], &[], &[0x81], &[0x80, 0x80], &[0x81, 0x01, 0x02], &deep] {
            assert_eq!(Codec::MsgPack.decode(bad), Err(Undecodable), "{bad:?}");
        }
    }

    #[test]
    fn a_frame_of_every_length_form_gives_its_payload_back() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let bytes = vec![b'x'; len];
            assert_eq!(payload(&frame(Codec::Json.opcode(), &bytes)), bytes);
        }
    }
}
