//! Changes by which people are kept out, and let in again.

use super::error::Rejection;
use crate::model::{Account, Role, Timestamp, UserId};

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// By id.
    Id(UserId),
    /// By handle.
    Handle(String),
}

/// A person who moderates, as of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moderator {
    /// Who.
    pub user_id: UserId,
    /// What they are: only people below it can be banned by them.
    pub role: Role,
}

/// Keeps a person out: `user.banned` on the internal channel. `NotFound` for an unknown person; `Forbidden` for oneself
/// and for somebody of the same or a higher role. An equal ban that is in force appends nothing, nor does another reason
/// for one that ends at the same time.
#[derive(Debug, Clone)]
pub struct Ban {
    /// Who is banned.
    pub whom: Whom,
    /// Who bans; none for an operator, who may ban anybody.
    pub by: Option<Moderator>,
    /// When it ends by itself; none: when it is lifted.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// Lets a person in again: `user.unbanned` on the internal channel, if a ban is in force. `NotFound` and `Forbidden` as
/// for [`Ban`].
#[derive(Debug, Clone)]
pub struct LiftBan {
    /// Who is let in.
    pub whom: Whom,
    /// Who lifts; none for an operator.
    pub by: Option<Moderator>,
}

/// Whether a ban of this person is this moderator's to make and to lift.
pub(super) fn may_keep_out(by: Option<Moderator>, account: &Account) -> Result<(), Rejection> {
    match by {
        Some(by) if by.user_id == account.user.id => Err(Rejection::Forbidden("nobody bans themselves")),
        Some(by) if by.role <= account.role => {
            Err(Rejection::Forbidden("somebody of the same or a higher role cannot be banned"))
        }
        _ => Ok(()),
    }
}
