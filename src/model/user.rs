//! People.

use super::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person as others see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Person)]
pub struct UserRef {
    /// Who it is.
    pub id: UserId,
    /// The name shown.
    pub name: String,
    /// The unique name that mentions use.
    pub handle: String,
    /// A picture, http or https.
    #[schema(required, format = "uri")]
    pub avatar_url: Option<String>,
}

/// A person as they see themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    /// What everyone sees.
    #[serde(flatten)]
    pub user: UserRef,
    /// The address to sign in with; of people of the host's site the one that the site gave, if it did.
    #[schema(required)]
    pub email: Option<String>,
    /// The host site's own name for the person; left out for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// What they may do.
    pub role: Role,
    /// When they first came.
    pub created_at: Timestamp,
}

/// What a person may do beyond their own things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Their own things only.
    User,
    /// Also bans, and changes or deletes what others wrote.
    Moderator,
    /// As a moderator; kept apart for what operators will need.
    Admin,
}

impl Role {
    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::Moderator, Self::Admin].into_iter().find(|role| role.name() == name)
    }

    /// Whether this role may act on what others wrote.
    pub fn moderates(self) -> bool {
        self >= Self::Moderator
    }
}
