//! What comes from a client, frame by frame (RFC 6455 §5). No I/O: bytes go in, messages come out. While nothing is begun
//! it holds no memory.

use crate::protocol::codes::CloseCode;
use std::io::Cursor;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// Longest payload of a control frame.
const MAX_CONTROL: u64 = 125;

/// A whole message or control frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// UTF-8, checked.
    Text(Vec<u8>),
    /// Bytes.
    Binary(Vec<u8>),
    /// To be answered with the same payload.
    Ping(Vec<u8>),
    /// A sign of life.
    Pong,
    /// The client closes; its code, if it gave one.
    Close(Option<u16>),
}

/// Why a socket can be read no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// Not WebSocket.
    Protocol,
    /// Text that is not UTF-8.
    Utf8,
    /// Above the bound.
    TooLarge,
}

impl Violation {
    /// The code the socket is closed with.
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::Protocol => CloseCode::Protocol,
            Self::Utf8 => CloseCode::InvalidText,
            Self::TooLarge => CloseCode::TooLarge,
        }
    }
}

/// Reads frames of a client.
#[derive(Debug, Default)]
pub struct FrameReader {
    buffer: Vec<u8>,
    /// Where in the buffer the next frame begins.
    at: usize,
    /// A message whose last fragment has not come.
    message: Option<Box<Fragments>>,
}

#[derive(Debug)]
struct Fragments {
    text: bool,
    payload: Vec<u8>,
    /// How much of the payload is known to be UTF-8.
    checked: usize,
}

impl FrameReader {
    /// Takes in what was read.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes of what has begun and not ended.
    pub fn held(&self) -> usize {
        self.buffer.len() - self.at + self.message.as_ref().map_or(0, |message| message.payload.len())
    }

    /// The next message or control frame, or `None` until more is fed. `limit` bounds a message's payload in bytes.
    pub fn next(&mut self, limit: usize) -> Result<Option<Incoming>, Violation> {
        loop {
            let Some((header, payload)) = self.frame(limit)? else {
                self.compact();
                return Ok(None);
            };
            if let Some(incoming) = self.take(&header, payload)? {
                return Ok(Some(incoming));
            }
        }
    }

    /// The next whole frame, unmasked.
    fn frame(&mut self, limit: usize) -> Result<Option<(FrameHeader, Vec<u8>)>, Violation> {
        let mut cursor = Cursor::new(&self.buffer[self.at..]);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Violation::Protocol)?;
        let Some((header, length)) = parsed else { return Ok(None) };
        self.check(&header, length, limit)?;
        let begin = self.at + usize::try_from(cursor.position()).map_err(|_| Violation::TooLarge)?;
        let length = usize::try_from(length).map_err(|_| Violation::TooLarge)?;
        let end = begin.checked_add(length).ok_or(Violation::TooLarge)?;
        if self.buffer.len() < end {
            self.buffer.reserve(end - self.buffer.len());
            return Ok(None);
        }
        let mut payload = self.buffer[begin..end].to_vec();
        unmask(&mut payload, header.mask.unwrap_or_default());
        self.at = end;
        Ok(Some((header, payload)))
    }

    /// Refuses a frame by its header, before its payload is waited for.
    fn check(&self, header: &FrameHeader, length: u64, limit: usize) -> Result<(), Violation> {
        let reserved = header.rsv1 || header.rsv2 || header.rsv3;
        if reserved || header.mask.is_none() || length > i64::MAX as u64 {
            return Err(Violation::Protocol);
        }
        match header.opcode {
            OpCode::Control(_) if !header.is_final || length > MAX_CONTROL => Err(Violation::Protocol),
            OpCode::Control(_) => Ok(()),
            // A continuation continues something, and nothing else may come in between.
            OpCode::Data(data) if (data == Data::Continue) != self.message.is_some() => Err(Violation::Protocol),
            OpCode::Data(_) => {
                let begun = self.message.as_ref().map_or(0, |message| message.payload.len());
                if length > limit.saturating_sub(begun) as u64 { Err(Violation::TooLarge) } else { Ok(()) }
            }
        }
    }

    fn take(&mut self, header: &FrameHeader, payload: Vec<u8>) -> Result<Option<Incoming>, Violation> {
        match header.opcode {
            OpCode::Control(Control::Ping) => return Ok(Some(Incoming::Ping(payload))),
            OpCode::Control(Control::Close) => return close_code(&payload).map(|code| Some(Incoming::Close(code))),
            OpCode::Control(_) => return Ok(Some(Incoming::Pong)),
            OpCode::Data(_) => {}
        }
        let mut message = match self.message.take() {
            Some(mut message) => {
                message.payload.extend_from_slice(&payload);
                message
            }
            None => Box::new(Fragments { text: header.opcode == OpCode::Data(Data::Text), payload, checked: 0 }),
        };
        if message.text {
            message.check(header.is_final)?;
        }
        if !header.is_final {
            self.message = Some(message);
            return Ok(None);
        }
        let Fragments { text, payload, .. } = *message;
        Ok(Some(if text { Incoming::Text(payload) } else { Incoming::Binary(payload) }))
    }

    /// Keeps only what has begun; nothing at all if nothing has.
    fn compact(&mut self) {
        if self.at == self.buffer.len() {
            self.buffer = Vec::new();
        } else if self.at > 0 {
            self.buffer.drain(..self.at);
        }
        self.at = 0;
    }
}

