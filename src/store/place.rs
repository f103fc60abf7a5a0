//! Where a write appends: the channel in whose order it stands. It may tell people on channels of their own besides.

use super::write::Write;
use crate::model::{Channel, CommentId};

/// Where a write appends first, as far as it says so itself.
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
    /// Where it appends. A rotation counts to the internal channel although it rarely gets there, a notice of a back end to
    /// the channel of the first it names; taking back waits for nobody.
    pub fn place(&self) -> Place {
        match self {
            Self::UpdatePost(w) => Place::Channel(Channel::Post(w.post_id)),
            Self::DeletePost(w) => Place::Channel(Channel::Post(w.post_id)),
            Self::ChangePage(w) => Place::Channel(Channel::Post(w.post_id)),
            Self::CreateComment(w) => Place::Channel(Channel::Post(w.post_id)),
            Self::EditComment(w) => Place::Comment(w.comment_id),
            Self::DeleteComment(w) => Place::Comment(w.comment_id),
            Self::React(w) => Place::Comment(w.comment_id),
            Self::Publish(w) => Place::Channel(w.channel),
            Self::MarkRead(w) => Place::Channel(Channel::User(w.user_id)),
            Self::Dismiss(w) => Place::Channel(Channel::User(w.user_id)),
            Self::Notify(w) => w.to.first().map_or(Place::Nowhere, |user| Place::Channel(Channel::User(*user))),
            Self::RotateRefresh(_)
            | Self::EndSession(_)
            | Self::EndSessions(_)
            | Self::EndHostSessions(_)
            | Self::SetRole(_)
            | Self::Ban(_)
            | Self::LiftBan(_) => Place::Channel(Channel::Revocations),
            Self::CreatePost(_)
            | Self::CreatePage(_)
            | Self::TakeBack(_)
            | Self::Register(_)
            | Self::OpenSession(_)
            | Self::UpdateAccount(_)
            | Self::EnsurePeople(_)
            | Self::EnsureHostPeople(_)
            | Self::CreateApiKey(_)
            | Self::RenewEpoch(_)
            | Self::Prune(_) => Place::Nowhere,
        }
    }
}
