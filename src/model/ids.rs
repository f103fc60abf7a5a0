//! Identifiers: positive integers below 2^53, never used twice. Knowing one grants nothing.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// The largest identifier: above it a JavaScript number is no longer exact.
pub const MAX_ID: i64 = (1 << 53) - 1;

/// A text or a number that is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a positive integer below 2^53")]
pub struct InvalidId;

/// Reads an identifier in its one canonical spelling: digits only, no sign, no leading zero.
pub(crate) fn parse_id(text: &str) -> Result<i64, InvalidId> {
    let canonical =
        !text.is_empty() && text.len() <= 16 && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    let id: i64 = if canonical { text.parse().map_err(|_| InvalidId)? } else { return Err(InvalidId) };
    if id <= MAX_ID { Ok(id) } else { Err(InvalidId) }
}

/// An integer from `least` that a JavaScript number still holds exactly, as the API's document tells it.
pub fn integer_schema(least: i64) -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
    let integer = ObjectBuilder::new().schema_type(Type::Integer).format(Some(format));
    integer.minimum(Some(least)).maximum(Some(MAX_ID))
}

macro_rules! id {
    ($(#[doc = $doc:literal] $name:ident),+ $(,)?) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[serde(try_from = "i64", into = "i64")]
        #[sqlx(transparent)]
        pub struct $name(pub i64);

        impl TryFrom<i64> for $name {
            type Error = InvalidId;
            fn try_from(id: i64) -> Result<Self, InvalidId> {
                if (1..=MAX_ID).contains(&id) { Ok(Self(id)) } else { Err(InvalidId) }
            }
        }
        impl From<$name> for i64 {
            fn from(id: $name) -> i64 { id.0 }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> { parse_id(text).map(Self) }
        }
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> { integer_schema(1).description(Some($doc.trim())).into() }
        }
        impl ToSchema for $name {}
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
    )+};
}

id! {
    /// A person.
    UserId,
    /// A post: what a room stands around.
    PostId,
    /// A comment below a post.
    CommentId,
    /// One sign-in of one person, and all the tokens that came of it.
    SessionId,
    /// A key of a back end.
    ApiKeyId,
    /// A ban of a person.
    BanId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_only_in_its_canonical_spelling() {
        assert_eq!("42".parse(), Ok(PostId(42)));
        assert_eq!("9007199254740991".parse(), Ok(PostId(MAX_ID)));
        for bad in ["", "0", "-1", "+1", "007", "1.0", " 1", "9007199254740992", "99999999999999999999", "x"] {
            assert_eq!(bad.parse::<PostId>(), Err(InvalidId), "{bad:?}");
        }
    }
}
