//! Bans.

use super::{BanId, Timestamp, UserRef};
use serde::Serialize;

/// A ban that is in force, as moderators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ban {
    /// Its place in lists.
    #[serde(skip)]
    pub id: BanId,
    /// Who is kept out.
    pub user: UserRef,
    /// When it ends by itself; none: when it is lifted.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// Who banned; none for an operator.
    pub by: Option<UserRef>,
    /// When.
    pub created_at: Timestamp,
}
