//! What may happen and what it causes. Knows the store's contract, neither sockets nor HTTP nor SQL.

pub mod accounts;
pub mod addresses;
pub mod bans;
pub mod channels;
pub mod comments;
pub mod credentials;
pub mod emoji;
pub mod error;
pub mod history;
pub mod idempotency;
pub mod identity;
pub mod limits;
pub mod markdown;
pub mod origins;
pub mod paging;
pub mod passwords;
pub mod posts;
pub mod profile;
pub mod publish;
pub mod readiness;
pub mod revocations;
pub mod secrets;
pub mod text;
pub mod tokens;

pub use error::DomainError;
pub use identity::Identity;
