//! Comments.

use super::failure::Failure;
use crate::model::event::{Counted, ParentCount};
use crate::model::page::Sort;
use crate::model::{Channel, Comment, CommentId, EventData, PostId};
use crate::store::compose::CommentFacts;
use crate::store::error::{Rejection, StoreError};
use crate::store::ledger::Ledger;
use crate::store::read::Below;
use crate::store::rows::CommentRow;
use crate::store::write::{DeleteComment, EditComment, Versioned};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use std::borrow::Cow;
use std::collections::HashMap;

const NOT_FOUND: Rejection = Rejection::NotFound("comment");

/// The columns of comments `c` with their author `u`, and the rest of the statement.
macro_rules! comments {
    ($($rest:expr),+ $(,)?) => {
        concat!(
            "select c.id, c.post_id, c.parent_id, c.root_id, c.depth, c.body, c.html, c.key, c.seq, c.updated_seq,
                    c.reactions, c.reply_count, c.created_at, c.edited_at, c.deleted_at,
                    u.id as author_id, u.name as author_name, u.handle as author_handle,
                    u.avatar_url as author_avatar_url ",
            $($rest),+
        )
    };
}

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
}

/// The statement of a list: `$1` is the post, `$2` what the page lies beyond, `$3` its length, `$4` the comment answered.
pub(super) fn list(below: Below, sort: Sort) -> &'static str {
    match (below, sort) {
        (Below::Anything, Sort::Oldest) => list!("post_id = $1", oldest),
        (Below::Anything, Sort::Newest) => list!("post_id = $1", newest),
        (Below::Roots, Sort::Oldest) => list!("post_id = $1 and parent_id is null", oldest),
        (Below::Roots, Sort::Newest) => list!("post_id = $1 and parent_id is null", newest),
        // A comment of another post has no replies here; finding that out costs one row, not all of them.
        (Below::Comment(_), Sort::Oldest) => {
            list!("parent_id = (select p.id from comments as p where p.id = $4 and p.post_id = $1)", oldest)
        }
        (Below::Comment(_), Sort::Newest) => {
            list!("parent_id = (select p.id from comments as p where p.id = $4 and p.post_id = $1)", newest)
        }
    }
}

#[derive(Debug, FromRow)]
struct Headed {
    head: i64,
    #[sqlx(flatten)]
    row: CommentRow,
}

/// A comment whose post is not deleted, with the head of its channel, in one statement and so of one moment.
pub(super) async fn versioned(db: &mut PgConnection, id: CommentId) -> Result<Option<Versioned<Comment>>, StoreError> {
    let found: Option<Headed> = sqlx::query_as(comments!(
        ", ch.head
         from comments as c
         join users as u on u.id = c.author_id
         join channels as ch on ch.name = 'post:' || c.post_id and not ch.closed
         where c.id = $1"
    ))
    .bind(id)
    .fetch_optional(db)
    .await?;
    Ok(found.map(|Headed { head, row }| Versioned { value: row.into(), seq: head }))
}

/// A page of a post's comments; the head is read before it.
pub(super) async fn page(
    db: &mut PgConnection,
    post: PostId,
    below: Below,
    sort: Sort,
    after: Option<CommentId>,
    limit: i64,
) -> Result<Option<Versioned<Vec<Comment>>>, StoreError> {
    let head: Option<i64> = sqlx::query_scalar("select head from channels where name = $1 and not closed")
        .bind(Channel::Post(post).name())
        .fetch_optional(&mut *db)
        .await?;
    let Some(seq) = head else { return Ok(None) };
    let beyond = match (after, sort) {
        (Some(id), _) => id.0,
        (None, Sort::Oldest) => 0,
        (None, Sort::Newest) => i64::MAX,
    };
    let asked = sqlx::query_as(list(below, sort)).bind(post).bind(beyond).bind(limit.max(0));
    let asked = if let Below::Comment(parent) = below { asked.bind(parent) } else { asked };
    let rows: Vec<CommentRow> = asked.fetch_all(db).await?;
    Ok(Some(Versioned { value: rows.into_iter().map(Comment::from).collect(), seq }))
}

/// Comments, tombstones included, of posts that are not deleted.
pub(super) async fn by_ids(db: &mut PgConnection, ids: &[i64]) -> Result<HashMap<CommentId, Comment>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<CommentRow> = sqlx::query_as(comments!(
        "from comments as c
         join posts as p on p.id = c.post_id and p.deleted_at is null
         join users as u on u.id = c.author_id
         where c.id = any($1)"
    ))
    .bind(ids)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
}

