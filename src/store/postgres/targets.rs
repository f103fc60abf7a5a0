//! Which channel a write appends to, found before anything is locked.

use super::failure::Failure;
use crate::model::{Channel, CommentId, PostId, Timestamp};
use crate::store::write::{Place, REFRESH_GRACE, Write};
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

/// The channel of each member; none also where what it names is not there.
pub(super) async fn resolve(
    db: &mut PgConnection,
    group: &[Write],
    now: Timestamp,
) -> Result<Vec<Option<Channel>>, Failure> {
    let comment = |write: &Write| if let Place::Comment(id) = write.place() { Some(id) } else { None };
    let comments: Vec<CommentId> = group.iter().filter_map(comment).collect();
    let tokens: Vec<&[u8]> = group.iter().filter_map(presented).collect();
    let posts = if comments.is_empty() { HashMap::new() } else { posts_of(db, &comments).await? };
    let reused = if tokens.is_empty() { Vec::new() } else { reused(db, &tokens, now).await? };
    let channel = |write: &Write| match write.place() {
        Place::Nowhere => None,
        Place::Comment(id) => posts.get(&id).copied().map(Channel::Post),
        Place::Channel(channel) => {
            let good = presented(write).is_some_and(|hash| !reused.iter().any(|found| found == hash));
            (!good).then_some(channel)
        }
    };
    Ok(group.iter().map(channel).collect())
}

/// The refresh token that a rotation presents: it reaches the internal channel only if it was spent before the grace.
fn presented(write: &Write) -> Option<&[u8]> {
    if let Write::RotateRefresh(w) = write { Some(&w.presented) } else { None }
}

/// The posts that these comments stand below, which never change.
pub(super) async fn posts_of(
    db: &mut PgConnection,
    comments: &[CommentId],
) -> Result<HashMap<CommentId, PostId>, sqlx::Error> {
    let ids: Vec<i64> = comments.iter().map(|id| id.0).collect();
    let found: Vec<(CommentId, PostId)> =
        sqlx::query_as("select id, post_id from comments where id = any($1)").bind(ids).fetch_all(db).await?;
    Ok(found.into_iter().collect())
}

async fn reused(db: &mut PgConnection, hashes: &[&[u8]], now: Timestamp) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar("select hash from refresh_tokens where hash = any($1) and spent_at <= $2")
        .bind(hashes)
        .bind(now.minus(REFRESH_GRACE))
        .fetch_all(db)
        .await
}
