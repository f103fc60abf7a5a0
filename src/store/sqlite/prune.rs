//! Deleting what has outlived its use, a bounded number of rows a call.

use super::transaction::{Transaction, Trouble};
use crate::model::Timestamp;
use crate::store::write::{KEY_LIFE, Prune, Pruned};

const OLD_KEYS: &str = "delete from idempotency_keys
  where (caller, action, key) in
        (select caller, action, key from idempotency_keys where created_at <= $1 order by created_at limit $2)";
const OLD_REVOCATIONS: &str = "delete from revocations
  where session_id in (select session_id from revocations where until <= $1 order by until limit $2)";
const OLD_REFRESH_TOKENS: &str = "delete from refresh_tokens
  where hash in (select hash from refresh_tokens where expires_at <= $1 order by expires_at limit $2)";
const OLD_SESSIONS: &str = "delete from sessions
  where id in (select id from sessions where ends_at <= $1 order by ends_at limit $2)";

const OLD_BANS: &str = "delete from bans
  where id in (select id from bans where until <= $1 order by until limit $2)";

impl Transaction {
    pub(super) async fn prune(&mut self, prune: Prune) -> Result<Pruned, Trouble> {
        let at_most = prune.at_most.max(1);
        let deleted = [
            self.prune_old_events(prune.events_before, at_most).await?,
            self.prune_long_logs(prune.events_per_channel.max(0), at_most).await?,
            self.delete(OLD_KEYS, self.now.minus(KEY_LIFE), at_most).await?,
            self.delete(OLD_REVOCATIONS, self.now, at_most).await?,
            self.delete(OLD_REFRESH_TOKENS, self.now, at_most).await?,
            self.delete(OLD_SESSIONS, self.now, at_most).await?,
            self.delete(OLD_BANS, self.now, at_most).await?,
        ];
        Ok(Pruned { rows: deleted.iter().sum(), more: deleted.iter().any(|rows| *rows >= at_most) })
    }

    /// Ids follow the commit order, so everything before the first event that is still young is a prefix of each log.
    async fn prune_old_events(&mut self, before: Timestamp, at_most: i64) -> Result<i64, Trouble> {
        let last: Option<i64> = sqlx::query_scalar(
            "with oldest as (select id, at from events order by id limit $2)
             select max(id)
               from oldest
              where id < coalesce((select min(id) from oldest where at >= $1), 9223372036854775807)",
        )
        .bind(before)
        .bind(at_most)
        .fetch_one(&mut self.connection)
        .await?;
        let Some(last) = last else { return Ok(0) };
        sqlx::query(
            "update channels
                set floor = max(floor, old.seq)
               from (select channel, max(seq) as seq from events where id <= $1 group by channel) as old
              where name = old.channel",
        )
        .bind(last)
        .execute(&mut self.connection)
        .await?;
        let deleted = sqlx::query("delete from events where id <= $1").bind(last).execute(&mut self.connection).await?;
        Ok(i64::try_from(deleted.rows_affected()).unwrap_or(i64::MAX))
    }

    /// Logs with more than `keep` events lose their first ones.
    async fn prune_long_logs(&mut self, keep: i64, at_most: i64) -> Result<i64, Trouble> {
        let logs: Vec<(String, i64, i64)> =
            sqlx::query_as("select name, floor, head from channels where head - floor > $1 order by name limit $2")
                .bind(keep)
                .bind(at_most)
                .fetch_all(&mut self.connection)
                .await?;
        let mut left = at_most;
        for (name, floor, head) in logs {
            let upto = (head - keep).min(floor + left);
            if upto <= floor {
                break;
            }
            left -= upto - floor;
            sqlx::query("delete from events where channel = $1 and seq <= $2")
                .bind(&name)
                .bind(upto)
                .execute(&mut self.connection)
                .await?;
            sqlx::query("update channels set floor = $2 where name = $1")
                .bind(&name)
                .bind(upto)
                .execute(&mut self.connection)
                .await?;
        }
        Ok(at_most - left)
    }

    async fn delete(&mut self, statement: &'static str, end: Timestamp, at_most: i64) -> Result<i64, Trouble> {
        let deleted = sqlx::query(statement).bind(end).bind(at_most).execute(&mut self.connection).await?;
        Ok(i64::try_from(deleted.rows_affected()).unwrap_or(i64::MAX))
    }
}
