//! The wire contract: messages, codes, codecs. Nothing here decides or does I/O.

pub mod client;
pub mod codec;
pub mod codes;
pub mod msgpack;
pub mod server;
mod tagged;

#[cfg(test)]
pub(crate) mod fixtures;

pub use client::{ClientMessage, Command};
pub use codec::Codec;
pub use codes::{CloseCode, ErrorCode};
