//! What posts are found by: tags, words, pages of the host's site, people who take part.

use super::failure::Failure;
use super::log::open_channel;
use super::posts::{self, as_held, posts};
use crate::model::{Channel, PageCount, Post, PostId, UserId, UserRef};
use crate::store::error::{Rejection, StoreError};
use crate::store::ledger::Ledger;
use crate::store::read::{Find, MAX_PARTICIPANTS};
use crate::store::rows::PostRow;
use crate::store::words;
use crate::store::write::{ChangePage, CreatePage, Page, Versioned};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

const NOT_FOUND: Rejection = Rejection::NotFound("post");

/// The statement of posts with a tag: `$1` is what the page lies below, `$2` its length, `$3` the tag.
pub(super) const TAGGED: &str = posts!(
    "(select posts.*
      from (select post_id from post_tags where tag = $3 and post_id < $1 order by post_id desc limit $2) as found
      join posts on posts.id = found.post_id)",
    "order by p.id desc"
);

/// The statement of posts with words, `$4`; with the tag as well, where there is one. `offset 0` keeps the order of work:
/// the words are looked up first, in their own index.
pub(super) const WORDED: &str = posts!(
    "(select posts.*
      from (select found.post_id
            from (select post_id from post_words where words @@ ($4::text)::tsquery offset 0) as found
            where found.post_id < $1
              and ($3::text is null
                   or exists (select from post_tags as t where t.tag = $3 and t.post_id = found.post_id))
            order by found.post_id desc
            limit $2) as found
      join posts on posts.id = found.post_id)",
    "order by p.id desc"
);

/// A post as it is to be found.
#[derive(Debug, Clone)]
pub(super) struct Indexed<'a> {
    pub(super) id: PostId,
    pub(super) title: &'a str,
    pub(super) body: &'a str,
    pub(super) tags: &'a [String],
}

impl<'a> Indexed<'a> {
    pub(super) fn of(post: &'a Post) -> Self {
        Self { id: post.id, title: &post.title, body: &post.body, tags: &post.tags }
    }
}

/// Lets posts be found by their words and tags.
pub(super) async fn index(db: &mut PgConnection, posts: &[Indexed<'_>]) -> Result<(), sqlx::Error> {
    if posts.is_empty() {
        return Ok(());
    }
    let words = posts.iter().map(|post| {
        let words: Vec<String> = words::of_post(post.title, post.body).into_iter().collect();
        words.join(" ")
    });
    sqlx::query(
        "insert into post_words (post_id, words)
         select id, array_to_tsvector(string_to_array(words, ' '))
         from unnest($1::bigint[], $2::text[]) as new (id, words)",
    )
    .bind(posts.iter().map(|post| post.id.0).collect::<Vec<_>>())
    .bind(words.collect::<Vec<_>>())
    .execute(&mut *db)
    .await?;
    let (tags, ids): (Vec<&str>, Vec<i64>) =
        posts.iter().flat_map(|post| post.tags.iter().map(|tag| (tag.as_str(), post.id.0))).unzip();
    if !tags.is_empty() {
        sqlx::query("insert into post_tags (tag, post_id) select * from unnest($1::text[], $2::bigint[])")
            .bind(tags)
            .bind(ids)
            .execute(db)
            .await?;
    }
    Ok(())
}

/// Lets a post be found no more.
pub(super) async fn unindex(db: &mut PgConnection, id: PostId, tags: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query("delete from post_words where post_id = $1").bind(id).execute(&mut *db).await?;
    if !tags.is_empty() {
        sqlx::query("delete from post_tags where tag = any($1) and post_id = $2")
            .bind(tags)
            .bind(id)
            .execute(db)
            .await?;
    }
    Ok(())
}

/// Posts that are not deleted with a tag, words, or both, newest first; any where neither is asked for.
pub(super) async fn find(
    db: &mut PgConnection,
    find: &Find,
    before: Option<PostId>,
    limit: i64,
) -> Result<Vec<Post>, StoreError> {
    let below = before.map_or(i64::MAX, |id| id.0);
    let rows: Vec<PostRow> = match (&find.tag, find.words.is_empty()) {
        (None, true) => return posts::page(db, before, limit).await,
        (Some(tag), true) => sqlx::query_as(TAGGED).bind(below).bind(limit.max(0)).bind(tag).fetch_all(db).await?,
        (tag, false) => {
            // Words are letters and digits only, so nothing in them ends the quotes.
            let all: Vec<String> = find.words.iter().map(|word| format!("'{word}'")).collect();
            let mut tx = db.begin().await?;
            // The one kind of index that can only be read this way.
            sqlx::query("set local enable_bitmapscan = on").execute(&mut *tx).await?;
            let asked = sqlx::query_as(WORDED).bind(below).bind(limit.max(0)).bind(tag).bind(all.join(" & "));
            let rows = asked.fetch_all(&mut *tx).await?;
            tx.commit().await?;
            rows
        }
    };
    Ok(rows.into_iter().map(Post::from).collect())
}

/// The post that stands for a page.
pub(super) async fn page(db: &mut PgConnection, page_key: &str) -> Result<Option<Versioned<Post>>, sqlx::Error> {
    let row: Option<PostRow> =
        sqlx::query_as(posts!("posts", "where p.page_key = $1")).bind(page_key).fetch_optional(db).await?;
    Ok(row.map(|row| Versioned { seq: row.head, value: row.into() }))
}

/// How many comments these pages have.
pub(super) async fn page_counts(db: &mut PgConnection, page_keys: &[String]) -> Result<Vec<PageCount>, StoreError> {
    let rows: Vec<(PostId, String, i64)> = sqlx::query_as(
        "select p.id, p.page_key, c.comment_count
         from posts as p
         join channels as c on c.name = 'post:' || p.id
         where p.page_key = any($1)",
    )
    .bind(page_keys)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(id, page_key, comment_count)| PageCount { id, page_key, comment_count }).collect())
}

