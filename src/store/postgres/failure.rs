//! Why a transaction did not go through, and what follows for its members.

use crate::store::error::{Rejection, StoreError};

/// What ended an attempt at a group, or one member of it.
#[derive(Debug)]
pub(super) enum Failure {
    /// The rows say no to one member, which has changed nothing.
    Rejected(Rejection),
    /// The connection is gone or the server cannot work: nothing was committed, or the outcome is unknown.
    Unavailable(String),
    /// What was read before the locks no longer holds: the same once more.
    Moved,
    /// A channel's row is held by somebody else for longer than a group that holds others may wait.
    Held,
    /// A statement failed: the members go one by one.
    Statement(StoreError),
}

/// Whether waiting for a lock took longer than it may.
pub(super) fn timed_out(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|database| database.code()).as_deref() == Some("55P03")
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Rejected(rejection) => Self::Rejected(rejection),
            other => Self::Statement(other),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let hopeless = match &error {
            sqlx::Error::Database(database) => database.code().is_some_and(|code| hopeless(&code)),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => true,
            _ => false,
        };
        if hopeless { Self::Unavailable(error.to_string()) } else { Self::Statement(error.into()) }
    }
}

/// Whether an SQLSTATE says that no other member would fare better now: the connection or session is lost or not granted,
/// resources are exhausted, somebody intervened (a statement time-out too), the system failed, the server only reads, the
/// database is not there.
fn hopeless(code: &str) -> bool {
    ["08", "28", "53", "57", "58"].iter().any(|class| code.starts_with(class))
        || ["25006", "25P03", "3D000"].contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failure_that_all_members_share_spares_them_their_own_attempt() {
        for shared in ["08006", "28P01", "57P01", "57014", "53100", "25006", "25P03", "3D000"] {
            assert!(hopeless(shared), "{shared}");
        }
        for own in ["23505", "22021", "40P01", "40001", "55P03"] {
            assert!(!hopeless(own), "{own}");
        }
    }
}
