//! Channel names. A channel is a log; this is the only place that reads or writes its name.

use super::ids::{PostId, UserId, parse_id};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// What a log is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// `post:{id}`: the room around a post.
    Post(PostId),
    /// `user:{id}`: one person's own stream.
    User(UserId),
    /// `revocations`: ended sessions and changed roles, for instances only; no client may name it.
    Revocations,
}

/// A text that names no channel a client could mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a channel is `post:{{id}}` or `user:{{id}}`")]
pub struct InvalidChannel;

impl Channel {
    /// The name in the database and on the wire.
    pub fn name(&self) -> String {
        self.to_string()
    }

    /// Reads a stored name, the internal channel included.
    pub fn from_stored(name: &str) -> Result<Self, InvalidChannel> {
        if name == "revocations" { Ok(Self::Revocations) } else { name.parse() }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Post(id) => write!(f, "post:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Revocations => f.write_str("revocations"),
        }
    }
}

impl FromStr for Channel {
    type Err = InvalidChannel;

    fn from_str(name: &str) -> Result<Self, InvalidChannel> {
        let (kind, id) = name.split_once(':').ok_or(InvalidChannel)?;
        let id = parse_id(id).map_err(|_| InvalidChannel)?;
        match kind {
            "post" => Ok(Self::Post(PostId(id))),
            "user" => Ok(Self::User(UserId(id))),
            _ => Err(InvalidChannel),
        }
    }
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_as_what_wrote_it() {
        for channel in [Channel::Post(PostId(42)), Channel::User(UserId(7))] {
            assert_eq!(channel.name().parse(), Ok(channel));
        }
        assert_eq!(Channel::from_stored("revocations"), Ok(Channel::Revocations));
    }

    #[test]
    fn a_client_cannot_name_the_internal_channel_nor_misspell_another() {
        for bad in ["revocations", "post:", "post:0", "post:01", "post:-1", "room:1", "post", "POST:1", "post:1 ", "me"]
        {
            assert_eq!(bad.parse::<Channel>(), Err(InvalidChannel), "{bad:?}");
        }
    }
}
