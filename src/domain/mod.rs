//! What may happen and what it causes. Knows the store's contract, neither sockets nor HTTP nor SQL.

pub mod accounts;
pub mod addresses;
pub mod error;
pub mod idempotency;
pub mod identity;
pub mod limits;
pub mod origins;

pub use error::DomainError;
pub use identity::Identity;
