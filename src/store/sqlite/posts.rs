//! Posts.

use super::Sqlite;
use super::transaction::{Transaction, Trouble};
use crate::model::{Channel, EventData, PageCount, Post, PostId, UserId, UserRef};
use crate::store::ledger::Caused;
use crate::store::read::{Find, ReadPosts};
use crate::store::rows::{ChannelRow, PostRow};
use crate::store::write::{Actor, Applied, CreatePost, DeletePost, UpdatePost, Versioned};
use crate::store::{Rejection, StoreError};
use async_trait::async_trait;
use std::collections::HashMap;

const NOT_FOUND: Rejection = Rejection::NotFound("post");

/// Posts with their author and their channel's counters, and what is asked of them.
macro_rules! posts {
    ($($rest:expr),+ $(,)?) => {
        concat!(
            "select p.id, p.title, p.body, p.html, p.url, p.page_key, p.tags, p.created_at, p.updated_at, p.deleted_at,
                    u.id as author_id, u.name as author_name, u.handle as author_handle,
                    u.avatar_url as author_avatar_url, c.comment_count, c.head
               from posts as p
               join channels as c on c.name = 'post:' || p.id
               left join users as u on u.id = p.author_id ",
            $($rest),+
        )
    };
}

pub(super) use posts;

impl Transaction {
    pub(super) async fn create_post(&mut self, create: CreatePost) -> Result<Applied<Versioned<Post>>, Trouble> {
        if let Some(caused) = self.ledger.replay(create.key.as_ref())? {
            let id = PostId(caused.subject_id.unwrap_or_default());
            let (row, channel) =
                self.post_row(id).await?.filter(|(row, _)| row.deleted_at.is_none()).ok_or(NOT_FOUND)?;
            return Ok(Applied { value: Versioned { value: row.into(), seq: channel.head }, replayed: true });
        }
        let author = self.user_ref(create.author).await?;
        let id: PostId = sqlx::query_scalar(
            "insert into posts (author_id, title, body, html, tags, created_at, updated_at)
             values ($1, $2, $3, $4, $6, $5, $5)
             returning id",
        )
        .bind(author.id)
        .bind(&create.title)
        .bind(&create.body)
        .bind(&create.html)
        .bind(self.now)
        .bind(serde_json::json!(create.tags).to_string())
        .fetch_one(&mut self.connection)
        .await?;
        self.open_channel(Channel::Post(id)).await?;
        self.ledger.keep(create.key, Caused { subject_id: Some(id.0), seq: 0 });
        let post = Post {
            id,
            title: create.title,
            body: create.body,
            html: create.html,
            url: None,
            page_key: None,
            author: Some(author),
            tags: create.tags,
            comment_count: 0,
            created_at: self.now,
            updated_at: self.now,
        };
        self.index_post(&post, &[]).await?;
        Ok(Applied { value: Versioned { value: post, seq: 0 }, replayed: false })
    }

    pub(super) async fn update_post(&mut self, update: UpdatePost) -> Result<Versioned<Post>, Trouble> {
        let (row, channel) =
            self.post_row(update.post_id).await?.filter(|(row, _)| row.deleted_at.is_none()).ok_or(NOT_FOUND)?;
        may_change(&row, update.actor)?;
        let mut post = Post::from(row);
        let before = post.clone();
        if let Some(title) = update.title {
            post.title = title;
        }
        if let Some((body, html)) = update.body {
            post.body = body;
            post.html = html;
        }
        if let Some(tags) = update.tags {
            post.tags = tags;
        }
        self.save_post(&before, post, channel.head, Some(update.actor.user_id)).await
    }

    /// Writes and tells what changed of a post, if anything did.
    pub(super) async fn save_post(
        &mut self,
        before: &Post,
        mut post: Post,
        head: i64,
        actor: Option<UserId>,
    ) -> Result<Versioned<Post>, Trouble> {
        if post == *before {
            return Ok(Versioned { value: post, seq: head });
        }
        post.updated_at = self.now;
        sqlx::query(
            "update posts
                set title = $2, body = $3, html = $4, updated_at = $5, tags = $6, url = $7
              where id = $1",
        )
        .bind(post.id)
        .bind(&post.title)
        .bind(&post.body)
        .bind(&post.html)
        .bind(post.updated_at)
        .bind(serde_json::json!(post.tags).to_string())
        .bind(&post.url)
        .execute(&mut self.connection)
        .await?;
        self.index_post(&post, &before.tags).await?;
        let data = EventData::PostUpdated(&post);
        let seq = self.ledger.append(Channel::Post(post.id), &data, Some(post.id.0), actor, None);
        Ok(Versioned { value: post, seq })
    }

