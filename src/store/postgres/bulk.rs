//! Statements for many rows at once: arrays in, one round trip each, however many there are.

use super::found::{Indexed, index};
use crate::model::{CommentId, PostId, Timestamp, UserId};
use crate::store::ledger::{Caused, Ledger};
use crate::store::rows::KeyRow;
use crate::store::write::{CreateComment, CreatePost, IdempotencyKey};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use std::collections::{BTreeSet, HashMap};

/// A comment that is answered.
#[derive(Debug, Clone, Copy, FromRow)]
pub(super) struct Parent {
    pub(super) id: CommentId,
    pub(super) post_id: PostId,
    pub(super) author_id: UserId,
    pub(super) root_id: Option<CommentId>,
    pub(super) depth: i64,
    pub(super) reply_count: i64,
    pub(super) updated_seq: i64,
    pub(super) deleted: bool,
}

/// A comment to be inserted.
#[derive(Debug, Clone)]
pub(super) struct NewComment<'a> {
    pub(super) write: &'a CreateComment,
    pub(super) id: CommentId,
    pub(super) root_id: Option<CommentId>,
    pub(super) depth: i64,
    pub(super) seq: i64,
    /// Whom it tells, as JSON.
    pub(super) told: Option<String>,
}

/// A post to be inserted, with its channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewPost<'a> {
    pub(super) write: &'a CreatePost,
    pub(super) id: PostId,
}

/// What is kept of these keys, at most one row each.
pub(super) async fn kept_keys<'a>(
    db: &mut PgConnection,
    keys: impl Iterator<Item = &'a IdempotencyKey>,
) -> Result<Vec<KeyRow>, sqlx::Error> {
    let (mut callers, mut actions, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        callers.push(key.caller.as_str());
        actions.push(key.action);
        names.push(key.key.as_str());
    }
    if names.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(
        "select kept.*
         from unnest($1::text[], $2::text[], $3::text[]) as asked (caller, action, key)
         cross join lateral (
             select caller, action, key, fingerprint, subject_id, seq
             from idempotency_keys as k
             where k.caller = asked.caller and k.action = asked.action and k.key = asked.key
             limit 1
         ) as kept",
    )
    .bind(callers)
    .bind(actions)
    .bind(names)
    .fetch_all(db)
    .await
}

/// Inserts keys in their order, waiting for whoever is about to insert the same; answers whether all of them were new.
pub(super) async fn insert_keys(
    db: &mut PgConnection,
    keys: &mut [(&IdempotencyKey, Caused)],
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    if keys.is_empty() {
        return Ok(true);
    }
    keys.sort_by(|(a, _), (b, _)| (&a.caller, a.action, &a.key).cmp(&(&b.caller, b.action, &b.key)));
    let inserted = sqlx::query(
        "insert into idempotency_keys (caller, action, key, fingerprint, subject_id, seq, created_at)
         select *, $7
         from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::bigint[])
         on conflict do nothing",
    )
    .bind(keys.iter().map(|(key, _)| key.caller.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|(key, _)| key.action).collect::<Vec<_>>())
    .bind(keys.iter().map(|(key, _)| key.key.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|(key, _)| &key.fingerprint[..]).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, caused)| caused.subject_id).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, caused)| caused.seq).collect::<Vec<_>>())
    .bind(now)
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == keys.len() as u64)
}

/// The comments that are answered.
pub(super) async fn parents(
    db: &mut PgConnection,
    ids: &BTreeSet<i64>,
) -> Result<HashMap<CommentId, Parent>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<Parent> = sqlx::query_as(
        "select id, post_id, author_id, root_id, depth, reply_count, updated_seq, deleted_at is not null as deleted
         from comments
         where id = any($1)",
    )
    .bind(ids.iter().copied().collect::<Vec<_>>())
    .fetch_all(db)
    .await?;
    Ok(found.into_iter().map(|parent| (parent.id, parent)).collect())
}

/// Ids for new comments, the lowest last. Drawn under the locks of their channels, so that ids rise as seqs do.
pub(super) async fn next_comment_ids(db: &mut PgConnection, count: i32) -> Result<Vec<i64>, sqlx::Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut ids: Vec<i64> = sqlx::query_scalar("select nextval('comments_id_seq') from generate_series(1, $1)")
        .bind(count)
        .fetch_all(db)
        .await?;
    ids.sort_unstable_by(|a, b| b.cmp(a));
    Ok(ids)
}

/// Ids for new posts, the lowest last.
pub(super) async fn next_post_ids(db: &mut PgConnection, count: i32) -> Result<Vec<i64>, sqlx::Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut ids: Vec<i64> = sqlx::query_scalar("select nextval('posts_id_seq') from generate_series(1, $1)")
        .bind(count)
        .fetch_all(db)
        .await?;
    ids.sort_unstable_by(|a, b| b.cmp(a));
    Ok(ids)
}

