//! Comments.

use super::Sqlite;
use super::ahead::PlaceRow;
use super::transaction::{Transaction, Trouble};
use crate::model::event::{Counted, ParentCount};
use crate::model::{Cause, Channel, Comment, CommentId, EventData, PostId, UserId};
use crate::store::compose::CommentFacts;
use crate::store::ledger::Caused;
use crate::store::notices::{About, MAX_TOLD};
use crate::store::rows::CommentRow;
use crate::store::write::{Applied, CreateComment, DeleteComment, EditComment};
use crate::store::{Rejection, StoreError};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

const NOT_FOUND: Rejection = Rejection::NotFound("comment");
const DELETED: Rejection = Rejection::Conflict(Cow::Borrowed("the comment is deleted"));

/// Comments with their author, and what is asked of them.
macro_rules! comments {
    ($($rest:expr),+ $(,)?) => {
        concat!(
            "select c.id, c.post_id, c.parent_id, c.root_id, c.depth, c.body, c.html, c.key, c.seq, c.updated_seq,
                    c.reactions, c.reply_count, c.created_at, c.edited_at, c.deleted_at,
                    u.id as author_id, u.name as author_name, u.handle as author_handle,
                    u.avatar_url as author_avatar_url
               from comments as c
               join users as u on u.id = c.author_id ",
            $($rest),+
        )
    };
}

pub(super) use comments;

/// A comment's row, behind what begins its member.
macro_rules! insert {
    ($begin:literal) => {
        concat!(
            $begin,
            "insert into comments
                    (post_id, parent_id, root_id, depth, author_id, body, html, key, seq, updated_seq, created_at, told)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)
             returning id"
        )
    };
}

fn told_as_json(told: impl Iterator<Item = UserId>) -> Option<String> {
    let told: Vec<UserId> = told.collect();
    (!told.is_empty()).then(|| serde_json::json!(told).to_string())
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
        let author = self.author(create.author).await?;
        let parent = match create.parent_id {
            Some(id) => Some(self.parent(id, create.post_id).await?),
            None => None,
        };

        let place = self.place(create.post_id).await?;
        let mentioned = self.named(&create.mentions).await?;
        let answered = parent.as_ref().map(|parent| parent.author_id);
        let told = self.reachable(Cause::of_comment(author.id, place.author_id, answered, mentioned)).await?;

        let seq = self.ledger.next_seq(channel);
        let depth = parent.as_ref().map_or(0, |parent| parent.depth + 1);
        let root_id = parent.as_ref().map(|parent| parent.root_id.unwrap_or(parent.id));
        let key = create.key.as_ref().map(|key| key.key.clone());
        let id: CommentId = sqlx::query_scalar(
            self.begin_with(insert!("savepoint member; "), insert!("release member; savepoint member; ")),
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
        .bind(told_as_json(told.iter().map(|(user, _)| *user)))
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
        self.parts.push((create.post_id, create.author, 1));
        self.ledger.change(channel, |row| row.comment_count += 1);
        let parent = parent.map(|parent| ParentCount { id: parent.id, reply_count: parent.reply_count + 1 });
        let (counted, facts) = self.counted(&comment, parent)?;
        let data = EventData::CommentCreated(counted);
        self.ledger.append(channel, &data, Some(id.0), Some(create.author), Some(facts));
        self.ledger.keep(create.key, Caused { subject_id: Some(id.0), seq });
        self.tell(&place, &comment, &told).await?;
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
        self.tell_newly_mentioned(&comment, edit.actor.user_id, &edit.mentions).await?;
        Ok(comment)
    }

    /// Tells people whom an edit mentions and who have not been told of the comment before.
    async fn tell_newly_mentioned(
        &mut self,
        comment: &Comment,
        author: UserId,
        handles: &[String],
    ) -> Result<(), Trouble> {
        let mentioned = self.named(handles).await?;
        if mentioned.is_empty() {
            return Ok(());
        }
        let before: Option<String> = sqlx::query_scalar("select told from comments where id = $1")
            .bind(comment.id)
            .fetch_one(&mut self.connection)
            .await?;
        let mut all: Vec<UserId> =
            before.map_or(Ok(Vec::new()), |told| serde_json::from_str(&told)).unwrap_or_default();
        let mut told = self.reachable(Cause::of_comment(author, None, None, mentioned)).await?;
        told.retain(|(user, _)| !all.contains(user));
        told.truncate(MAX_TOLD.saturating_sub(all.len()));
        if told.is_empty() {
            return Ok(());
        }
        all.extend(told.iter().map(|(user, _)| *user));
        sqlx::query("update comments set told = $2 where id = $1")
            .bind(comment.id)
            .bind(told_as_json(all.into_iter()))
            .execute(&mut self.connection)
            .await?;
        let place = self.place(comment.post_id).await?;
        self.tell(&place, comment, &told).await
    }

    /// Tells people of a comment.
    async fn tell(&mut self, place: &PlaceRow, comment: &Comment, told: &[(UserId, Cause)]) -> Result<(), Trouble> {
        let Some(author) = &comment.author else { return Ok(()) };
        let about = About {
            post_id: comment.post_id,
            post_title: &place.title,
            post_url: place.url.as_deref(),
            comment_id: comment.id,
            html: &comment.html,
            author,
        };
        self.notify(&about, told).await
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
                set body = '', html = '', reactions = '{}', reaction_count = 0, told = null, deleted_at = $2,
                    updated_seq = $3
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
        self.parts.push((row.post_id, row.author_id, -1));
        let comment = Comment::from(row);
        self.ledger.change(channel, |row| row.comment_count -= 1);
        let (counted, facts) = self.counted(&comment, parent)?;
        let data = EventData::CommentDeleted(counted);
        self.ledger.append(channel, &data, Some(comment.id.0), Some(delete.actor.user_id), Some(facts));
        self.untell(comment.post_id, comment.id, delete.actor.user_id).await?;
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
}