    pub(super) async fn delete_post(&mut self, delete: DeletePost) -> Result<(), Trouble> {
        let id = delete.post_id;
        let (row, _) = self.post_row(id).await?.ok_or(NOT_FOUND)?;
        may_change(&row, delete.actor)?;
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
        .bind(id)
        .bind(self.now)
        .execute(&mut self.connection)
        .await?;
        self.unindex_post(id, &Post::from(row).tags).await?;
        let channel = Channel::Post(id);
        sqlx::query(
            "insert into takebacks (post_id)
             select $1 where exists (select 1 from notifications where post_id = $1)",
        )
        .bind(id)
        .execute(&mut self.connection)
        .await?;
        self.ledger.append(channel, &EventData::PostDeleted(id), Some(id.0), Some(delete.actor.user_id), None);
        self.ledger.change(channel, |row| row.closed = true);
        Ok(())
    }

    /// A post, deleted or not, with its channel as this transaction will leave it.
    pub(super) async fn post_row(&mut self, id: PostId) -> Result<Option<(PostRow, ChannelRow)>, Trouble> {
        let Some(channel) = self.channel(Channel::Post(id)).await? else { return Ok(None) };
        let row: Option<PostRow> =
            sqlx::query_as(posts!("where p.id = $1")).bind(id).fetch_optional(&mut self.connection).await?;
        Ok(row.map(|mut row| {
            row.comment_count = channel.comment_count;
            row.head = channel.head;
            (row, channel)
        }))
    }
}

fn may_change(post: &PostRow, actor: Actor) -> Result<(), Rejection> {
    if actor.moderates || post.author_id == Some(actor.user_id) {
        Ok(())
    } else {
        Err(Rejection::Forbidden("only its author or a moderator may change a post"))
    }
}

impl Sqlite {
    /// Posts that are not deleted.
    pub(super) async fn posts_by_id(&self, ids: &[PostId]) -> Result<HashMap<PostId, Post>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<PostRow> =
            sqlx::query_as(posts!("where p.id in (select value from json_each($1)) and p.deleted_at is null"))
                .bind(serde_json::json!(ids).to_string())
                .fetch_all(&self.readers)
                .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
    }

    /// Posts that are not deleted, newest first.
    pub(super) async fn newest(&self, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError> {
        let rows: Vec<PostRow> =
            sqlx::query_as(posts!("where p.id < $1 and p.deleted_at is null order by p.id desc limit $2"))
                .bind(before.map_or(i64::MAX, |id| id.0))
                .bind(limit.max(0))
                .fetch_all(&self.readers)
                .await?;
        Ok(rows.into_iter().map(Post::from).collect())
    }
}

#[async_trait]
impl ReadPosts for Sqlite {
    async fn post(&self, id: PostId) -> Result<Option<Versioned<Post>>, StoreError> {
        let row: Option<PostRow> = sqlx::query_as(posts!("where p.id = $1 and p.deleted_at is null"))
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.map(|row| Versioned { seq: row.head, value: row.into() }))
    }

    async fn posts(&self, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError> {
        self.newest(before, limit).await
    }

    async fn find_posts(&self, find: &Find, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError> {
        self.found(find, before, limit).await
    }

    async fn page(&self, page_key: &str) -> Result<Option<Versioned<Post>>, StoreError> {
        let row: Option<PostRow> =
            sqlx::query_as(posts!("where p.page_key = $1")).bind(page_key).fetch_optional(&self.readers).await?;
        Ok(row.map(|row| Versioned { seq: row.head, value: row.into() }))
    }

    async fn page_counts(&self, page_keys: &[String]) -> Result<Vec<PageCount>, StoreError> {
        self.counts_of(page_keys).await
    }

    async fn participants(&self, post: PostId) -> Result<Option<Vec<UserRef>>, StoreError> {
        self.taking_part(post).await
    }
}
