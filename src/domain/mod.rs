//! What may happen and what it causes. Knows the store's contract, neither sockets nor HTTP nor SQL.

pub mod error;
pub mod markdown;
pub mod text;

pub use error::DomainError;
