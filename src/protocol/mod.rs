//! The wire contract: messages, codes, codecs. Nothing here decides or does I/O.

pub mod codes;
