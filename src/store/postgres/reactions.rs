//! Reactions: what a batch asks about is read at once, and what came of it is written at once.

use crate::model::{CommentId, Timestamp, UserId, UserRef};
use crate::store::StoreError;
use crate::store::reacting::{Board, React, ReactedRow, ReactionRow};
use sqlx::postgres::PgConnection;
use std::collections::{BTreeSet, HashMap};

/// What this person chose on each of these comments.
pub(super) async fn chosen(
    db: &mut PgConnection,
    reader: UserId,
    comments: &[CommentId],
) -> Result<HashMap<CommentId, Vec<String>>, StoreError> {
    if comments.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(CommentId, String)> = sqlx::query_as(
        "select comment_id, emoji
         from reactions
         where comment_id = any($1) and user_id = $2
         order by emoji",
    )
    .bind(comments.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind(reader)
    .fetch_all(db)
    .await?;
    let mut chosen = HashMap::<_, Vec<_>>::new();
    for (comment, emoji) in rows {
        chosen.entry(comment).or_default().push(emoji);
    }
    Ok(chosen)
}

/// What these toggles must know, under the locks of their channels; `people` are those of them who are there.
pub(super) async fn read(
    db: &mut PgConnection,
    toggles: &[&React],
    people: &HashMap<UserId, UserRef>,
) -> Result<Board, StoreError> {
    if toggles.is_empty() {
        return Ok(Board::default());
    }
    let comments: BTreeSet<i64> = toggles.iter().map(|toggle| toggle.comment_id.0).collect();
    let (asked, askers): (Vec<i64>, Vec<i64>) =
        toggles.iter().map(|toggle| (toggle.comment_id.0, toggle.actor.0)).collect::<BTreeSet<_>>().into_iter().unzip();
    let comments: Vec<ReactedRow> = sqlx::query_as(
        "select id, post_id, reactions, updated_seq, deleted_at is not null as deleted
         from comments
         where id = any($1)",
    )
    .bind(comments.into_iter().collect::<Vec<_>>())
    .fetch_all(&mut *db)
    .await?;
    // `offset 0` keeps the order of work: one step along the key for each pair.
    let chosen: Vec<ReactionRow> = sqlx::query_as(
        "select chosen.comment_id, chosen.user_id, chosen.emoji
         from unnest($1::bigint[], $2::bigint[]) as asked (comment_id, user_id)
         cross join lateral (
             select comment_id, user_id, emoji
             from reactions as r
             where r.comment_id = asked.comment_id and r.user_id = asked.user_id
             offset 0
         ) as chosen",
    )
    .bind(asked)
    .bind(askers)
    .fetch_all(db)
    .await?;
    Board::new(comments, people.values().cloned(), chosen)
}

/// Writes the rows that differ from what was read, and what their comments tell of them.
pub(super) async fn write(db: &mut PgConnection, board: &Board, now: Timestamp) -> Result<(), StoreError> {
    let (gone, new) = board.rows();
    if !gone.is_empty() {
        let (comments, people, emoji) = columns(&gone);
        sqlx::query(
            "delete from reactions as r
             using unnest($1::bigint[], $2::bigint[], $3::text[]) as gone (comment_id, user_id, emoji)
             where r.comment_id = gone.comment_id and r.user_id = gone.user_id and r.emoji = gone.emoji",
        )
        .bind(comments)
        .bind(people)
        .bind(emoji)
        .execute(&mut *db)
        .await?;
    }
    if !new.is_empty() {
        let (comments, people, emoji) = columns(&new);
        sqlx::query(
            "insert into reactions (comment_id, user_id, emoji, created_at)
             select *, $4
             from unnest($1::bigint[], $2::bigint[], $3::text[])",
        )
        .bind(comments)
        .bind(people)
        .bind(emoji)
        .bind(now)
        .execute(&mut *db)
        .await?;
    }
    let counted = board.counted()?;
    if !counted.is_empty() {
        // A reply to the comment may have come later in the batch, and is written already.
        sqlx::query(
            "update comments
             set reactions = now.reactions, reaction_count = now.count,
                 updated_seq = greatest(comments.updated_seq, now.updated_seq)
             from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[])
                 as now (id, reactions, count, updated_seq)
             where comments.id = now.id",
        )
        .bind(counted.iter().map(|of| of.id.0).collect::<Vec<_>>())
        .bind(counted.iter().map(|of| of.reactions.as_str()).collect::<Vec<_>>())
        .bind(counted.iter().map(|of| of.count).collect::<Vec<_>>())
        .bind(counted.iter().map(|of| of.updated_seq).collect::<Vec<_>>())
        .execute(db)
        .await?;
    }
    Ok(())
}

fn columns<'a>(rows: &[&'a ReactionRow]) -> (Vec<i64>, Vec<i64>, Vec<&'a str>) {
    let comments = rows.iter().map(|row| row.comment_id.0).collect();
    let people = rows.iter().map(|row| row.user_id.0).collect();
    (comments, people, rows.iter().map(|row| row.emoji.as_str()).collect())
}
