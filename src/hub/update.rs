//! What is to be told of a roster, and what of it somebody is owed who knows an earlier one.

use crate::protocol::server::Presence;

/// What changed from one revision to another.
pub struct Update {
    /// What those know who are told of the changes alone.
    pub before: u32,
    /// What is known by whoever was given this.
    pub revision: u32,
    /// All of it.
    pub whole: Presence,
    /// What changed.
    pub changes: Changes,
}

/// What those can be told who know how things stood.
pub enum Changes {
    /// Nothing: what came is gone again.
    None,
    /// This.
    Said(Presence),
    /// It cannot be said, or takes more words than all of it.
    Unsaid,
}

/// What somebody is owed by an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// They know it already.
    Nothing,
    /// They know what came before it, and nothing changed that could be told.
    Silence,
    /// They know what came before it.
    Changes,
    /// They know something older, or something in between.
    Whole,
}

impl Update {
    /// What is owed to somebody who was last told `revision`.
    pub fn due(&self, revision: u32) -> Due {
        if !is_newer(self.revision, revision) {
            return Due::Nothing;
        }
        match &self.changes {
            Changes::None if revision == self.before => Due::Silence,
            Changes::Said(_) if revision == self.before => Due::Changes,
            _ => Due::Whole,
        }
    }
}

/// Whether a revision came after another; they may go round.
pub fn is_newer(revision: u32, than: u32) -> bool {
    revision.wrapping_sub(than) as i32 > 0
}
