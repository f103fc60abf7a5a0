//! Where a write appends.

use super::write::Write;
use crate::model::{Channel, CommentId};

/// Where a write appends, as far as it says so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// To this channel.
    Channel(Channel),
    /// To the channel of this comment's post.
    Comment(CommentId),
    /// To no channel that is there before it.
    Nowhere,
}

impl Write {
    /// Where it appends. A rotation counts to the internal channel although it rarely gets there.
    pub fn place(&self) -> Place {
        match self {
            Self::UpdatePost(w) => Place::Channel(Channel::Post(w.post_id)),
            Self::DeletePost(w) => Place::Channel(Channel::Post(w.post_id)),
            Self::CreateComment(w) => Place::Channel(Channel::Post(w.post_id)),
            Self::EditComment(w) => Place::Comment(w.comment_id),
            Self::DeleteComment(w) => Place::Comment(w.comment_id),
            Self::React(w) => Place::Comment(w.comment_id),
            Self::Publish(w) => Place::Channel(w.channel),
            Self::RotateRefresh(_)
            | Self::EndSession(_)
            | Self::EndSessions(_)
            | Self::SetRole(_)
            | Self::Ban(_)
            | Self::LiftBan(_) => Place::Channel(Channel::Revocations),
            Self::CreatePost(_)
            | Self::Register(_)
            | Self::OpenSession(_)
            | Self::UpdateAccount(_)
            | Self::EnsurePeople(_)
            | Self::CreateApiKey(_)
            | Self::RenewEpoch(_)
            | Self::Prune(_) => Place::Nowhere,
        }
    }
}
