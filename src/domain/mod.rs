//! What may happen and what it causes. Knows the store's contract, neither sockets nor HTTP nor SQL.

pub mod accounts;
pub mod addresses;
pub mod channels;
pub mod comments;
pub mod error;
pub mod idempotency;
pub mod identity;
pub mod limits;
pub mod markdown;
pub mod origins;
pub mod paging;
pub mod posts;
pub mod publish;
pub mod readiness;
pub mod text;

pub use error::DomainError;
pub use identity::Identity;
