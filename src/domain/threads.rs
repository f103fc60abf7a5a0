//! Comments as readers see them: pages in every order, with the first replies, and what the reader chose.

use super::comments::Comments;
use super::{DomainError, Identity, paging};
use crate::model::page::{
    ForeignCursor, Page, Sort, page, page_with, read_ranked_cursor, write_cursor, write_ranked_cursor,
};
use crate::model::{Comment, CommentId, PostId};
use crate::store::read::{Behind, Below};
use crate::store::write::Versioned;
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

/// Most replies that come with a comment.
const MOST_REPLIES: i64 = 10;

/// How many levels of replies come with a comment.
const LEVELS: usize = 2;

/// Which comments of a post, as the client wrote it.
#[derive(Debug, Clone, Default)]
pub struct CommentList {
    /// `oldest` (default), `newest` or `top`.
    pub sort: Option<String>,
    /// None: all of them, flat; `0`: the roots; else direct replies of that comment.
    pub parent_id: Option<String>,
    /// How many of the oldest replies come with each.
    pub replies: Option<String>,
    /// Where the page begins.
    pub cursor: Option<String>,
    /// How many.
    pub limit: Option<String>,
}

/// A comment as one reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CommentView {
    /// What everyone sees.
    #[serde(flatten)]
    pub comment: Comment,
    /// The emoji this reader chose, for readers who are signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    pub my_reactions: Option<Vec<String>>,
    /// Its oldest direct replies, where the list was asked for them; two levels deep.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Replies, required = false)]
    pub replies: Option<Replies>,
}

/// The first replies of a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Replies {
    /// The replies, oldest first.
    #[schema(no_recursion)]
    pub items: Vec<CommentView>,
    /// Where the list of them goes on: `?parent_id={the comment}&sort=oldest`; null where these are all.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl Comments {
    /// A page of a post's comments, tombstones included, as this reader sees it, with the head of its channel as of before.
    ///
    /// # Errors
    /// `bad_request` for what of the list makes no sense, `not_found` for a post that is not there.
    pub async fn list(
        &self,
        reader: Option<&Identity>,
        post: PostId,
        list: &CommentList,
    ) -> Result<Versioned<Page<CommentView>>, DomainError> {
        let sort = sort(list.sort.as_deref())?;
        let below = below(list.parent_id.as_deref())?;
        let replies = replies(list.replies.as_deref())?;
        let limit = paging::limit(list.limit.as_deref())?;
        let name = name(post, below, sort);
        let after = after(&name, sort, list.cursor.as_deref())?;
        let comments = self.store.read().comments(post, below, sort, after, limit + 1).await?;
        let Versioned { value, seq } = comments.ok_or_else(|| DomainError::not_found("post not found"))?;
        let Page { items, next_cursor } = page_with(value, limit, |last| {
            let Behind { id, reactions } = Behind::comment(last);
            if sort == Sort::Top { write_ranked_cursor(&name, reactions, id.0) } else { write_cursor(&name, id.0) }
        });

        let below = self.replies(&items, replies).await?;
        let chosen = self.chosen(reader, items.iter().chain(below.values().flatten())).await?;
        let levels = if replies == 0 { 0 } else { LEVELS };
        let tree = Tree { post, replies, below, chosen };
        let items = items.into_iter().map(|comment| tree.view(comment, levels)).collect();
        Ok(Versioned { value: Page { items, next_cursor }, seq })
    }

    /// A comment as this reader sees it.
    pub async fn view(&self, reader: Option<&Identity>, comment: Comment) -> Result<CommentView, DomainError> {
        let chosen = self.chosen(reader, std::iter::once(&comment)).await?;
        Ok(view(chosen.as_ref(), comment, None))
    }

    /// The replies that come with these comments and one more of each, by the comment they answer.
    async fn replies(
        &self,
        comments: &[Comment],
        replies: i64,
    ) -> Result<HashMap<CommentId, Vec<Comment>>, DomainError> {
        let mut below = HashMap::new();
        if replies == 0 {
            return Ok(below);
        }
        let answered = |comment: &Comment| (comment.reply_count > 0).then_some(comment.id);
        let mut parents: Vec<CommentId> = comments.iter().filter_map(answered).collect();
        let shown = usize::try_from(replies).unwrap_or_default();
        for _ in 0..LEVELS {
            if parents.is_empty() {
                break;
            }
            let level = self.store.read().replies(&parents, replies + 1).await?;
            parents = level.values().flat_map(|of_one| of_one.iter().take(shown)).filter_map(answered).collect();
            below.extend(level);
        }
        Ok(below)
    }

    /// What this reader chose on these comments, in one query; none for nobody signed in.
    async fn chosen(
        &self,
        reader: Option<&Identity>,
        comments: impl Iterator<Item = &Comment>,
    ) -> Result<Option<Chosen>, DomainError> {
        let Some(reader) = reader else { return Ok(None) };
        let with: Vec<CommentId> = comments.filter(|c| !c.reactions.is_empty()).map(|c| c.id).collect();
        Ok(Some(self.store.read().chosen(reader.user_id, &with).await?))
    }
}

