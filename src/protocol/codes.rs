//! Error and close codes: one list for socket and REST.

use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! error_codes {
    ($(#[doc = $doc:literal] $variant:ident $name:literal $status:literal,)+) => {
        /// Why a command or a request was not carried out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $(#[doc = $doc] $variant),+ }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),+];

            /// The name on the wire.
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }

            /// The HTTP status that bears it.
            pub fn status(self) -> u16 { match self { $(Self::$variant => $status),+ } }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str { match self { $(Self::$variant => $doc.trim_ascii()),+ } }
        }
    };
}

error_codes! {
    /// The request makes no sense: no JSON, a missing field, a wrong type, an unknown command.
    BadRequest "bad_request" 400,
    /// No token, or one that is bad or has ended.
    Unauthenticated "unauthenticated" 401,
    /// Known, but not allowed.
    Forbidden "forbidden" 403,
    /// There is no such thing, or no more.
    NotFound "not_found" 404,
    /// The path exists, the method does not.
    MethodNotAllowed "method_not_allowed" 405,
    /// It contradicts what is there.
    Conflict "conflict" 409,
    /// Above a bound in bytes.
    TooLarge "too_large" 413,
    /// Well formed, but a value cannot be used.
    Unprocessable "unprocessable" 422,
    /// Too often: again after `retry_after_ms` or `Retry-After`.
    RateLimited "rate_limited" 429,
    /// A defect of the server.
    Internal "internal" 500,
    /// Nothing was written, or the outcome is unknown: retry with the same key.
    Unavailable "unavailable" 503,
}

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.iter().map(|code| code.name());
        let text = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        text.description(Some("Why it was not carried out; the same list as on the socket.")).into()
    }
}

impl ToSchema for ErrorCode {}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

macro_rules! close_codes {
    ($($(#[$doc:meta])+ $variant:ident $code:literal $reason:literal,)+) => {
        /// Why a socket was closed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CloseCode { $($(#[$doc])+ $variant),+ }

        impl CloseCode {
            /// Every code.
            pub const ALL: &'static [CloseCode] = &[$(CloseCode::$variant),+];

            /// The number on the wire.
            pub fn code(self) -> u16 { match self { $(Self::$variant => $code),+ } }

            /// The reason sent with it.
            pub fn reason(self) -> &'static str { match self { $(Self::$variant => $reason),+ } }
        }
    };
}

close_codes! {
    /// As agreed.
    Normal 1000 "",
    /// Not WebSocket.
    Protocol 1002 "protocol error",
    /// Text that is not UTF-8.
    InvalidText 1007 "not UTF-8",
    /// A frame or message above its bound.
    TooLarge 1009 "frame too large",
    /// Planned, after `going_away`.
    Restart 1012 "restart",
    /// No room.
    Overloaded 1013 "over capacity",
    /// Three frames in a row that are no message.
    BadMessage 4400 "not a valid message",
    /// No token, a bad one, or one that has ended.
    Unauthenticated 4401 "unauthenticated",
    /// Signed out, banned or revoked.
    Forbidden 4403 "signed out",
    /// The shortcut's post is not there.
    NotFound 4404 "no such channel",
    /// This person's sockets are too many.
    TooMany 4409 "too many sockets",
    /// A defect of the server.
    Internal 4500 "server fault",
    /// Silent or too slow.
    Silent 4508 "silent or too slow",
    /// Flooding.
    Flooding 4529 "flooding",
}
