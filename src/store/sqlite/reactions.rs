//! Reactions: those of one channel that go together are one member of the transaction.

use super::Sqlite;
use super::transaction::{Transaction, Trouble};
use crate::model::{Channel, CommentId, PostId, UserId};
use crate::store::reacting::{Board, Decided, React, ReactedRow, ReactionRow, together};
use crate::store::write::{Place, Write};
use crate::store::{Rejection, StoreError};
use serde_json::json;
use std::collections::HashMap;

impl Transaction {
    /// The channels of the comments that a group names, if anybody in it reacts.
    pub(super) async fn reacted_channels(
        &mut self,
        group: &[Write],
    ) -> Result<HashMap<CommentId, Channel>, StoreError> {
        if !group.iter().any(|write| matches!(write, Write::React(_))) {
            return Ok(HashMap::new());
        }
        let comment = |write: &Write| if let Place::Comment(id) = write.place() { Some(id) } else { None };
        let ids: Vec<CommentId> = group.iter().filter_map(comment).collect();
        let found: Vec<(CommentId, PostId)> =
            sqlx::query_as("select id, post_id from comments where id in (select value from json_each($1))")
                .bind(json!(ids).to_string())
                .fetch_all(&mut self.connection)
                .await?;
        Ok(found.into_iter().map(|(comment, post)| (comment, Channel::Post(post))).collect())
    }

    /// Decides the reaction at `first`, together with those that go with it.
    pub(super) async fn reacts(
        &mut self,
        first: usize,
        group: &[Option<Write>],
        channels: &HashMap<CommentId, Channel>,
    ) -> Result<Vec<Decided>, StoreError> {
        let channel_of = |write: &Write| match write.place() {
            Place::Channel(channel) => Some(channel),
            Place::Comment(id) => channels.get(&id).copied(),
            Place::Nowhere => None,
        };
        let Some(channel) = group[first].as_ref().and_then(channel_of) else {
            return Ok(vec![(first, Err(Rejection::NotFound("comment").into()))]);
        };
        let rest = group.iter().enumerate().skip(first);
        let run =
            together(channel, rest.filter_map(|(member, w)| Some((member, w.as_ref()?, channel_of(w.as_ref()?)))));
        self.begin_member().await?;
        let mark = self.ledger.mark();
        match self.react(channel, &run).await {
            Ok(decided) => Ok(decided),
            Err(Trouble::Member(error)) => {
                self.take_back().await?;
                self.ledger.undo(mark);
                Ok(run.iter().map(|(member, _)| (*member, Err(error.clone()))).collect())
            }
            Err(Trouble::Transaction(error)) => Err(error),
        }
    }

    async fn react(&mut self, channel: Channel, run: &[(usize, &React)]) -> Result<Vec<Decided>, Trouble> {
        self.channel(channel).await?;
        let asked: Vec<_> = run.iter().map(|(_, toggle)| (toggle.comment_id, toggle.actor)).collect();
        let asked = json!(asked).to_string();
        let comments: Vec<ReactedRow> = sqlx::query_as(
            "select id, post_id, reactions, updated_seq, deleted_at is not null as deleted
               from comments
              where id in (select value ->> 0 from json_each($1))",
        )
        .bind(&asked)
        .fetch_all(&mut self.connection)
        .await?;
        let people = self.people(run.iter().map(|(_, toggle)| toggle.actor)).await?;
        let chosen: Vec<ReactionRow> = sqlx::query_as(
            "select r.comment_id, r.user_id, r.emoji
               from json_each($1) as asked
               join reactions as r on r.comment_id = asked.value ->> 0 and r.user_id = asked.value ->> 1",
        )
        .bind(&asked)
        .fetch_all(&mut self.connection)
        .await?;

        let mut board = Board::new(comments, people, chosen)?;
        self.hang_bells(&mut board, run).await?;
        let decided = board.run(&mut self.ledger, channel, run)?;
        self.write_board(&board).await?;
        self.write_bells(&board).await?;
        Ok(decided)
    }

    async fn write_board(&mut self, board: &Board) -> Result<(), Trouble> {
        let (gone, new) = board.rows();
        if !gone.is_empty() {
            sqlx::query(
                "delete from reactions
                  where (comment_id, user_id, emoji)
                     in (select value ->> 0, value ->> 1, value ->> 2 from json_each($1))",
            )
            .bind(columns(&gone))
            .execute(&mut self.connection)
            .await?;
        }
        if !new.is_empty() {
            sqlx::query(
                "insert into reactions (comment_id, user_id, emoji, created_at)
                 select value ->> 0, value ->> 1, value ->> 2, $2 from json_each($1)",
            )
            .bind(columns(&new))
            .bind(self.now)
            .execute(&mut self.connection)
            .await?;
        }
        for of in board.counted()? {
            sqlx::query("update comments set reactions = $2, reaction_count = $3, updated_seq = $4 where id = $1")
                .bind(of.id)
                .bind(of.reactions)
                .bind(of.count)
                .bind(of.updated_seq)
                .execute(&mut self.connection)
                .await?;
        }
        Ok(())
    }
}

impl Sqlite {
    /// What this person chose on each of these comments.
    pub(super) async fn chosen_on(
        &self,
        reader: UserId,
        comments: &[CommentId],
    ) -> Result<HashMap<CommentId, Vec<String>>, StoreError> {
        if comments.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(CommentId, String)> = sqlx::query_as(
            "select comment_id, emoji
               from reactions
              where comment_id in (select value from json_each($1)) and user_id = $2
              order by emoji",
        )
        .bind(json!(comments).to_string())
        .bind(reader)
        .fetch_all(&self.readers)
        .await?;
        let mut chosen = HashMap::<_, Vec<_>>::new();
        for (comment, emoji) in rows {
            chosen.entry(comment).or_default().push(emoji);
        }
        Ok(chosen)
    }
}

fn columns(rows: &[&ReactionRow]) -> String {
    json!(rows.iter().map(|row| (row.comment_id, row.user_id, &row.emoji)).collect::<Vec<_>>()).to_string()
}
