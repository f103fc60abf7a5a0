//! What a token that has not ended is worth no more: ended sessions and changed roles, in memory, for every instance.
//!
//! Loaded before the instance is ready, then fed with the events of the internal channel in their order.

use super::{DomainError, Identity};
use crate::model::event::{RoleChanged, SessionRevoked};
use crate::model::{Channel, Event, Role, SessionId, Timestamp, UserId};
use crate::store::read::Revocation;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::time::Duration;

/// How long an ended session is remembered beyond its last token, should instances read the time differently.
const MARGIN: Duration = Duration::from_secs(60);

/// The ended sessions and changed roles that this instance knows of.
#[derive(Default)]
pub struct Revocations {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    /// Until when each ended session must be remembered.
    sessions: HashMap<SessionId, Timestamp>,
    /// What a person has been since when; kept while the process lives, as roles change by an operator's hand only.
    roles: HashMap<UserId, (Role, Timestamp)>,
}

impl Revocations {
    /// Adds what the store remembers.
    pub fn load(&self, revoked: &[Revocation]) {
        let sessions = revoked.iter().map(|revoked| (revoked.session_id, revoked.until));
        self.known.write().sessions.extend(sessions);
    }

    /// Takes in an event of the internal channel; others, and kinds that a newer version made, are passed over.
    pub fn apply(&self, event: &Event) {
        if event.channel != Channel::Revocations {
            return;
        }
        match event.kind.as_ref() {
            "session.revoked" => {
                if let Ok(revoked) = serde_json::from_str::<SessionRevoked>(event.data.get()) {
                    self.known.write().sessions.insert(revoked.session_id, revoked.until);
                }
            }
            "role.changed" => {
                if let Ok(changed) = serde_json::from_str::<RoleChanged>(event.data.get()) {
                    self.known.write().roles.insert(changed.user_id, (changed.role, event.at));
                }
            }
            _ => {}
        }
    }

    /// What the bearer of a token may do now; `forbidden` if the session has ended. Whether the token itself has ended is
    /// the caller's to know.
    pub fn check(&self, identity: &Identity) -> Result<Role, DomainError> {
        let known = self.known.read();
        if known.sessions.contains_key(&identity.session_id) {
            return Err(DomainError::forbidden("this session has been signed out"));
        }
        // A token issued after the change says it itself, or tells of a later one.
        let changed = known.roles.get(&identity.user_id).filter(|(_, since)| identity.issued_at <= *since);
        Ok(changed.map_or(identity.role, |(role, _)| *role))
    }

    /// Whether this session was ended.
    pub fn has_ended(&self, session: SessionId) -> bool {
        self.known.read().sessions.contains_key(&session)
    }

    /// Forgets sessions whose every token has ended. Call it now and then.
    pub fn purge(&self, now: Timestamp) {
        self.known.write().sessions.retain(|_, until| until.plus(MARGIN) > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EventData;
    use crate::protocol::codes::ErrorCode;

    fn identity(session: i64, issued_at: i64) -> Identity {
        Identity {
            user_id: UserId(1),
            name: "Ada".into(),
            handle: "ada".into(),
            avatar_url: None,
            role: Role::User,
            session_id: SessionId(session),
            issued_at: Timestamp(issued_at),
            expires_at: Timestamp(100_000),
        }
    }

    fn revoked(session: i64, until: i64) -> Event {
        let data = SessionRevoked { session_id: SessionId(session), user_id: UserId(1), until: Timestamp(until) };
        EventData::SessionRevoked(data).at(Channel::Revocations, 1, Timestamp(5_000))
    }

    #[test]
    fn an_ended_session_is_remembered_until_its_last_token_has_ended() {
        let revocations = Revocations::default();
        assert!(revocations.check(&identity(7, 0)).is_ok());
        revocations.apply(&revoked(7, 100_000));
        assert_eq!(revocations.check(&identity(7, 0)).unwrap_err().code, ErrorCode::Forbidden);
        assert!(revocations.check(&identity(8, 0)).is_ok());
        revocations.purge(Timestamp(100_000));
        assert!(revocations.has_ended(SessionId(7)));
        revocations.purge(Timestamp(160_000));
        assert!(!revocations.has_ended(SessionId(7)));
    }

    #[test]
    fn what_the_store_remembers_counts_as_what_was_heard() {
        let revocations = Revocations::default();
        let row = Revocation { user_id: UserId(1), session_id: SessionId(7), until: Timestamp(9) };
        revocations.load(&[row]);
        assert!(revocations.has_ended(SessionId(7)));
    }

    #[test]
    fn a_changed_role_holds_for_tokens_from_before() {
        let revocations = Revocations::default();
        let change = |role, at| {
            EventData::RoleChanged(RoleChanged { user_id: UserId(1), role }).at(Channel::Revocations, 1, Timestamp(at))
        };
        revocations.apply(&change(Role::Moderator, 5_500));
        assert_eq!(revocations.check(&identity(7, 5_000)).unwrap(), Role::Moderator);
        assert_eq!(revocations.check(&identity(7, 6_000)).unwrap(), Role::User);
        revocations.apply(&change(Role::User, 6_500));
        assert_eq!(revocations.check(&identity(7, 5_000)).unwrap(), Role::User);
    }

    #[test]
    fn events_of_other_channels_say_nothing_here() {
        let revocations = Revocations::default();
        let mut event = revoked(7, 100_000);
        event.channel = Channel::User(UserId(1));
        revocations.apply(&event);
        assert!(!revocations.has_ended(SessionId(7)));
    }
}
