//! Why the store did not do what it was asked.

use sqlx::error::ErrorKind;
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

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => match database.kind() {
                ErrorKind::Other if database.code().is_some_and(|code| passes(&code)) => {
                    Self::Unavailable(error.to_string())
                }
                _ => Self::Internal(error.to_string()),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => error.into(),
            other => Self::Internal(format!("the database cannot be migrated: {other}")),
        }
    }
}

/// Whether an error with this code may pass by itself or by an operator's hand: five characters are an SQLSTATE, numbers
/// SQLite's extended result codes.
fn passes(code: &str) -> bool {
    match (code.len(), code.parse::<i32>()) {
        // Connection, nobody let in, transaction rollback, resources, intervention, system; read-only transactions, one that
        // was left alone for too long, a lock not had, a database that is not there while it is restored.
        (5, _) => {
            ["08", "28", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class))
                || ["25006", "25P03", "3D000", "55P03"].contains(&code)
        }
        // BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL; an extended code's low byte.
        (_, Ok(number)) => [5, 6, 7, 8, 9, 10, 13, 14, 15].contains(&(number & 0xff)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_told_apart_from_a_defect_on_both_databases() {
        for passing in ["5", "261", "13", "778", "08006", "25P03", "28P01", "3D000", "40P01", "53100", "57P01", "55P03"]
        {
            assert!(passes(passing), "{passing}");
        }
        for defect in ["1", "19", "2067", "42601", "23505", "25001"] {
            assert!(!passes(defect), "{defect}");
        }
    }
}
