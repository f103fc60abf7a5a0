//! Notifications: what people are told on their own channel.

use super::{CommentId, NotificationId, PostId, Timestamp, UserId, UserRef};
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

/// Most actors that a notification names, the latest first.
pub const MAX_ACTORS: usize = 5;

/// A notification as its person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Notification {
    /// Which notification.
    pub id: NotificationId,
    /// `comment`, `reply`, `mention`, `reaction`, or whatever a back end calls its own.
    pub kind: String,
    /// The post's title, or what a back end wrote.
    pub title: String,
    /// The beginning of the comment's text, or what a back end wrote.
    #[schema(required)]
    pub body: Option<String>,
    /// Where to look; of the hub's own kinds an address of a post with the comment as its fragment.
    #[schema(required)]
    pub url: Option<String>,
    /// The post it is about.
    #[schema(required)]
    pub post_id: Option<PostId>,
    /// The comment it is about.
    #[schema(required)]
    pub comment_id: Option<CommentId>,
    /// Who caused it, the latest first, at most five.
    pub actors: Vec<UserRef>,
    /// How many people caused it, or how often a back end told it.
    #[schema(minimum = 1)]
    pub count: i64,
    /// When it first happened.
    pub created_at: Timestamp,
    /// When it last happened.
    pub updated_at: Timestamp,
    /// When it was read; none while it is unread.
    #[schema(required)]
    pub read_at: Option<Timestamp>,
    /// The last event that made or changed it.
    #[schema(minimum = 1)]
    pub seq: i64,
}

/// What the hub itself tells people of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Somebody wrote below their post.
    Comment,
    /// Somebody answered their comment.
    Reply,
    /// Somebody named them.
    Mention,
    /// Somebody reacted to their comment.
    Reaction,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Comment, Self::Reply, Self::Mention, Self::Reaction];

    /// The kind on the wire and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Reply => "reply",
            Self::Mention => "mention",
            Self::Reaction => "reaction",
        }
    }

    /// Reads a kind; none for those of back ends.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }

    /// What one person is told by one row of one comment.
    pub fn group_key(self, comment: CommentId) -> String {
        format!("{self}:{comment}")
    }

    /// Whom a comment tells and why, each person once, a mention before a reply before a comment on their post, and never
    /// its author.
    pub fn of_comment(
        author: UserId,
        post_author: Option<UserId>,
        parent_author: Option<UserId>,
        mentioned: impl IntoIterator<Item = UserId>,
    ) -> Vec<(UserId, Self)> {
        let mentioned = mentioned.into_iter().map(|user| (user, Self::Mention));
        let others = [(parent_author, Self::Reply), (post_author, Self::Comment)];
        let others = others.into_iter().filter_map(|(user, cause)| Some((user?, cause)));
        let mut told: Vec<(UserId, Self)> = Vec::new();
        for (user, cause) in mentioned.chain(others) {
            if user != author && !told.iter().any(|(other, _)| *other == user) {
                told.push((user, cause));
            }
        }
        told
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which notifications are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// These; others' and unknown ones are passed over.
    These(Vec<NotificationId>),
    /// All there are.
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_tells_each_person_once_by_what_concerns_them_most_and_never_its_author() {
        let [author, ada, bob] = [1, 2, 3].map(UserId);
        let of =
            |post, parent, mentioned: &[UserId]| Cause::of_comment(author, post, parent, mentioned.iter().copied());
        assert_eq!(of(Some(ada), Some(bob), &[]), [(bob, Cause::Reply), (ada, Cause::Comment)]);
        assert_eq!(of(Some(ada), Some(ada), &[]), [(ada, Cause::Reply)]);
        assert_eq!(of(Some(ada), Some(ada), &[bob, ada, bob]), [(bob, Cause::Mention), (ada, Cause::Mention)]);
        assert_eq!(of(Some(author), Some(author), &[author]), []);
        assert_eq!(of(None, None, &[]), []);
    }

    #[test]
    fn a_kind_is_read_back_as_what_wrote_it() {
        for cause in Cause::ALL {
            assert_eq!(Cause::from_name(cause.name()), Some(cause));
        }
        assert_eq!(Cause::from_name("order.paid"), None);
        assert_eq!(Cause::Reply.group_key(CommentId(7)), "reply:7");
    }
}
