//! Bans.

use super::{BanId, Timestamp, UserRef};
use serde::Serialize;
use utoipa::ToSchema;

/// A ban that is in force, as moderators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ban {
    /// Its place in lists.
    #[serde(skip)]
    pub id: BanId,
    /// Who is kept out.
    pub user: UserRef,
    /// When it ends by itself; none: when it is lifted.
    #[schema(required)]
    pub until: Option<Timestamp>,
    /// Why.
    #[schema(required)]
    pub reason: Option<String>,
    /// Who banned; none for an operator.
    #[schema(required)]
    pub by: Option<UserRef>,
    /// When.
    pub created_at: Timestamp,
}
