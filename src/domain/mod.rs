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
pub mod host_people;
pub mod host_tokens;
pub mod hosts;
pub mod idempotency;
pub mod identity;
pub mod jwks;
pub mod limits;
pub mod markdown;
pub mod mentions;
pub mod notifications;
pub mod notify;
pub mod origins;
pub mod paging;
pub mod passwords;
pub mod posts;
pub mod profile;
pub mod publish;
pub mod readiness;
pub mod revocations;
pub mod secrets;
pub mod takebacks;
pub mod text;
pub mod threads;
pub mod tokens;

pub use error::DomainError;
pub use identity::Identity;
