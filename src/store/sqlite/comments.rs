//! Comments.

use super::Sqlite;
use super::transaction::{Transaction, Trouble};
use crate::model::event::{Counted, ParentCount};
use crate::model::page::Sort;
use crate::model::{Channel, Comment, CommentId, EventData, PostId, UserId};
use crate::store::compose::CommentFacts;
use crate::store::ledger::Caused;
use crate::store::read::{Below, ReadComments};
use crate::store::rows::CommentRow;
use crate::store::write::{Applied, CreateComment, DeleteComment, EditComment, Versioned};
use crate::store::{Rejection, StoreError};
use async_trait::async_trait;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

const NOT_FOUND: Rejection = Rejection::NotFound("comment");
const DELETED: Rejection = Rejection::Conflict(Cow::Borrowed("the comment is deleted"));

/// Comments with their author, and what is asked of them.
macro_rules! comments {
    ($rest:literal) => {
        concat!(
            "select c.id, c.post_id, c.parent_id, c.root_id, c.depth, c.body, c.html, c.key, c.seq, c.updated_seq,
                    c.reactions, c.reply_count, c.created_at, c.edited_at, c.deleted_at,
                    u.id as author_id, u.name as author_name, u.handle as author_handle,
                    u.avatar_url as author_avatar_url
               from comments as c
               join users as u on u.id = c.author_id ",
            $rest
        )
    };
}

impl Transaction {
    pub(super) async fn create_comment(&mut self, create: CreateComment) -> Result<Applied<Comment>, Trouble> {
        let channel = Channel::Post(create.post_id);
        if let Some(caused) = self.ledger.replay(create.key.as_ref())? {
            let row = self.comment_row(CommentId(caused.subject_id.unwrap_or_default())).await?.ok_or(NOT_FOUND)?;
            return Ok(Applied { value: row.into(), replayed: true });
        }
        if self.channel(channel).await?.is_none_or(|row| row.closed) {
            return Err(Rejection::NotFound("post").into());
        }
        let author = self.user_ref(create.author).await?;
        let parent = match create.parent_id {
            Some(id) => Some(self.parent(id, create.post_id).await?),
            None => None,
        };

        let seq = self.ledger.next_seq(channel);
        let depth = parent.as_ref().map_or(0, |parent| parent.depth + 1);
        let root_id = parent.as_ref().map(|parent| parent.root_id.unwrap_or(parent.id));
        let key = create.key.as_ref().map(|key| key.key.clone());
        let id: CommentId = sqlx::query_scalar(
            "insert into comments
                    (post_id, parent_id, root_id, depth, author_id, body, html, key, seq, updated_seq, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)
             returning id",
        )
        .bind(create.post_id)
        .bind(create.parent_id)
        .bind(root_id)
        .bind(depth)
        .bind(author.id)
        .bind(&create.body)
        .bind(&create.html)
        .bind(&key)
        .bind(seq)
        .bind(self.now)
        .fetch_one(&mut self.connection)
        .await?;
        if let Some(parent) = &parent {
            sqlx::query("update comments set reply_count = reply_count + 1, updated_seq = $2 where id = $1")
                .bind(parent.id)
                .bind(seq)
                .execute(&mut self.connection)
                .await?;
        }

        let comment = Comment {
            id,
            post_id: create.post_id,
            parent_id: create.parent_id,
            root_id: root_id.unwrap_or(id),
            depth,
            author: Some(author),
            body: create.body,
            html: create.html,
            created_at: self.now,
            edited_at: None,
            deleted: false,
            reactions: BTreeMap::new(),
            reply_count: 0,
            key,
            seq,
            updated_seq: seq,
        };
        self.ledger.change(channel, |row| row.comment_count += 1);
        let parent = parent.map(|parent| ParentCount { id: parent.id, reply_count: parent.reply_count + 1 });
        let (counted, facts) = self.counted(&comment, parent)?;
        let data = EventData::CommentCreated(counted);
        self.ledger.append(channel, &data, Some(id.0), Some(create.author), Some(facts));
        self.ledger.keep(create.key, Caused { subject_id: Some(id.0), seq });
        Ok(Applied { value: comment, replayed: false })
    }

    pub(super) async fn edit_comment(&mut self, edit: EditComment) -> Result<Comment, Trouble> {
        let row = self.comment_row(edit.comment_id).await?.ok_or(NOT_FOUND)?;
        if row.author_id != edit.actor.user_id {
            return Err(Rejection::Forbidden("only its author may edit a comment").into());
        }
        if row.deleted_at.is_some() {
            return Err(DELETED.into());
        }
        let mut comment = Comment::from(row);
        if comment.body == edit.body {
            return Ok(comment);
        }
        let channel = Channel::Post(comment.post_id);
        comment.body = edit.body;
        comment.html = edit.html;
        comment.edited_at = Some(self.now);
        comment.updated_seq = self.ledger.next_seq(channel);
        sqlx::query("update comments set body = $2, html = $3, edited_at = $4, updated_seq = $5 where id = $1")
            .bind(comment.id)
            .bind(&comment.body)
            .bind(&comment.html)
            .bind(self.now)
            .bind(comment.updated_seq)
            .execute(&mut self.connection)
            .await?;
        let data = EventData::CommentUpdated(&comment);
        self.ledger.append(channel, &data, Some(comment.id.0), Some(edit.actor.user_id), None);
        Ok(comment)
    }

