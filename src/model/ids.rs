//! Identifiers: positive integers below 2^53, never used twice. Knowing one grants nothing.

use serde::de::{Deserializer, Error, Unexpected, Visitor};
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

/// Takes a whole number however it is written: JSON and JavaScript know no other kind than floats.
struct Whole;

impl Visitor<'_> for Whole {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        // What is too large for this is no id either way.
        Ok(i64::try_from(number).unwrap_or(i64::MAX))
    }

    #[expect(clippy::cast_possible_truncation, reason = "it was found to be whole and small enough")]
    fn visit_f64<E: Error>(self, number: f64) -> Result<i64, E> {
        let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        if exact { Ok(number as i64) } else { Err(E::invalid_type(Unexpected::Float(number), &self)) }
    }
}

macro_rules! id {
    ($(#[doc = $doc:literal] $name:ident),+ $(,)?) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::Type)]
        #[serde(into = "i64")]
        #[sqlx(transparent)]
        pub struct $name(pub i64);

        impl TryFrom<i64> for $name {
            type Error = InvalidId;
            fn try_from(id: i64) -> Result<Self, InvalidId> {
                if (1..=MAX_ID).contains(&id) { Ok(Self(id)) } else { Err(InvalidId) }
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::try_from(deserializer.deserialize_i64(Whole)?).map_err(D::Error::custom)
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
    /// A key of a back end.
    ApiKeyId,
    /// Something a person is told.
    NotificationId,
    /// A ban of a person.
    BanId,
}

/// One sign-in of one person, and all the tokens that came of it: a positive number that the store gave. Of a token of the
/// host's site, which nobody signed in for here: a negative one, made from the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "i64", into = "i64")]
#[sqlx(transparent)]
pub struct SessionId(pub i64);

impl SessionId {
    /// That of a token of the host's site with this hash of what is signed of it.
    pub fn of_host(hash: [u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = hash;
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % MAX_ID.unsigned_abs();
        Self(-1 - number.cast_signed())
    }

    /// Whether it is that of a token of the host's site.
    pub fn is_of_host(self) -> bool {
        self.0 < 0
    }
}

impl TryFrom<i64> for SessionId {
    type Error = InvalidId;
    fn try_from(id: i64) -> Result<Self, InvalidId> {
        if id != 0 && (-MAX_ID..=MAX_ID).contains(&id) { Ok(Self(id)) } else { Err(InvalidId) }
    }
}

impl From<SessionId> for i64 {
    fn from(id: SessionId) -> i64 {
        id.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_the_hosts_tokens_are_told_from_others_and_stay_exact() {
        assert_eq!(SessionId::of_host([0; 32]), SessionId(-1));
        for hash in [[0; 32], [1; 32], [127; 32], [255; 32]] {
            let id = SessionId::of_host(hash);
            assert!(id.is_of_host() && SessionId::try_from(id.0) == Ok(id), "{id}");
        }
        assert!(!SessionId(1).is_of_host());
        for bad in [0, MAX_ID + 1, -MAX_ID - 1] {
            assert_eq!(SessionId::try_from(bad), Err(InvalidId));
        }
    }

    #[test]
    fn a_number_is_an_id_if_it_is_whole_and_in_bounds() {
        for (text, id) in [("42", 42), ("42.0", 42), ("4.2e1", 42), ("9007199254740991", MAX_ID)] {
            assert_eq!(serde_json::from_str::<PostId>(text).unwrap(), PostId(id), "{text}");
        }
        for bad in
            ["0", "-1", "1.5", "9007199254740992", "9007199254741000.0", "1e300", "18446744073709551615", "\"1\""]
        {
            assert!(serde_json::from_str::<PostId>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_id_is_read_only_in_its_canonical_spelling() {
        assert_eq!("42".parse(), Ok(PostId(42)));
        assert_eq!("9007199254740991".parse(), Ok(PostId(MAX_ID)));
        for bad in ["", "0", "-1", "+1", "007", "1.0", " 1", "9007199254740992", "99999999999999999999", "x"] {
            assert_eq!(bad.parse::<PostId>(), Err(InvalidId), "{bad:?}");
        }
    }
}