/// Inserts comments.
pub(super) async fn insert_comments(
    db: &mut PgConnection,
    comments: &[NewComment<'_>],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if comments.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into comments
             (id, post_id, parent_id, root_id, depth, author_id, body, html, key, seq, updated_seq, told,
              created_at)
         overriding system value
         select id, post_id, parent_id, root_id, depth, author_id, body, html, key, seq, seq, told, $12
         from unnest(
             $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
             $6::bigint[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[]
         ) as new (id, post_id, parent_id, root_id, depth, author_id, body, html, key, seq, told)",
    )
    .bind(comments.iter().map(|new| new.id.0).collect::<Vec<_>>())
    .bind(comments.iter().map(|new| new.write.post_id.0).collect::<Vec<_>>())
    .bind(comments.iter().map(|new| new.write.parent_id.map(|id| id.0)).collect::<Vec<_>>())
    .bind(comments.iter().map(|new| new.root_id.map(|id| id.0)).collect::<Vec<_>>())
    .bind(comments.iter().map(|new| new.depth).collect::<Vec<_>>())
    .bind(comments.iter().map(|new| new.write.author.0).collect::<Vec<_>>())
    .bind(comments.iter().map(|new| new.write.body.as_str()).collect::<Vec<_>>())
    .bind(comments.iter().map(|new| new.write.html.as_str()).collect::<Vec<_>>())
    .bind(comments.iter().map(|new| new.write.key.as_ref().map(|key| key.key.as_str())).collect::<Vec<_>>())
    .bind(comments.iter().map(|new| new.seq).collect::<Vec<_>>())
    .bind(comments.iter().map(|new| new.told.as_deref()).collect::<Vec<_>>())
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Writes what new replies changed of the comments they answer.
pub(super) async fn update_parents(db: &mut PgConnection, parents: &[Parent]) -> Result<(), sqlx::Error> {
    if parents.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update comments
         set reply_count = now.reply_count, updated_seq = now.updated_seq
         from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as now (id, reply_count, updated_seq)
         where comments.id = now.id",
    )
    .bind(parents.iter().map(|parent| parent.id.0).collect::<Vec<_>>())
    .bind(parents.iter().map(|parent| parent.reply_count).collect::<Vec<_>>())
    .bind(parents.iter().map(|parent| parent.updated_seq).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts posts and opens their channels at head 0.
pub(super) async fn insert_posts(
    db: &mut PgConnection,
    posts: &[NewPost<'_>],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if posts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "with opened as (insert into channels (name) select 'post:' || id from unnest($1::bigint[]) as new (id))
         insert into posts (id, author_id, title, body, html, tags, created_at, updated_at)
         overriding system value
         select id, author_id, title, body, html, tags, $6, $6
         from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $7::text[])
             as new (id, author_id, title, body, html, tags)",
    )
    .bind(posts.iter().map(|new| new.id.0).collect::<Vec<_>>())
    .bind(posts.iter().map(|new| new.write.author.0).collect::<Vec<_>>())
    .bind(posts.iter().map(|new| new.write.title.as_str()).collect::<Vec<_>>())
    .bind(posts.iter().map(|new| new.write.body.as_str()).collect::<Vec<_>>())
    .bind(posts.iter().map(|new| new.write.html.as_str()).collect::<Vec<_>>())
    .bind(now)
    .bind(posts.iter().map(|new| serde_json::json!(new.write.tags).to_string()).collect::<Vec<_>>())
    .execute(&mut *db)
    .await?;
    let indexed = posts.iter().map(|new| {
        let CreatePost { title, body, tags, .. } = new.write;
        Indexed { id: new.id, title, body, tags }
    });
    index(db, &indexed.collect::<Vec<_>>()).await
}

/// Appends the ledger's events.
pub(super) async fn append(db: &mut PgConnection, ledger: &Ledger) -> Result<(), sqlx::Error> {
    let entries = ledger.entries();
    if entries.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into events (channel, seq, kind, subject_id, actor_id, facts, unread, at)
         select *, $8
         from unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[])",
    )
    .bind(entries.iter().map(|entry| entry.channel.name()).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| &*entry.kind).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.subject_id).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.actor_id).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.facts.as_deref()).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.unread).collect::<Vec<_>>())
    .bind(ledger.now())
    .execute(db)
    .await?;
    Ok(())
}

/// Writes the channel rows that the ledger changed, all of them locked by this transaction.
pub(super) async fn update_channels(db: &mut PgConnection, ledger: &Ledger) -> Result<(), sqlx::Error> {
    let changed = ledger.changed();
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update channels
         set head = now.head, comment_count = now.comment_count, unread = now.unread, closed = now.closed
         from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[])
             as now (name, head, comment_count, unread, closed)
         where channels.name = now.name",
    )
    .bind(changed.keys().map(|channel| channel.name()).collect::<Vec<_>>())
    .bind(changed.values().map(|row| row.head).collect::<Vec<_>>())
    .bind(changed.values().map(|row| row.comment_count).collect::<Vec<_>>())
    .bind(changed.values().map(|row| row.unread).collect::<Vec<_>>())
    .bind(changed.values().map(|row| row.closed).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}
