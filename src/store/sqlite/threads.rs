//! Comments as they are read: pages of a post in every order, and the first replies of many.

use super::Sqlite;
use super::comments::comments;
use crate::model::page::Sort;
use crate::model::{Channel, Comment, CommentId, PostId, UserId};
use crate::store::StoreError;
use crate::store::read::{Behind, Below, ReadComments};
use crate::store::rows::CommentRow;
use crate::store::write::Versioned;
use async_trait::async_trait;
use std::collections::HashMap;

/// A list by reactions: those with as many as the comment it goes on from, then those with fewer, each along the index.
macro_rules! top {
    ($which:literal) => {
        comments!(
            "join (select * from (select id as page_id, reaction_count as rank
                                    from comments
                                   where ",
            $which,
            " and reaction_count = $5 and id > $2
                                   order by id
                                   limit $3)
                   union all
                   select * from (select id, reaction_count
                                    from comments
                                   where ",
            $which,
            " and reaction_count < $5
                                   order by reaction_count desc, id
                                   limit $3)) as page on page.page_id = c.id
             order by page.rank desc, c.id
             limit $3"
        )
    };
}

/// The statement for a list; `$1` is what it is below, `$2` what it goes on from, `$3` its limit, `$4` the post, `$5` for
/// one by reactions how many the comment has that it goes on from.
pub(super) fn list(below: Below, sort: Sort) -> &'static str {
    match (below, sort) {
        (Below::Anything, Sort::Oldest) => {
            comments!("where c.post_id = $1 and c.id > $2 order by c.id limit $3")
        }
        (Below::Anything, Sort::Newest) => {
            comments!("where c.post_id = $1 and c.id < $2 order by c.id desc limit $3")
        }
        (Below::Roots, Sort::Oldest) => {
            comments!("where c.post_id = $1 and c.parent_id is null and c.id > $2 order by c.id limit $3")
        }
        (Below::Roots, Sort::Newest) => {
            comments!("where c.post_id = $1 and c.parent_id is null and c.id < $2 order by c.id desc limit $3")
        }
        (Below::Comment(_), Sort::Oldest) => {
            comments!("where c.parent_id = $1 and c.id > $2 and c.post_id = $4 order by c.id limit $3")
        }
        (Below::Comment(_), Sort::Newest) => {
            comments!("where c.parent_id = $1 and c.id < $2 and c.post_id = $4 order by c.id desc limit $3")
        }
        (Below::Anything, Sort::Top) => top!("post_id = $1"),
        (Below::Roots, Sort::Top) => top!("post_id = $1 and parent_id is null"),
        (Below::Comment(_), Sort::Top) => {
            top!("parent_id = (select id from comments where id = $1 and post_id = $4)")
        }
    }
}

/// The statement of replies: `$1` the comments answered, `$2` how many of each.
pub(super) const REPLIES: &str = comments!(
    "where c.id in (select reply.id
                      from json_each($1) as asked
                      join comments as reply
                        on reply.id in (select r.id from comments as r where r.parent_id = asked.value
                                         order by r.id limit $2))
     order by c.parent_id, c.id"
);

impl Sqlite {
    /// The head of a post's channel; none where the post is deleted or never was.
    async fn open_head(&self, post: PostId) -> Result<Option<i64>, StoreError> {
        let head = sqlx::query_scalar("select head from channels where name = $1 and not closed")
            .bind(Channel::Post(post).name())
            .fetch_optional(&self.readers)
            .await?;
        Ok(head)
    }
}

#[async_trait]
impl ReadComments for Sqlite {
    async fn comment(&self, id: CommentId) -> Result<Option<Versioned<Comment>>, StoreError> {
        let head: Option<i64> = sqlx::query_scalar(
            "select ch.head
               from comments as c
               join channels as ch on ch.name = 'post:' || c.post_id and not ch.closed
              where c.id = $1",
        )
        .bind(id)
        .fetch_optional(&self.readers)
        .await?;
        let Some(seq) = head else { return Ok(None) };
        let row: Option<CommentRow> =
            sqlx::query_as(comments!("where c.id = $1")).bind(id).fetch_optional(&self.readers).await?;
        Ok(row.map(|row| Versioned { value: row.into(), seq }))
    }

    async fn comments(
        &self,
        post: PostId,
        below: Below,
        sort: Sort,
        after: Option<Behind>,
        limit: i64,
    ) -> Result<Option<Versioned<Vec<Comment>>>, StoreError> {
        let Some(seq) = self.open_head(post).await? else { return Ok(None) };
        let below_id = match below {
            Below::Anything | Below::Roots => post.0,
            Below::Comment(id) => id.0,
        };
        let from = after.map_or(if sort == Sort::Oldest { 0 } else { i64::MAX }, |after| after.id.0);
        let asked = sqlx::query_as(list(below, sort)).bind(below_id).bind(from).bind(limit.max(0)).bind(post);
        let asked = if sort == Sort::Top { asked.bind(after.map_or(i64::MAX, |after| after.reactions)) } else { asked };
        let rows: Vec<CommentRow> = asked.fetch_all(&self.readers).await?;
        Ok(Some(Versioned { value: rows.into_iter().map(Comment::from).collect(), seq }))
    }

    async fn replies(&self, parents: &[CommentId], limit: i64) -> Result<HashMap<CommentId, Vec<Comment>>, StoreError> {
        let rows: Vec<CommentRow> = sqlx::query_as(REPLIES)
            .bind(serde_json::json!(parents).to_string())
            .bind(limit.max(0))
            .fetch_all(&self.readers)
            .await?;
        let mut replies = HashMap::<_, Vec<_>>::new();
        for row in rows {
            if let Some(parent) = row.parent_id {
                replies.entry(parent).or_default().push(row.into());
            }
        }
        Ok(replies)
    }

    async fn chosen(
        &self,
        reader: UserId,
        comments: &[CommentId],
    ) -> Result<HashMap<CommentId, Vec<String>>, StoreError> {
        self.chosen_on(reader, comments).await
    }
}
