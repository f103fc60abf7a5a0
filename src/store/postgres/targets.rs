//! Which channels a write appends to, found before anything is locked.

use super::failure::Failure;
use crate::model::{Cause, Channel, CommentId, PostId, Timestamp, UserId};
use crate::store::inbox::TAKEN_AT_ONCE;
use crate::store::write::{Place, REFRESH_GRACE, Write};
use sqlx::postgres::PgConnection;
use std::collections::{BTreeSet, HashMap};

/// The channels of the members of a group.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// The channel in whose order each stands; none also where what it names is not there.
    pub(super) rooms: Vec<Option<Channel>>,
    /// The channels of those whom each tells besides.
    pub(super) told: Vec<BTreeSet<Channel>>,
}

impl Targets {
    /// Every channel, in the order in which channels compare.
    pub(super) fn all(&self) -> BTreeSet<Channel> {
        self.rooms.iter().flatten().chain(self.told.iter().flatten()).copied().collect()
    }
}

/// The channels of each member.
pub(super) async fn resolve(db: &mut PgConnection, group: &[Write], now: Timestamp) -> Result<Targets, Failure> {
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
    let rooms = group.iter().map(channel).collect();
    Ok(Targets { rooms, told: told(db, group, &posts).await? })
}

/// Whom each member tells.
async fn told(
    db: &mut PgConnection,
    group: &[Write],
    posts: &HashMap<CommentId, PostId>,
) -> Result<Vec<BTreeSet<Channel>>, sqlx::Error> {
    let authors = authors(db, group).await?;
    let names = named(db, &handles(group)).await?;
    let deleted = group.iter().filter_map(|write| match write {
        Write::DeleteComment(w) => Some((*posts.get(&w.comment_id)?, w.comment_id)),
        _ => None,
    });
    let told = told_of(db, &deleted.collect::<Vec<_>>()).await?;
    let mut left = HashMap::new();
    for write in group {
        if let Write::TakeBack(w) = write {
            left.insert(w.post_id, told_below(db, w.post_id).await?);
        }
    }
    let people = |write: &Write| -> Vec<UserId> {
        match write {
            Write::CreateComment(w) => {
                let post = authors.posts.get(&w.post_id).copied();
                let parent = w.parent_id.and_then(|id| authors.comments.get(&id).copied());
                let mentioned = w.mentions.iter().filter_map(|handle| names.get(handle).copied());
                Cause::of_comment(w.author, post, parent, mentioned).into_iter().map(|(user, _)| user).collect()
            }
            Write::EditComment(w) => {
                let mentioned = w.mentions.iter().filter_map(|handle| names.get(handle).copied());
                mentioned.filter(|user| *user != w.actor.user_id).collect()
            }
            Write::React(w) => {
                authors.comments.get(&w.comment_id).copied().filter(|author| *author != w.actor).into_iter().collect()
            }
            Write::DeleteComment(w) => told.get(&w.comment_id).cloned().unwrap_or_default(),
            Write::TakeBack(w) => left.get(&w.post_id).cloned().unwrap_or_default(),
            Write::Notify(w) => w.to.clone(),
            _ => Vec::new(),
        }
    };
    Ok(group.iter().map(|write| people(write).into_iter().map(Channel::User).collect()).collect())
}

/// Authors of posts and comments, which never change.
#[derive(Debug, Default)]
struct Authors {
    posts: HashMap<PostId, UserId>,
    comments: HashMap<CommentId, UserId>,
}

/// The authors of what new comments stand below, and of comments that are reacted to.
async fn authors(db: &mut PgConnection, group: &[Write]) -> Result<Authors, sqlx::Error> {
    let mut found = Authors::default();
    let (mut posts, mut comments) = (BTreeSet::new(), BTreeSet::new());
    for write in group {
        match write {
            Write::CreateComment(w) => {
                posts.insert(w.post_id.0);
                comments.extend(w.parent_id.map(|id| id.0));
            }
            Write::React(w) => {
                comments.insert(w.comment_id.0);
            }
            _ => {}
        }
    }
    if posts.is_empty() && comments.is_empty() {
        return Ok(found);
    }
    let rows: Vec<(bool, i64, UserId)> = sqlx::query_as(
        "select true, id, author_id from posts where id = any($1) and author_id is not null
         union all
         select false, id, author_id from comments where id = any($2)",
    )
    .bind(posts.into_iter().collect::<Vec<_>>())
    .bind(comments.into_iter().collect::<Vec<_>>())
    .fetch_all(db)
    .await?;
    for (is_post, id, author) in rows {
        if is_post {
            found.posts.insert(PostId(id), author);
        } else {
            found.comments.insert(CommentId(id), author);
        }
    }
    Ok(found)
}

/// The handles that members name.
fn handles(group: &[Write]) -> BTreeSet<&str> {
    let handles = group.iter().flat_map(|write| match write {
        Write::CreateComment(w) => w.mentions.as_slice(),
        Write::EditComment(w) => w.mentions.as_slice(),
        _ => &[],
    });
    handles.map(String::as_str).collect()
}

/// The people with these handles.
pub(super) async fn named(
    db: &mut PgConnection,
    handles: &BTreeSet<&str>,
) -> Result<HashMap<String, UserId>, sqlx::Error> {
    if handles.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(String, UserId)> = sqlx::query_as("select handle, id from users where handle = any($1)")
        .bind(handles.iter().copied().collect::<Vec<_>>())
        .fetch_all(db)
        .await?;
    Ok(found.into_iter().collect())
}

/// Who has a notification of these comments.
async fn told_of(
    db: &mut PgConnection,
    comments: &[(PostId, CommentId)],
) -> Result<HashMap<CommentId, Vec<UserId>>, sqlx::Error> {
    if comments.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(CommentId, UserId)> = sqlx::query_as(
        "select asked.comment_id, n.user_id
         from unnest($1::bigint[], $2::bigint[]) as asked (post_id, comment_id)
         cross join lateral (
             select user_id from notifications where post_id = asked.post_id and comment_id = asked.comment_id
         ) as n",
    )
    .bind(comments.iter().map(|(post, _)| post.0).collect::<Vec<_>>())
    .bind(comments.iter().map(|(_, comment)| comment.0).collect::<Vec<_>>())
    .fetch_all(db)
    .await?;
    let mut told: HashMap<CommentId, Vec<UserId>> = HashMap::new();
    for (comment, user) in rows {
        told.entry(comment).or_default().push(user);
    }
    Ok(told)
}

/// Who has the first notifications of a post.
async fn told_below(db: &mut PgConnection, post: PostId) -> Result<Vec<UserId>, sqlx::Error> {
    sqlx::query_scalar("select user_id from notifications where post_id = $1 order by comment_id limit $2")
        .bind(post)
        .bind(TAKEN_AT_ONCE)
        .fetch_all(db)
        .await
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
