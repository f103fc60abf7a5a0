//! Comments.

use super::failure::Failure;
use super::found;
use super::inbox;
use crate::model::event::{Counted, ParentCount};
use crate::model::{Channel, Comment, CommentId, EventData};
use crate::store::compose::CommentFacts;
use crate::store::error::{Rejection, StoreError};
use crate::store::ledger::Ledger;
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

pub(super) use comments;

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
        .execute(&mut *db)
        .await?;
    let data = EventData::CommentUpdated(&comment);
    ledger.append(channel, &data, Some(comment.id.0), Some(w.actor.user_id), None);
    inbox::tell_newly_mentioned(db, ledger, &comment, &w.mentions).await?;
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
         set body = '', html = '', reactions = '{}', reaction_count = 0, told = null, deleted_at = $2, updated_seq = $3
         where id = $1",
    )
    .bind(row.id)
    .bind(row.deleted_at)
    .bind(row.updated_seq)
    .execute(&mut *db)
    .await?;
    sqlx::query("delete from reactions where comment_id = $1").bind(row.id).execute(&mut *db).await?;
    let parent = parent_count(&mut *db, row.parent_id).await?;
    found::take_part(db, std::iter::once((row.post_id, row.author_id, -1))).await?;
    let comment = Comment::from(row);
    ledger.change(channel, |row| row.comment_count -= 1);
    let comment_count = ledger.row(channel).map_or(0, |row| row.comment_count);
    let facts = facts(comment_count, parent)?;
    let data = EventData::CommentDeleted(Counted { comment: &comment, comment_count, parent });
    ledger.append(channel, &data, Some(comment.id.0), Some(w.actor.user_id), Some(facts));
    inbox::take_back(db, ledger, comment.post_id, comment.id, w.actor.user_id).await?;
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