/// What a reader chose, by comment.
type Chosen = HashMap<CommentId, Vec<String>>;

/// What was read to put comments and replies together.
struct Tree {
    post: PostId,
    replies: i64,
    below: HashMap<CommentId, Vec<Comment>>,
    chosen: Option<Chosen>,
}

impl Tree {
    fn view(&self, comment: Comment, levels: usize) -> CommentView {
        let replies = (levels > 0).then(|| {
            let rows = self.below.get(&comment.id).cloned().unwrap_or_default();
            let list = name(self.post, Below::Comment(comment.id), Sort::Oldest);
            let Page { items, next_cursor } = page(&list, rows, self.replies, |reply| reply.id.0);
            Replies { items: items.into_iter().map(|reply| self.view(reply, levels - 1)).collect(), next_cursor }
        });
        view(self.chosen.as_ref(), comment, replies)
    }
}

fn view(chosen: Option<&Chosen>, comment: Comment, replies: Option<Replies>) -> CommentView {
    let my_reactions = chosen.map(|chosen| chosen.get(&comment.id).cloned().unwrap_or_default());
    CommentView { comment, my_reactions, replies }
}

/// The name of a list in its cursors.
fn name(post: PostId, below: Below, sort: Sort) -> String {
    format!("comments/{post}/{below:?}/{sort:?}")
}

fn after(list: &str, sort: Sort, cursor: Option<&str>) -> Result<Option<Behind>, DomainError> {
    let (Sort::Top, Some(cursor)) = (sort, cursor) else {
        let id = paging::after::<CommentId>(list, cursor)?;
        return Ok(id.map(|id| Behind { id, reactions: 0 }));
    };
    let read = read_ranked_cursor(list, cursor).ok();
    let behind = read.and_then(|(reactions, id)| Some(Behind { id: CommentId::try_from(id).ok()?, reactions }));
    let behind = behind.filter(|behind| behind.reactions >= 0);
    behind.map(Some).ok_or_else(|| DomainError::bad_request(ForeignCursor.to_string()))
}

fn sort(name: Option<&str>) -> Result<Sort, DomainError> {
    match name {
        None | Some("oldest") => Ok(Sort::Oldest),
        Some("newest") => Ok(Sort::Newest),
        Some("top") => Ok(Sort::Top),
        Some(_) => Err(DomainError::bad_request("`sort` is `oldest`, `newest` or `top`")),
    }
}

fn below(parent_id: Option<&str>) -> Result<Below, DomainError> {
    match parent_id {
        None => Ok(Below::Anything),
        Some("0") => Ok(Below::Roots),
        Some(id) => {
            let id = id.parse().map_err(|_| DomainError::bad_request("`parent_id` is the id of a comment, or 0"))?;
            Ok(Below::Comment(id))
        }
    }
}

fn replies(number: Option<&str>) -> Result<i64, DomainError> {
    let Some(number) = number else { return Ok(0) };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|number| digits && *number <= MOST_REPLIES);
    number.ok_or_else(|| DomainError::bad_request(format!("`replies` is a number from 0 to {MOST_REPLIES}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_a_number_from_nought_to_ten() {
        for (text, number) in [(None, 0), (Some("0"), 0), (Some("1"), 1), (Some("10"), 10)] {
            assert_eq!(replies(text), Ok(number), "{text:?}");
        }
        for bad in ["", "11", "-1", "+1", "1.0", "ten", "99999999999999999999"] {
            assert!(replies(Some(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_cursor_of_one_order_is_none_of_another() {
        let ranked = write_ranked_cursor("l", 3, 7);
        assert_eq!(after("l", Sort::Top, Some(&ranked)), Ok(Some(Behind { id: CommentId(7), reactions: 3 })));
        assert_eq!(after("l", Sort::Top, None), Ok(None));
        for bad in [write_cursor("l", 7), write_ranked_cursor("l", -1, 7), write_ranked_cursor("l", 3, 0), "?".into()] {
            assert!(after("l", Sort::Top, Some(&bad)).is_err(), "{bad}");
        }
        assert!(after("l", Sort::Oldest, Some(&ranked)).is_err());
    }
}
