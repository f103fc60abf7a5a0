//! Lists of comments: pages of a post in every order, and the first replies of many.

use super::comments::comments;
use crate::model::page::Sort;
use crate::model::{Channel, Comment, CommentId, PostId};
use crate::store::StoreError;
use crate::store::read::{Behind, Below};
use crate::store::rows::CommentRow;
use crate::store::write::Versioned;
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

/// A list: the page is cut before authors are looked up. `nulls first` is what only the list's own index can give, so
/// that no other order of work looks cheaper to the planner.
macro_rules! list {
    ($which:literal, oldest) => {
        comments!(
            "from (select * from comments where ",
            $which,
            " and id > $2 order by id nulls first limit $3) as c
             join users as u on u.id = c.author_id
             order by c.id"
        )
    };
    ($which:literal, newest) => {
        comments!(
            "from (select * from comments where ",
            $which,
            " and id < $2 order by id desc nulls last limit $3) as c
             join users as u on u.id = c.author_id
             order by c.id desc"
        )
    };
    // The number is turned round, as in the index: both parts of the place rise.
    ($which:literal, top) => {
        comments!(
            "from (select * from comments where ",
            $which,
            " and (-reaction_count, id) > ($4, $2)
                   order by -reaction_count nulls first, id nulls first limit $3) as c
             join users as u on u.id = c.author_id
             order by c.reaction_count desc, c.id"
        )
    };
}

/// The statement of a list: `$1` is the post, `$2` the id the page lies beyond, `$3` its length; then, by reactions, how
/// many that comment has, below nothing; at last the comment answered.
pub(super) fn list(below: Below, sort: Sort) -> &'static str {
    match (below, sort) {
        (Below::Anything, Sort::Oldest) => list!("post_id = $1", oldest),
        (Below::Anything, Sort::Newest) => list!("post_id = $1", newest),
        (Below::Roots, Sort::Oldest) => list!("post_id = $1 and parent_id is null", oldest),
        (Below::Roots, Sort::Newest) => list!("post_id = $1 and parent_id is null", newest),
        (Below::Anything, Sort::Top) => list!("post_id = $1", top),
        (Below::Roots, Sort::Top) => list!("post_id = $1 and parent_id is null", top),
        // A comment of another post has no replies here; finding that out costs one row, not all of them.
        (Below::Comment(_), Sort::Oldest) => {
            list!("parent_id = (select p.id from comments as p where p.id = $4 and p.post_id = $1)", oldest)
        }
        (Below::Comment(_), Sort::Newest) => {
            list!("parent_id = (select p.id from comments as p where p.id = $4 and p.post_id = $1)", newest)
        }
        (Below::Comment(_), Sort::Top) => {
            list!("parent_id = (select p.id from comments as p where p.id = $5 and p.post_id = $1)", top)
        }
    }
}

/// The statement of replies: `$1` the comments answered, `$2` how many of each. One walk along the index for each of them.
pub(super) const REPLIES: &str = comments!(
    "from unnest($1::bigint[]) as asked (id)
     cross join lateral (
         select * from comments where parent_id = asked.id order by id nulls first limit $2
     ) as c
     join users as u on u.id = c.author_id
     order by c.parent_id, c.id"
);

/// A page of a post's comments; the head is read before it.
pub(super) async fn page(
    db: &mut PgConnection,
    post: PostId,
    below: Below,
    sort: Sort,
    after: Option<Behind>,
    limit: i64,
) -> Result<Option<Versioned<Vec<Comment>>>, StoreError> {
    let head: Option<i64> = sqlx::query_scalar("select head from channels where name = $1 and not closed")
        .bind(Channel::Post(post).name())
        .fetch_optional(&mut *db)
        .await?;
    let Some(seq) = head else { return Ok(None) };
    let beyond = match (after, sort) {
        (Some(after), _) => after.id.0,
        (None, Sort::Oldest | Sort::Top) => 0,
        (None, Sort::Newest) => i64::MAX,
    };
    let asked = sqlx::query_as(list(below, sort)).bind(post).bind(beyond).bind(limit.max(0));
    let asked = if sort == Sort::Top { asked.bind(after.map_or(i64::MIN, |after| -after.reactions)) } else { asked };
    let asked = if let Below::Comment(parent) = below { asked.bind(parent) } else { asked };
    let rows: Vec<CommentRow> = asked.fetch_all(db).await?;
    Ok(Some(Versioned { value: rows.into_iter().map(Comment::from).collect(), seq }))
}

/// The oldest direct replies of each of these comments.
pub(super) async fn replies(
    db: &mut PgConnection,
    parents: &[CommentId],
    limit: i64,
) -> Result<HashMap<CommentId, Vec<Comment>>, StoreError> {
    let ids: Vec<i64> = parents.iter().map(|id| id.0).collect();
    let rows: Vec<CommentRow> = sqlx::query_as(REPLIES).bind(ids).bind(limit.max(0)).fetch_all(db).await?;
    let mut replies = HashMap::<_, Vec<_>>::new();
    for row in rows {
        if let Some(parent) = row.parent_id {
            replies.entry(parent).or_default().push(row.into());
        }
    }
    Ok(replies)
}
