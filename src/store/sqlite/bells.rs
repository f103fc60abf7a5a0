//! The notifications of reactions.

use super::transaction::{Transaction, Trouble};
use crate::model::notification::MAX_ACTORS;
use crate::model::{Channel, NotificationId, UserId};
use crate::store::bells::{Bell, BellRow, RingerRow};
use crate::store::reacting::{Board, React};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};

/// The latest actors of notifications `$1`, `$2` each, and those named by `$3`.
const RINGERS: &str = "select a.notification_id, u.id, u.name, u.handle, u.avatar_url, a.at
  from json_each($1) as asked
  join notification_actors as a
    on a.notification_id = asked.value
   and a.user_id in (select b.user_id
                       from notification_actors as b
                      where b.notification_id = asked.value
                      order by b.at desc, b.user_id desc
                      limit $2)
  join users as u on u.id = a.user_id
 union
select a.notification_id, u.id, u.name, u.handle, u.avatar_url, a.at
  from json_each($3) as asked
  join notification_actors as a
    on a.notification_id = asked.value ->> 0
   and a.user_id         = asked.value ->> 1
  join users as u on u.id = a.user_id";

impl Transaction {
    /// Reads what the authors of these comments are told of reactions, and holds their channels.
    pub(super) async fn hang_bells(&mut self, board: &mut Board, run: &[(usize, &React)]) -> Result<(), Trouble> {
        let comments: BTreeSet<i64> = run.iter().map(|(_, toggle)| toggle.comment_id.0).collect();
        let mut rows: Vec<BellRow> = sqlx::query_as(
            "select c.id as comment_id, c.author_id as user_id, substr(c.html, 1, 4000) as comment_html,
                    p.id as post_id, p.title as post_title, p.url as post_url, n.id, n.count, n.created_at,
                    coalesce(n.read_at, iif(n.seq < i.read_seq, i.read_at, null)) as read_at
               from comments as c
               join posts as p on p.id = c.post_id
               left join notifications as n on n.user_id = c.author_id and n.group_key = 'reaction:' || c.id
               left join inboxes as i on i.user_id = n.user_id
              where c.id in (select value from json_each($1))",
        )
        .bind(json!(comments).to_string())
        .fetch_all(&mut self.connection)
        .await?;
        let mut bells = Vec::with_capacity(rows.len());
        for row in rows.drain(..) {
            if self.channel(Channel::User(row.user_id)).await?.is_some() {
                bells.push(row);
            }
        }
        let mut ringers = self.ringers(&bells, run).await?;
        let hung = bells.into_iter().map(|row| {
            let actors = row.id.and_then(|id| ringers.remove(&id)).unwrap_or_default();
            Bell::new(row, actors)
        });
        let hung: Vec<Bell> = hung.collect();
        let last: i64 =
            sqlx::query_scalar("select coalesce((select seq from sqlite_sequence where name = 'notifications'), 0)")
                .fetch_one(&mut self.connection)
                .await?;
        let coming = run.iter().filter(|(_, toggle)| toggle.on).count() as i64;
        board.hang(hung, (1..=coming).rev().map(|n| NotificationId(last + n)).collect());
        Ok(())
    }

    async fn ringers(
        &mut self,
        bells: &[BellRow],
        run: &[(usize, &React)],
    ) -> Result<HashMap<NotificationId, Vec<RingerRow>>, Trouble> {
        let ids: Vec<NotificationId> = bells.iter().filter_map(|row| row.id).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let named: BTreeSet<(NotificationId, UserId)> = bells
            .iter()
            .filter_map(|row| Some((row.id?, row.comment_id)))
            .flat_map(|(id, comment)| {
                run.iter().filter(move |(_, t)| t.comment_id == comment).map(move |(_, t)| (id, t.actor))
            })
            .collect();
        let rows: Vec<RingerRow> = sqlx::query_as(RINGERS)
            .bind(json!(ids).to_string())
            .bind((MAX_ACTORS + run.len()) as i64)
            .bind(json!(named).to_string())
            .fetch_all(&mut self.connection)
            .await?;
        let mut ringers: HashMap<_, Vec<_>> = HashMap::new();
        for row in rows {
            ringers.entry(row.notification_id).or_default().push(row);
        }
        Ok(ringers)
    }

    /// Writes what changed.
    pub(super) async fn write_bells(&mut self, board: &Board) -> Result<(), Trouble> {
        for bell in board.bells() {
            if let Some(gone) = bell.gone() {
                for statement in [
                    "delete from notification_actors where notification_id = $1",
                    "delete from notifications where id = $1",
                ] {
                    sqlx::query(statement).bind(gone).execute(&mut self.connection).await?;
                }
            }
            if let Some(new) = bell.new_row() {
                sqlx::query(
                    "insert into notifications
                            (id, user_id, group_key, kind, post_id, comment_id, count, created_at, updated_at, read_at,
                             seq)
                     values ($1, $2, 'reaction:' || $4, 'reaction', $3, $4, $5, $6, $7, $8, $9)",
                )
                .bind(new.id)
                .bind(bell.user())
                .bind(bell.post())
                .bind(bell.comment())
                .bind(new.count)
                .bind(new.created_at)
                .bind(new.updated_at)
                .bind(new.read_at)
                .bind(new.seq)
                .execute(&mut self.connection)
                .await?;
            }
            if let Some(now) = bell.changed_row() {
                sqlx::query(
                    "update notifications set count = $2, updated_at = $3, read_at = $4, seq = $5 where id = $1",
                )
                .bind(now.id)
                .bind(now.count)
                .bind(now.updated_at)
                .bind(now.read_at)
                .bind(now.seq)
                .execute(&mut self.connection)
                .await?;
            }
        }
        let gone: Vec<_> = board.bells().flat_map(Bell::gone_actors).collect();
        if !gone.is_empty() {
            sqlx::query(
                "delete from notification_actors
                  where (notification_id, user_id) in (select value ->> 0, value ->> 1 from json_each($1))",
            )
            .bind(json!(gone).to_string())
            .execute(&mut self.connection)
            .await?;
        }
        let new: Vec<_> = board.bells().flat_map(Bell::new_actors).collect();
        if !new.is_empty() {
            sqlx::query(
                "insert into notification_actors (notification_id, user_id, at)
                 select value ->> 0, value ->> 1, $2 from json_each($1)",
            )
            .bind(json!(new).to_string())
            .bind(self.now)
            .execute(&mut self.connection)
            .await?;
        }
        Ok(())
    }
}