/// The author of a post and those who take part in it.
pub(super) async fn participants(db: &mut PgConnection, post: PostId) -> Result<Option<Vec<UserRef>>, StoreError> {
    let author: Option<Option<UserId>> =
        sqlx::query_scalar("select author_id from posts where id = $1 and deleted_at is null")
            .bind(post)
            .fetch_optional(&mut *db)
            .await?;
    let Some(author) = author else { return Ok(None) };
    let rows: Vec<(UserId, String, String, Option<String>)> = sqlx::query_as(
        "select u.id, u.name, u.handle, u.avatar_url
         from (
             select $2::bigint as user_id
             union all
             (select user_id
              from participants
              where post_id = $1 and comments > 0 and user_id is distinct from $2
              order by user_id
              limit $3)
         ) as part
         join users as u on u.id = part.user_id
         order by u.id is distinct from $2, u.id",
    )
    .bind(post)
    .bind(author)
    .bind(MAX_PARTICIPANTS)
    .fetch_all(db)
    .await?;
    let person = |(id, name, handle, avatar_url)| UserRef { id, name, handle, avatar_url };
    Ok(Some(rows.into_iter().map(person).collect()))
}

/// Counts comments that came (1 each) or went (-1), by post and person, under the locks of the posts' channels.
pub(super) async fn take_part(
    db: &mut PgConnection,
    comments: impl Iterator<Item = (PostId, UserId, i64)>,
) -> Result<(), sqlx::Error> {
    let mut counts = std::collections::BTreeMap::<(i64, i64), i64>::new();
    comments.for_each(|(post, user, by)| *counts.entry((post.0, user.0)).or_default() += by);
    if counts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into participants (post_id, user_id, comments)
         select * from unnest($1::bigint[], $2::bigint[], $3::bigint[])
         on conflict (post_id, user_id) do update set comments = participants.comments + excluded.comments",
    )
    .bind(counts.keys().map(|(post, _)| *post).collect::<Vec<_>>())
    .bind(counts.keys().map(|(_, user)| *user).collect::<Vec<_>>())
    .bind(counts.values().copied().collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}

/// Makes the post of a page, or finds it. Whoever is about to make the same is waited for.
pub(super) async fn create_page(db: &mut PgConnection, ledger: &Ledger, w: &CreatePage) -> Result<Page, Failure> {
    let id: Option<PostId> = sqlx::query_scalar(
        "insert into posts (title, body, html, page_key, url, created_at, updated_at)
         values ($1, '', '', $2, $3, $4, $4)
         on conflict (page_key) do nothing
         returning id",
    )
    .bind(&w.title)
    .bind(&w.page_key)
    .bind(&w.url)
    .bind(ledger.now())
    .fetch_optional(&mut *db)
    .await?;
    let Some(id) = id else {
        // Deleted in between: the name is free, the same once more.
        let mut post = page(db, &w.page_key).await?.ok_or(Failure::Moved)?;
        as_held(ledger, &mut post);
        return Ok(Page { post, created: false });
    };
    open_channel(db, Channel::Post(id)).await?;
    let post = w.post(id, ledger.now());
    index(db, &[Indexed::of(&post)]).await?;
    Ok(Page { post: Versioned { value: post, seq: 0 }, created: true })
}

/// Changes what a page is called and where it is.
pub(super) async fn change_page(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    w: &ChangePage,
) -> Result<Versioned<Post>, Failure> {
    let row = posts::current(db, ledger, w.post_id).await?.filter(|row| row.deleted_at.is_none()).ok_or(NOT_FOUND)?;
    let mut post = Versioned { seq: row.head, value: Post::from(row) };
    as_held(ledger, &mut post);
    let before = post.value.clone();
    if let Some(title) = &w.title {
        post.value.title.clone_from(title);
    }
    if w.url.is_some() {
        post.value.url.clone_from(&w.url);
    }
    posts::save(db, ledger, &before, post, w.actor).await
}
