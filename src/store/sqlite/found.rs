//! What posts are found by: tags, words, pages of the host's site, people who take part.

use super::Sqlite;
use super::posts::posts;
use super::transaction::{Transaction, Trouble};
use crate::model::{Channel, PageCount, Post, PostId, UserId, UserRef};
use crate::store::read::{Find, MAX_PARTICIPANTS};
use crate::store::rows::PostRow;
use crate::store::words;
use crate::store::write::{ChangePage, CreatePage, Page, Versioned};
use crate::store::{Rejection, StoreError};
use std::collections::BTreeMap;

const NOT_FOUND: Rejection = Rejection::NotFound("post");

/// The statement of posts with a tag: `$1` is what the page lies below, `$2` its length, `$3` the tag.
pub(super) const TAGGED: &str = posts!(
    "join (select post_id from post_tags where tag = $3 and post_id < $1 order by post_id desc limit $2) as found
       on found.post_id = p.id
    order by p.id desc"
);

/// The statement of posts with words, `$4`; with the tag as well, where there is one.
pub(super) const WORDED: &str = posts!(
    "join (select rowid as post_id
             from post_words
            where post_words match $4
              and rowid < $1
              and ($3 is null or exists (select 1 from post_tags where tag = $3 and post_id = post_words.rowid))
            order by rowid desc
            limit $2) as found
       on found.post_id = p.id
    order by p.id desc"
);

impl Transaction {
    pub(super) async fn create_page(&mut self, create: CreatePage) -> Result<Page, Trouble> {
        let there: Option<PostId> = sqlx::query_scalar("select id from posts where page_key = $1")
            .bind(&create.page_key)
            .fetch_optional(&mut self.connection)
            .await?;
        if let Some(id) = there {
            let (row, channel) = self.post_row(id).await?.ok_or(NOT_FOUND)?;
            return Ok(Page { post: Versioned { value: row.into(), seq: channel.head }, created: false });
        }
        let id: PostId = sqlx::query_scalar(
            "insert into posts (title, body, html, page_key, url, created_at, updated_at)
             values ($1, '', '', $2, $3, $4, $4)
             returning id",
        )
        .bind(&create.title)
        .bind(&create.page_key)
        .bind(&create.url)
        .bind(self.now)
        .fetch_one(&mut self.connection)
        .await?;
        self.open_channel(Channel::Post(id)).await?;
        let post = create.post(id, self.now);
        self.index_post(&post, &[]).await?;
        Ok(Page { post: Versioned { value: post, seq: 0 }, created: true })
    }

    pub(super) async fn change_page(&mut self, change: ChangePage) -> Result<Versioned<Post>, Trouble> {
        let found = self.post_row(change.post_id).await?.filter(|(row, _)| row.deleted_at.is_none());
        let (row, channel) = found.ok_or(NOT_FOUND)?;
        let before = Post::from(row);
        let mut post = before.clone();
        post.title = change.title.unwrap_or(post.title);
        post.url = change.url.or(post.url);
        self.save_post(&before, post, channel.head, change.actor).await
    }

    /// Lets a post be found by its words and tags as they are now; `before` are the tags it had.
    pub(super) async fn index_post(&mut self, post: &Post, before: &[String]) -> Result<(), Trouble> {
        self.unindex_post(post.id, before).await?;
        sqlx::query("insert into post_words (rowid, words) values ($1, $2)")
            .bind(post.id)
            .bind(words::in_digits(&words::of_post(&post.title, &post.body)))
            .execute(&mut self.connection)
            .await?;
        if !post.tags.is_empty() {
            sqlx::query("insert into post_tags (tag, post_id) select value, $2 from json_each($1)")
                .bind(serde_json::json!(post.tags).to_string())
                .bind(post.id)
                .execute(&mut self.connection)
                .await?;
        }
        Ok(())
    }

    /// Lets a post be found no more.
    pub(super) async fn unindex_post(&mut self, id: PostId, tags: &[String]) -> Result<(), Trouble> {
        sqlx::query("delete from post_words where rowid = $1").bind(id).execute(&mut self.connection).await?;
        if !tags.is_empty() {
            sqlx::query("delete from post_tags where tag in (select value from json_each($1)) and post_id = $2")
                .bind(serde_json::json!(tags).to_string())
                .bind(id)
                .execute(&mut self.connection)
                .await?;
        }
        Ok(())
    }

    /// Writes down who takes part where by now.
    pub(super) async fn write_parts(&mut self) -> Result<(), StoreError> {
        let mut counts = BTreeMap::<(PostId, UserId), i64>::new();
        self.parts.drain(..).for_each(|(post, user, by)| *counts.entry((post, user)).or_default() += by);
        if counts.is_empty() {
            return Ok(());
        }
        let counts: Vec<_> = counts.into_iter().map(|((post, user), by)| (post, user, by)).collect();
        // The `where` tells the parser that `on conflict` belongs to the insert.
        sqlx::query(
            "insert into participants (post_id, user_id, comments)
             select value ->> 0, value ->> 1, value ->> 2 from json_each($1) where true
                 on conflict (post_id, user_id) do update set comments = comments + excluded.comments",
        )
        .bind(serde_json::json!(counts).to_string())
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }
}

impl Sqlite {
    /// Posts that are not deleted with a tag, words, or both, newest first; any where neither is asked for.
    pub(super) async fn found(&self, find: &Find, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError> {
        let statement = match (&find.tag, find.words.is_empty()) {
            (None, true) => return self.newest(before, limit).await,
            (Some(_), true) => TAGGED,
            (_, false) => WORDED,
        };
        let rows: Vec<PostRow> = sqlx::query_as(statement)
            .bind(before.map_or(i64::MAX, |id| id.0))
            .bind(limit.max(0))
            .bind(&find.tag)
            .bind(words::in_digits(&find.words))
            .fetch_all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(Post::from).collect())
    }

    /// How many comments these pages have.
    pub(super) async fn counts_of(&self, page_keys: &[String]) -> Result<Vec<PageCount>, StoreError> {
        let rows: Vec<(PostId, String, i64)> = sqlx::query_as(
            "select p.id, p.page_key, c.comment_count
               from posts as p
               join channels as c on c.name = 'post:' || p.id
              where p.page_key in (select value from json_each($1))",
        )
        .bind(serde_json::json!(page_keys).to_string())
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(|(id, page_key, comment_count)| PageCount { id, page_key, comment_count }).collect())
    }

    /// The author of a post and those who take part in it.
    pub(super) async fn taking_part(&self, post: PostId) -> Result<Option<Vec<UserRef>>, StoreError> {
        let author: Option<Option<UserId>> =
            sqlx::query_scalar("select author_id from posts where id = $1 and deleted_at is null")
                .bind(post)
                .fetch_optional(&self.readers)
                .await?;
        let Some(author) = author else { return Ok(None) };
        let rows: Vec<(UserId, String, String, Option<String>)> = sqlx::query_as(
            "select id, name, handle, avatar_url
               from users
              where id = $2
                 or id in (select user_id from participants where post_id = $1 and comments > 0
                            order by user_id limit $3)
              order by id is not $2, id",
        )
        .bind(post)
        .bind(author)
        .bind(MAX_PARTICIPANTS)
        .fetch_all(&self.readers)
        .await?;
        let person = |(id, name, handle, avatar_url)| UserRef { id, name, handle, avatar_url };
        Ok(Some(rows.into_iter().map(person).collect()))
    }
}
