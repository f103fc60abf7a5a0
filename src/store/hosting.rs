//! Changes of people whom the host's site vouches for.

use crate::model::{Account, SessionId, Timestamp, UserId};

/// A person as the host's site tells of them. Of what is optional `None` says nothing, and `Some(None)` that there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPerson {
    /// The host's own name for them.
    pub external_id: String,
    /// The name shown.
    pub name: String,
    /// Made from the name, for who is new.
    pub base_handle: String,
    /// A picture.
    pub avatar_url: Option<Option<String>>,
    /// An address, which nobody signs in with.
    pub email: Option<Option<String>>,
}

impl HostPerson {
    /// The account as it is to be.
    pub(super) fn applied_to(&self, mut account: Account) -> Account {
        account.user.name.clone_from(&self.name);
        if let Some(avatar_url) = &self.avatar_url {
            account.user.avatar_url.clone_from(avatar_url);
        }
        if let Some(email) = &self.email {
            account.email.clone_from(email);
        }
        account
    }

    /// The same, with what an earlier word says beside it.
    pub(super) fn after(self, earlier: &Self) -> Self {
        Self {
            avatar_url: self.avatar_url.or_else(|| earlier.avatar_url.clone()),
            email: self.email.or_else(|| earlier.email.clone()),
            ..self
        }
    }

    /// The texts that a database must be able to keep, and the field each is of.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &'static str)> {
        [
            (Some(self.external_id.as_str()), "/external_id"),
            (Some(self.name.as_str()), "/name"),
            (self.avatar_url.as_ref().and_then(Option::as_deref), "/avatar_url"),
            (self.email.as_ref().and_then(Option::as_deref), "/email"),
        ]
        .into_iter()
        .filter_map(|(text, pointer)| Some((text?, pointer)))
    }
}

/// Finds people of the host's site and makes those that are missing, each with a channel and a handle of their own (the
/// base, or made unique as by [`Register`](super::write::Register)); what differs of a known one is replaced. Nothing of
/// one that is named twice is lost: the later word counts. Answers in the order asked for.
#[derive(Debug, Clone)]
pub struct EnsureHostPeople {
    /// Who.
    pub people: Vec<HostPerson>,
}

/// A person of the host's site, as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAccount {
    /// The person.
    pub account: Account,
    /// Whether they were made just now.
    pub made: bool,
}

/// Ends tokens of the host's site, each by a revocation until it ends and `session.revoked` on the internal channel. One
/// that was ended before appends nothing.
#[derive(Debug, Clone)]
pub struct EndHostSessions {
    /// Whose.
    pub user_id: UserId,
    /// Which, and when each ends.
    pub sessions: Vec<(SessionId, Timestamp)>,
    /// Whether all sessions that began here are ended too, as by [`EndSessions`](super::write::EndSessions).
    pub everywhere: bool,
}
