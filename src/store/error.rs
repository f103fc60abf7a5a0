//! Why the store did not do what it was asked.

use std::borrow::Cow;

/// A failed read or write.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The rows say no; nothing was written.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The database cannot be reached, is full, read-only or too busy, or the answer to a COMMIT was lost: nothing was
    /// written, or the outcome is unknown. Whoever asked may ask again with the same key.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A defect: a statement is wrong or a row makes no sense.
    #[error("the store failed: {0}")]
    Internal(String),
}

/// What the rows say no to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such thing, or no more.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// It belongs to somebody else.
    #[error("{0}")]
    Forbidden(&'static str),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(Cow<'static, str>),
    /// A field's value cannot be used.
    #[error("{detail}")]
    Unprocessable {
        /// The field as a JSON pointer.
        pointer: &'static str,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// A credential is unknown, spent or expired.
    #[error("{0}")]
    Unauthenticated(&'static str),
}