/// Changes a comment's text.
pub(super) async fn edit(db: &mut PgConnection, ledger: &mut Ledger, w: &EditComment) -> Result<Comment, Failure> {
    let row = current(db, ledger, w.comment_id).await?.ok_or(NOT_FOUND)?;
    if row.author_id != w.actor.user_id {
        return Err(Rejection::Forbidden("only its author may edit a comment").into());
    }
    if row.deleted_at.is_some() {
        return Err(Rejection::Conflict(Cow::Borrowed("the comment is deleted")).into());
    }
    super::hot::storable(&w.body, "/body")?;
    let mut comment = Comment::from(row);
    if comment.body == w.body {
        return Ok(comment);
    }
    let channel = Channel::Post(comment.post_id);
    comment.body.clone_from(&w.body);
    comment.html.clone_from(&w.html);
    comment.edited_at = Some(ledger.now());
    comment.updated_seq = ledger.next_seq(channel);
    sqlx::query("update comments set body = $2, html = $3, edited_at = $4, updated_seq = $5 where id = $1")
        .bind(comment.id)
        .bind(&comment.body)
        .bind(&comment.html)
        .bind(comment.edited_at)
        .bind(comment.updated_seq)
        .execute(db)
        .await?;
    let data = EventData::CommentUpdated(&comment);
    ledger.append(channel, &data, Some(comment.id.0), Some(w.actor.user_id), None);
    Ok(comment)
}

/// Makes a comment a tombstone.
pub(super) async fn delete(db: &mut PgConnection, ledger: &mut Ledger, w: &DeleteComment) -> Result<Comment, Failure> {
    let mut row = current(db, ledger, w.comment_id).await?.ok_or(NOT_FOUND)?;
    if row.author_id != w.actor.user_id && !w.actor.moderates {
        return Err(Rejection::Forbidden("only its author or a moderator may delete a comment").into());
    }
    if row.deleted_at.is_some() {
        return Ok(row.into());
    }
    let channel = Channel::Post(row.post_id);
    row.body = String::new();
    row.html = String::new();
    row.reactions = "{}".into();
    row.deleted_at = Some(ledger.now());
    row.updated_seq = ledger.next_seq(channel);
    sqlx::query(
        "update comments
         set body = '', html = '', reactions = '{}', reaction_count = 0, deleted_at = $2, updated_seq = $3
         where id = $1",
    )
    .bind(row.id)
    .bind(row.deleted_at)
    .bind(row.updated_seq)
    .execute(&mut *db)
    .await?;
    sqlx::query("delete from reactions where comment_id = $1").bind(row.id).execute(&mut *db).await?;
    let parent = parent_count(db, row.parent_id).await?;
    let comment = Comment::from(row);
    ledger.change(channel, |row| row.comment_count -= 1);
    let comment_count = ledger.row(channel).map_or(0, |row| row.comment_count);
    let facts = facts(comment_count, parent)?;
    let data = EventData::CommentDeleted(Counted { comment: &comment, comment_count, parent });
    ledger.append(channel, &data, Some(comment.id.0), Some(w.actor.user_id), Some(facts));
    Ok(comment)
}

/// `facts` of an event that counts.
pub(super) fn facts(comment_count: i64, parent: Option<ParentCount>) -> Result<String, StoreError> {
    serde_json::to_string(&CommentFacts { comment_count, parent })
        .map_err(|error| StoreError::Internal(error.to_string()))
}

async fn parent_count(db: &mut PgConnection, id: Option<CommentId>) -> Result<Option<ParentCount>, sqlx::Error> {
    let Some(id) = id else { return Ok(None) };
    let reply_count: Option<i64> =
        sqlx::query_scalar("select reply_count from comments where id = $1").bind(id).fetch_optional(db).await?;
    Ok(reply_count.map(|reply_count| ParentCount { id, reply_count }))
}

/// A comment under its channel's lock; none where it is not there or its post is deleted.
async fn current(db: &mut PgConnection, ledger: &Ledger, id: CommentId) -> Result<Option<CommentRow>, sqlx::Error> {
    let row: Option<CommentRow> =
        sqlx::query_as(comments!("from comments as c join users as u on u.id = c.author_id where c.id = $1"))
            .bind(id)
            .fetch_optional(db)
            .await?;
    let open = |row: &CommentRow| ledger.row(Channel::Post(row.post_id)).is_some_and(|channel| !channel.closed);
    Ok(row.filter(open))
}
