//! Who somebody is, as their token says.

use crate::model::{Role, SessionId, Timestamp, UserId, UserRef};
use crate::store::write::Actor;

/// A person as vouched for by an access token: enough to serve them without asking the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who.
    pub user_id: UserId,
    /// The name shown, as of the token.
    pub name: String,
    /// The unique name, as of the token.
    pub handle: String,
    /// A picture, as of the token.
    pub avatar_url: Option<String>,
    /// What they may do; a change takes effect before the token ends, where it was heard of.
    pub role: Role,
    /// The session that the token came of.
    pub session_id: SessionId,
    /// When the token was issued, in whole seconds.
    pub issued_at: Timestamp,
    /// When the token ends, in whole seconds.
    pub expires_at: Timestamp,
}

impl Identity {
    /// The person as others see them.
    pub fn user(&self) -> UserRef {
        UserRef {
            id: self.user_id,
            name: self.name.clone(),
            handle: self.handle.clone(),
            avatar_url: self.avatar_url.clone(),
        }
    }

    /// The person as somebody who asks the store for a change.
    pub fn actor(&self) -> Actor {
        Actor { user_id: self.user_id, moderates: self.role.moderates() }
    }

    /// The name under which idempotency keys of this person are kept.
    pub fn caller(&self) -> String {
        format!("u:{}", self.user_id)
    }
}
