//! Which channel a client means, and whether it may hear it.

use super::{DomainError, Identity};
use crate::model::Channel;

/// Reads the name of a channel; `me` is the caller's own.
///
/// # Errors
/// `not_found` for what names no channel, `forbidden` for `me` where nobody is signed in.
pub fn resolve(caller: Option<&Identity>, name: &str) -> Result<Channel, DomainError> {
    match (name, caller) {
        ("me", Some(caller)) => Ok(Channel::User(caller.user_id)),
        ("me", None) => Err(DomainError::forbidden("sign in to have a channel of your own")),
        _ => name.parse().map_err(|_| DomainError::not_found("there is no such channel")),
    }
}

/// Whether this caller may hear this channel, if it is there: posts are for everyone, a person's channel for that person
/// alone. Whether it is there, the store knows.
///
/// # Errors
/// `forbidden`; `not_found` for the internal channel, which clients cannot name.
pub fn may_subscribe(caller: Option<&Identity>, channel: Channel) -> Result<(), DomainError> {
    match channel {
        Channel::Post(_) => Ok(()),
        Channel::User(owner) if caller.is_some_and(|caller| caller.user_id == owner) => Ok(()),
        Channel::User(_) => Err(DomainError::forbidden("this channel is somebody else's")),
        Channel::Revocations => Err(DomainError::not_found("there is no such channel")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PostId, Role, SessionId, Timestamp, UserId};
    use crate::protocol::codes::ErrorCode;

    fn somebody(id: i64) -> Identity {
        Identity {
            user_id: UserId(id),
            name: "Ada".into(),
            handle: "ada".into(),
            avatar_url: None,
            role: Role::Admin,
            session_id: SessionId(1),
            issued_at: Timestamp(0),
            expires_at: Timestamp(0),
        }
    }

    #[test]
    fn me_is_the_callers_own_channel() {
        assert_eq!(resolve(Some(&somebody(3)), "me"), Ok(Channel::User(UserId(3))));
        assert_eq!(resolve(None, "me").unwrap_err().code, ErrorCode::Forbidden);
        assert_eq!(resolve(None, "post:4"), Ok(Channel::Post(PostId(4))));
        for bad in ["", "ME", "room:1", "post:0", "revocations", "user:me"] {
            assert_eq!(resolve(Some(&somebody(3)), bad).unwrap_err().code, ErrorCode::NotFound, "{bad:?}");
        }
    }

    #[test]
    fn a_persons_channel_is_theirs_alone() {
        let channel = Channel::User(UserId(3));
        assert_eq!(may_subscribe(Some(&somebody(3)), channel), Ok(()));
        assert_eq!(may_subscribe(Some(&somebody(4)), channel).unwrap_err().code, ErrorCode::Forbidden);
        assert_eq!(may_subscribe(None, channel).unwrap_err().code, ErrorCode::Forbidden);
        assert_eq!(may_subscribe(None, Channel::Post(PostId(1))), Ok(()));
        assert_eq!(may_subscribe(Some(&somebody(3)), Channel::Revocations).unwrap_err().code, ErrorCode::NotFound);
    }
}