    pub(super) async fn delete_comment(&mut self, delete: DeleteComment) -> Result<Comment, Trouble> {
        let mut row = self.comment_row(delete.comment_id).await?.ok_or(NOT_FOUND)?;
        if row.author_id != delete.actor.user_id && !delete.actor.moderates {
            return Err(Rejection::Forbidden("only its author or a moderator may delete a comment").into());
        }
        if row.deleted_at.is_some() {
            return Ok(row.into());
        }
        let channel = Channel::Post(row.post_id);
        row.body = String::new();
        row.html = String::new();
        row.reactions = "{}".into();
        row.deleted_at = Some(self.now);
        row.updated_seq = self.ledger.next_seq(channel);
        sqlx::query(
            "update comments
                set body = '', html = '', reactions = '{}', reaction_count = 0, deleted_at = $2, updated_seq = $3
              where id = $1",
        )
        .bind(row.id)
        .bind(self.now)
        .bind(row.updated_seq)
        .execute(&mut self.connection)
        .await?;
        sqlx::query("delete from reactions where comment_id = $1").bind(row.id).execute(&mut self.connection).await?;
        let parent = match row.parent_id {
            Some(id) => self.comment_row(id).await?.map(|p| ParentCount { id: p.id, reply_count: p.reply_count }),
            None => None,
        };
        let comment = Comment::from(row);
        self.ledger.change(channel, |row| row.comment_count -= 1);
        let (counted, facts) = self.counted(&comment, parent)?;
        let data = EventData::CommentDeleted(counted);
        self.ledger.append(channel, &data, Some(comment.id.0), Some(delete.actor.user_id), Some(facts));
        Ok(comment)
    }

    /// A comment, tombstones included, whose post is not deleted, with its channel held.
    async fn comment_row(&mut self, id: CommentId) -> Result<Option<CommentRow>, Trouble> {
        let row: Option<CommentRow> =
            sqlx::query_as(comments!("where c.id = $1")).bind(id).fetch_optional(&mut self.connection).await?;
        let Some(row) = row else { return Ok(None) };
        let channel = self.channel(Channel::Post(row.post_id)).await?;
        Ok(channel.filter(|channel| !channel.closed).map(|_| row))
    }

    async fn parent(&mut self, id: CommentId, post: PostId) -> Result<CommentRow, Trouble> {
        let unusable = Rejection::Unprocessable { pointer: "/parent_id", detail: "no comment of this post" };
        let row = self.comment_row(id).await?.filter(|row| row.post_id == post).ok_or(unusable)?;
        if row.deleted_at.is_some() { Err(DELETED.into()) } else { Ok(row) }
    }

    /// What an event says of a comment besides the row, told now and kept for later.
    fn counted<'c>(&self, comment: &'c Comment, parent: Option<ParentCount>) -> Result<(Counted<'c>, String), Trouble> {
        let comment_count = self.ledger.row(Channel::Post(comment.post_id)).map_or(0, |row| row.comment_count);
        let facts = serde_json::to_string(&CommentFacts { comment_count, parent })
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok((Counted { comment, comment_count, parent }, facts))
    }
}

impl Sqlite {
    /// Comments, tombstones included, of posts that are not deleted.
    pub(super) async fn comments_by_id(&self, ids: &[CommentId]) -> Result<HashMap<CommentId, Comment>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<CommentRow> = sqlx::query_as(comments!(
            "join posts as p on p.id = c.post_id and p.deleted_at is null
            where c.id in (select value from json_each($1))"
        ))
        .bind(serde_json::json!(ids).to_string())
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
    }

    /// The head of a post's channel; none where the post is deleted or never was.
    async fn open_head(&self, post: PostId) -> Result<Option<i64>, StoreError> {
        let head = sqlx::query_scalar("select head from channels where name = $1 and not closed")
            .bind(Channel::Post(post).name())
            .fetch_optional(&self.readers)
            .await?;
        Ok(head)
    }
}

/// The statement for a list; `$1` is what it is below, `$2` what it goes on from, `$3` its limit.
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
        after: Option<CommentId>,
        limit: i64,
    ) -> Result<Option<Versioned<Vec<Comment>>>, StoreError> {
        let Some(seq) = self.open_head(post).await? else { return Ok(None) };
        let below_id = match below {
            Below::Anything | Below::Roots => post.0,
            Below::Comment(id) => id.0,
        };
        let from = after.map_or(if sort == Sort::Oldest { 0 } else { i64::MAX }, |id| id.0);
        let rows: Vec<CommentRow> = sqlx::query_as(list(below, sort))
            .bind(below_id)
            .bind(from)
            .bind(limit.max(0))
            .bind(post)
            .fetch_all(&self.readers)
            .await?;
        Ok(Some(Versioned { value: rows.into_iter().map(Comment::from).collect(), seq }))
    }

    async fn chosen(
        &self,
        reader: UserId,
        comments: &[CommentId],
    ) -> Result<HashMap<CommentId, Vec<String>>, StoreError> {
        self.chosen_on(reader, comments).await
    }
}
