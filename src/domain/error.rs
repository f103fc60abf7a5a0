//! Why something may not happen, as both edges tell it.

use crate::metrics::{self, StoreFailure};
use crate::protocol::codes::ErrorCode;
use crate::store::{Rejection, StoreError};
use std::time::Duration;

/// A refusal or a failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct DomainError {
    /// Which of the wire's codes.
    pub code: ErrorCode,
    /// One sentence for people.
    pub detail: String,
    /// The fields concerned: JSON pointer and what is wrong with each.
    pub fields: Vec<(String, String)>,
    /// When asking again may help.
    pub retry_after: Option<Duration>,
}

impl DomainError {
    /// An error without fields.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), fields: Vec::new(), retry_after: None }
    }

    /// The request makes no sense.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, detail)
    }

    /// No good credential.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unauthenticated, detail)
    }

    /// Not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::Forbidden, detail)
    }

    /// Not there.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, detail)
    }

    /// Contradicts what is there.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, detail)
    }

    /// Above a bound in bytes.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::TooLarge, detail)
    }

    /// A field whose value cannot be used.
    pub fn unprocessable(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { fields: vec![(pointer.into(), detail.clone())], ..Self::new(ErrorCode::Unprocessable, detail) }
    }

    /// Too often.
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(ErrorCode::RateLimited, "too many requests, slow down") }
    }
}

impl From<StoreError> for DomainError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Rejected(rejection) => rejection.into(),
            StoreError::Unavailable(why) => {
                tracing::warn!(why, "the store is unavailable");
                metrics::store_failed(StoreFailure::Unavailable);
                let detail = "the outcome is unknown or nothing was written: retry with the same key";
                Self { retry_after: Some(Duration::from_secs(1)), ..Self::new(ErrorCode::Unavailable, detail) }
            }
            StoreError::Internal(why) => {
                tracing::error!(why, "the store failed");
                metrics::store_failed(StoreFailure::Internal);
                Self::new(ErrorCode::Internal, "something went wrong here")
            }
        }
    }
}

impl From<Rejection> for DomainError {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::NotFound(_) => Self::not_found(rejection.to_string()),
            Rejection::Forbidden(detail) => Self::forbidden(detail),
            Rejection::Conflict(detail) => Self::conflict(detail),
            Rejection::Unprocessable { pointer, detail } => Self::unprocessable(pointer, detail),
            Rejection::Unauthenticated(detail) => Self::unauthenticated(detail),
        }
    }
}