impl Fragments {
    /// Checks what has come; a character may still be cut in two unless this is the end.
    fn check(&mut self, end: bool) -> Result<(), Violation> {
        match std::str::from_utf8(&self.payload[self.checked..]) {
            Ok(_) => self.checked = self.payload.len(),
            Err(error) if error.error_len().is_none() && !end => self.checked += error.valid_up_to(),
            Err(_) => return Err(Violation::Utf8),
        }
        Ok(())
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let word = u64::from_ne_bytes([mask, mask].concat().try_into().unwrap_or_default());
    let mut words = payload.chunks_exact_mut(8);
    for chunk in &mut words {
        let masked = u64::from_ne_bytes((&*chunk).try_into().unwrap_or_default());
        chunk.copy_from_slice(&(masked ^ word).to_ne_bytes());
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// Reads the payload of a Close (RFC 6455 §5.5.1, §7.4).
fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    match payload {
        [] => Ok(None),
        [_] => Err(Violation::Protocol),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            let sendable = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            if !sendable {
                return Err(Violation::Protocol);
            }
            std::str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
            Ok(Some(code))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: usize = 1_000;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x11, 0x22, 0x33, 0x44];
        let mut frame = vec![first];
        match payload.len() {
            len @ 0..126 => frame.push(0x80 | len as u8),
            len => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(len as u16).to_be_bytes());
            }
        }
        frame.extend_from_slice(&mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    fn read(bytes: &[u8]) -> Result<Vec<Incoming>, Violation> {
        let mut reader = FrameReader::default();
        reader.feed(bytes);
        let mut all = Vec::new();
        while let Some(incoming) = reader.next(LIMIT)? {
            all.push(incoming);
        }
        Ok(all)
    }

    #[test]
    fn a_message_may_come_in_fragments_with_control_frames_between() {
        let bytes = [frame(0x01, b"Hel"), frame(0x89, b"?"), frame(0x80, b"lo")].concat();
        assert_eq!(read(&bytes), Ok(vec![Incoming::Ping(b"?".to_vec()), Incoming::Text(b"Hello".to_vec())]));
    }

    #[test]
    fn what_is_not_websocket_is_refused() {
        let unmasked = vec![0x81, 0x01, b'x'];
        let long_ping = frame(0x89, &[0; 126]);
        for bad in [
            unmasked,
            long_ping,
            frame(0xC1, b"x"),
            frame(0x83, b"x"),
            frame(0x8B, b"x"),
            frame(0x09, b""),
            frame(0x80, b"x"),
            [frame(0x01, b"x"), frame(0x81, b"y")].concat(),
            frame(0x88, &[3]),
            frame(0x88, &999_u16.to_be_bytes()),
            frame(0x88, &1005_u16.to_be_bytes()),
            frame(0x88, &2000_u16.to_be_bytes()),
        ] {
            assert_eq!(read(&bad), Err(Violation::Protocol), "{bad:?}");
        }
    }

    #[test]
    fn text_is_utf8_also_across_fragments() {
        let both = "é".as_bytes();
        assert_eq!(
            read(&[frame(0x01, &both[..1]), frame(0x80, &both[1..])].concat()),
            Ok(vec![Incoming::Text(both.to_vec())])
        );
        assert_eq!(read(&frame(0x81, &both[..1])), Err(Violation::Utf8));
        assert_eq!(read(&frame(0x01, &[0xff])), Err(Violation::Utf8));
        assert_eq!(read(&frame(0x88, &[3, 232, 0xff])), Err(Violation::Utf8));
        assert_eq!(read(&frame(0x82, &[0xff])), Ok(vec![Incoming::Binary(vec![0xff])]));
    }

    #[test]
    fn a_message_is_bounded_whole_and_before_its_payload_has_come() {
        assert!(read(&frame(0x81, &[b'x'; LIMIT])).is_ok());
        assert_eq!(read(&frame(0x81, &[b'x'; LIMIT + 1])), Err(Violation::TooLarge));
        assert_eq!(read(&frame(0x81, &[b'x'; LIMIT + 1])[..8]), Err(Violation::TooLarge));
        let half = [b'x'; LIMIT / 2];
        assert!(read(&[frame(0x01, &half), frame(0x80, &half)].concat()).is_ok());
        assert_eq!(read(&[frame(0x01, &half), frame(0x80, &[b'x'; LIMIT / 2 + 1])].concat()), Err(Violation::TooLarge));
    }

    #[test]
    fn nothing_is_held_while_nothing_is_begun() {
        let mut reader = FrameReader::default();
        reader.feed(&frame(0x81, b"x"));
        assert!(reader.next(LIMIT).unwrap().is_some());
        assert_eq!(reader.next(LIMIT), Ok(None));
        assert_eq!((reader.held(), reader.buffer.capacity()), (0, 0));
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_messages_are_the_same(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..6),
            cuts in prop::collection::vec(1..40usize, 1..80),
        ) {
            let bytes: Vec<u8> = payloads.iter().flat_map(|payload| frame(0x82, payload)).collect();
            let mut reader = FrameReader::default();
            let (mut got, mut at) = (Vec::new(), 0);
            for cut in cuts.iter().cycle() {
                let end = (at + cut).min(bytes.len());
                reader.feed(&bytes[at..end]);
                at = end;
                while let Some(incoming) = reader.next(LIMIT).unwrap() {
                    got.push(incoming);
                }
                if at == bytes.len() { break }
            }
            prop_assert_eq!(got, payloads.into_iter().map(Incoming::Binary).collect::<Vec<_>>());
            prop_assert_eq!(reader.held(), 0);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
