//! Posts.

use super::failure::Failure;
use super::found::{self, Indexed};
use super::hot::storable;
use crate::model::{Channel, EventData, Post, PostId, UserId};
use crate::store::error::{Rejection, StoreError};
use crate::store::ledger::Ledger;
use crate::store::rows::PostRow;
use crate::store::write::{Actor, DeletePost, UpdatePost, Versioned};
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

const NOT_FOUND: Rejection = Rejection::NotFound("post");

/// Posts `p` with their author and their channel's counters; `$from` says which.
macro_rules! posts {
    ($from:literal, $rest:literal) => {
        concat!(
            "select p.id, p.title, p.body, p.html, p.url, p.page_key, p.tags, p.created_at, p.updated_at, p.deleted_at,
                    u.id as author_id, u.name as author_name, u.handle as author_handle,
                    u.avatar_url as author_avatar_url, c.comment_count, c.head
             from ",
            $from,
            " as p
             join channels as c on c.name = 'post:' || p.id
             left join users as u on u.id = p.author_id ",
            $rest
        )
    };
}

pub(super) use posts;

/// The statement of the list: `$1` is what the page lies below, `$2` its length.
pub(super) const LIST: &str = posts!(
    "(select * from posts where deleted_at is null and id < $1 order by id desc nulls last limit $2)",
    "order by p.id desc"
);

/// A post that is not deleted, with the head of its channel.
pub(super) async fn versioned(db: &mut PgConnection, id: PostId) -> Result<Option<Versioned<Post>>, StoreError> {
    Ok(by_ids(db, &[id.0]).await?.remove(&id))
}

/// A page of posts that are not deleted, newest first.
pub(super) async fn page(db: &mut PgConnection, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError> {
    let rows: Vec<PostRow> =
        sqlx::query_as(LIST).bind(before.map_or(i64::MAX, |id| id.0)).bind(limit.max(0)).fetch_all(db).await?;
    Ok(rows.into_iter().map(Post::from).collect())
}

/// Posts that are not deleted, with the heads of their channels.
pub(super) async fn by_ids(
    db: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<PostId, Versioned<Post>>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<PostRow> = sqlx::query_as(posts!("posts", "where p.id = any($1) and p.deleted_at is null"))
        .bind(ids)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, Versioned { seq: row.head, value: row.into() })).collect())
}

/// Shows a post as this transaction will leave its channel.
pub(super) fn as_held(ledger: &Ledger, post: &mut Versioned<Post>) {
    if let Some(channel) = ledger.row(Channel::Post(post.value.id)) {
        post.value.comment_count = channel.comment_count;
        post.seq = channel.head;
    }
}

/// Changes a post.
pub(super) async fn update(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    w: &UpdatePost,
) -> Result<Versioned<Post>, Failure> {
    let row = current(db, ledger, w.post_id).await?.filter(|row| row.deleted_at.is_none()).ok_or(NOT_FOUND)?;
    may_change(&row, w.actor)?;
    let mut post = Versioned { seq: row.head, value: Post::from(row) };
    as_held(ledger, &mut post);
    let before = post.value.clone();
    if let Some(title) = &w.title {
        storable(title, "/title")?;
        post.value.title.clone_from(title);
    }
    if let Some((body, html)) = &w.body {
        storable(body, "/body")?;
        post.value.body.clone_from(body);
        post.value.html.clone_from(html);
    }
    if let Some(tags) = &w.tags {
        post.value.tags.clone_from(tags);
    }
    save(db, ledger, &before, post, Some(w.actor.user_id)).await
}

/// Writes and tells what changed of a post, if anything did.
pub(super) async fn save(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    before: &Post,
    mut post: Versioned<Post>,
    actor: Option<UserId>,
) -> Result<Versioned<Post>, Failure> {
    if post.value == *before {
        return Ok(post);
    }
    post.value.updated_at = ledger.now();
    sqlx::query(
        "update posts
         set title = $2, body = $3, html = $4, updated_at = $5, tags = $6, url = $7
         where id = $1",
    )
    .bind(post.value.id)
    .bind(&post.value.title)
    .bind(&post.value.body)
    .bind(&post.value.html)
    .bind(post.value.updated_at)
    .bind(serde_json::json!(post.value.tags).to_string())
    .bind(&post.value.url)
    .execute(&mut *db)
    .await?;
    found::unindex(db, before.id, &before.tags).await?;
    found::index(db, &[Indexed::of(&post.value)]).await?;
    let data = EventData::PostUpdated(&post.value);
    let id = post.value.id;
    post.seq = ledger.append(Channel::Post(id), &data, Some(id.0), actor, None);
    Ok(post)
}

/// Deletes a post and closes its channel.
pub(super) async fn delete(db: &mut PgConnection, ledger: &mut Ledger, w: &DeletePost) -> Result<(), Failure> {
    let row = current(db, ledger, w.post_id).await?.ok_or(NOT_FOUND)?;
    may_change(&row, w.actor)?;
    if row.deleted_at.is_some() {
        return Ok(());
    }
    // The page's name is free again: the page may come back as another post.
    sqlx::query(
        "update posts
         set title = '', body = '', html = '', tags = '[]', url = null, page_key = null,
             updated_at = $2, deleted_at = $2
         where id = $1",
    )
    .bind(w.post_id)
    .bind(ledger.now())
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "insert into takebacks (post_id)
         select $1 where exists (select from notifications where post_id = $1)",
    )
    .bind(w.post_id)
    .execute(&mut *db)
    .await?;
    found::unindex(db, w.post_id, &Post::from(row).tags).await?;
    let channel = Channel::Post(w.post_id);
    let data = EventData::PostDeleted(w.post_id);
    ledger.append(channel, &data, Some(w.post_id.0), Some(w.actor.user_id), None);
    ledger.change(channel, |row| row.closed = true);
    Ok(())
}

fn may_change(post: &PostRow, actor: Actor) -> Result<(), Rejection> {
    if actor.moderates || post.author_id == Some(actor.user_id) {
        Ok(())
    } else {
        Err(Rejection::Forbidden("only its author or a moderator may change a post"))
    }
}

/// A post, deleted or not, under its channel's lock.
pub(super) async fn current(
    db: &mut PgConnection,
    ledger: &Ledger,
    id: PostId,
) -> Result<Option<PostRow>, sqlx::Error> {
    if ledger.row(Channel::Post(id)).is_none() {
        return Ok(None);
    }
    sqlx::query_as(posts!("posts", "where p.id = $1")).bind(id).fetch_optional(db).await
}
