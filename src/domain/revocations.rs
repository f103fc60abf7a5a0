//! What a token that has not ended is worth no more: ended sessions, banned people, changed roles; in memory, for every
//! instance.
//!
//! Loaded before the instance is ready, then fed with the events of the internal channel in their order.

use super::{DomainError, Identity};
use crate::model::event::{RoleChanged, SessionRevoked, UserBanned, UserUnbanned};
use crate::model::{Channel, Event, Role, SessionId, Timestamp, UserId};
use crate::store::read::Revoked;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::time::Duration;

/// How long what has ended is remembered beyond that, should instances read the time differently.
const MARGIN: Duration = Duration::from_secs(60);

/// The ended sessions, bans and changed roles that this instance knows of.
#[derive(Default)]
pub struct Revocations {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    /// Until when each ended session must be remembered.
    sessions: HashMap<SessionId, Timestamp>,
    /// Until when each banned person is kept out; none: until it is lifted.
    bans: HashMap<UserId, Option<Timestamp>>,
    /// The last event of the internal channel that was taken in.
    heard: i64,
    /// What a person has been since when; kept while the process lives, as roles change by an operator's hand only.
    roles: HashMap<UserId, (Role, Timestamp)>,
}

impl Revocations {
    /// Takes in what the store remembers as of an event of the internal channel. Ended sessions are added: one of
    /// another database stays ended until its tokens are. Bans are replaced: what that database does not know nobody
    /// could lift. False, with nothing changed, where a later event has been heard already: what was read is too old.
    pub fn load(&self, revoked: &Revoked, seq: i64) -> bool {
        let mut known = self.known.write();
        if known.heard > seq {
            return false;
        }
        known.heard = seq;
        known.sessions.extend(revoked.sessions.iter().map(|session| (session.session_id, session.until)));
        known.bans = revoked.people.iter().map(|banned| (banned.user_id, banned.until)).collect();
        true
    }

    /// Begins anew: events to come are numbered by another database.
    pub fn replaced(&self) {
        self.known.write().heard = 0;
    }

    /// Takes in an event of the internal channel; others, and kinds that a newer version made, are passed over.
    pub fn apply(&self, event: &Event) {
        if event.channel != Channel::Revocations {
            return;
        }
        let mut known = self.known.write();
        // What was loaded may be newer than where the log was placed.
        if event.seq <= known.heard {
            return;
        }
        known.heard = event.seq;
        let data = event.data.get();
        match event.kind.as_ref() {
            "session.revoked" => {
                if let Ok(revoked) = serde_json::from_str::<SessionRevoked>(data) {
                    known.sessions.insert(revoked.session_id, revoked.until);
                }
            }
            "role.changed" => {
                if let Ok(changed) = serde_json::from_str::<RoleChanged>(data) {
                    known.roles.insert(changed.user_id, (changed.role, event.at));
                }
            }
            "user.banned" => {
                if let Ok(banned) = serde_json::from_str::<UserBanned>(data) {
                    known.bans.insert(banned.user_id, banned.until);
                }
            }
            "user.unbanned" => {
                if let Ok(unbanned) = serde_json::from_str::<UserUnbanned>(data) {
                    known.bans.remove(&unbanned.user_id);
                }
            }
            _ => {}
        }
    }

    /// What the bearer of a token may do now; `forbidden` if the session has ended or the person is banned. Whether the
    /// token itself has ended is the caller's to know.
    pub fn check(&self, identity: &Identity, now: Timestamp) -> Result<Role, DomainError> {
        let known = self.known.read();
        known.admits(identity.user_id, now)?;
        known.goes_on(identity.session_id)?;
        // A token issued after the change says it itself, or tells of a later one.
        let changed = known.roles.get(&identity.user_id).filter(|(_, since)| identity.issued_at <= *since);
        Ok(changed.map_or(identity.role, |(role, _)| *role))
    }

    /// `forbidden` for a person who is banned.
    pub fn admits(&self, user: UserId, now: Timestamp) -> Result<(), DomainError> {
        self.known.read().admits(user, now)
    }

    /// `forbidden` for a session that was ended.
    pub fn check_session(&self, session: SessionId) -> Result<(), DomainError> {
        self.known.read().goes_on(session)
    }

    /// Whether this session was ended.
    pub fn has_ended(&self, session: SessionId) -> bool {
        self.known.read().sessions.contains_key(&session)
    }

    /// Forgets sessions whose every token has ended, and bans that have. Call it now and then.
    pub fn purge(&self, now: Timestamp) {
        let mut known = self.known.write();
        known.sessions.retain(|_, until| until.plus(MARGIN) > now);
        known.bans.retain(|_, until| until.is_none_or(|until| until.plus(MARGIN) > now));
    }
}

impl Known {
    fn goes_on(&self, session: SessionId) -> Result<(), DomainError> {
        if self.sessions.contains_key(&session) {
            return Err(DomainError::forbidden("this session has been signed out"));
        }
        Ok(())
    }

    fn admits(&self, user: UserId, now: Timestamp) -> Result<(), DomainError> {
        match self.bans.get(&user) {
            Some(until) if until.is_none_or(|until| until > now) => {
                Err(DomainError::forbidden("this person is banned"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "revocations_tests.rs"]
mod tests;
