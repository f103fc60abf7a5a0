//! Time. Rows and tokens carry the database's; local clocks measure durations only.

use parking_lot::RwLock;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A moment: milliseconds since 1970 UTC; on the wire RFC 3339 in UTC with three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment moved by a duration.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment moved back by a duration.
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Reads RFC 3339, with any offset; none for what is something else.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let moment: jiff::Timestamp = text.parse().ok()?;
        Some(Self(moment.as_millisecond()))
    }

    /// Whole seconds since 1970, as tokens count them.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{moment:.3}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let moment: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(moment.as_millisecond()))
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        let text = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
        text.description(Some("A moment, RFC 3339 in UTC with milliseconds.")).into()
    }
}

impl ToSchema for Timestamp {}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The database's time as far as it is known here.
    fn now(&self) -> Timestamp;

    /// A steady local reading, for durations only.
    fn instant(&self) -> Instant;
}

/// A clock that can be told what the database says.
pub trait SetClock: Clock {
    /// Takes over what the database says the time is.
    fn set(&self, now: Timestamp);
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The database's time, carried on between readings by this machine's steady clock.
pub struct DatabaseClock {
    read: RwLock<(Instant, Timestamp)>,
}

impl DatabaseClock {
    /// Starts from this machine's own time until the database is first read.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn new() -> Self {
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self { read: RwLock::new((Instant::now(), Timestamp(0).plus(since_1970))) }
    }
}

impl SetClock for DatabaseClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn set(&self, now: Timestamp) {
        *self.read.write() = (Instant::now(), now);
    }
}

impl Default for DatabaseClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let (at, then) = *self.read.read();
        then.plus(self.instant().saturating_duration_since(at))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn instant(&self) -> Instant {
        Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_utc_with_milliseconds() {
        assert_eq!(Timestamp(1_700_000_000_005).to_string(), "2023-11-14T22:13:20.005Z");
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        let read: Timestamp = serde_json::from_str("\"2023-11-14T22:13:20.005Z\"").unwrap();
        assert_eq!(read, Timestamp(1_700_000_000_005));
    }

    #[test]
    fn the_clock_follows_the_database_not_this_machine() {
        let clock = DatabaseClock::new();
        clock.set(Timestamp(5_000));
        let now = clock.now();
        assert!((5_000..60_000).contains(&now.0), "{now}");
    }
}
