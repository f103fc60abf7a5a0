//! Channels and their logs.

use super::Sqlite;
use super::transaction::{Transaction, Trouble};
use crate::model::{Channel, Event, EventData};
use crate::store::compose::{Subjects, compose, wanted};
use crate::store::ledger::Caused;
use crate::store::read::{Head, ReadLog, Stretch};
use crate::store::rows::{EventRow, NamedChannelRow, stored_channel};
use crate::store::write::{Applied, Publish};
use crate::store::{Rejection, StoreError};
use async_trait::async_trait;
use std::collections::HashMap;

/// Events of stretches. Seqs have no holes above the floor, so a number of events is a range of seqs.
pub(super) const STRETCHES: &str = "select e.channel, e.seq, e.at, e.kind, e.subject_id, e.facts, e.unread, c.closed
  from json_each($1) as asked
  join channels as c
    on c.name = asked.value ->> 0
  join events as e
    on e.channel = c.name
   and e.seq >  max(asked.value ->> 1, iif(asked.value ->> 3, c.head - (asked.value ->> 2), 0))
   and e.seq <= iif(asked.value ->> 3, c.head, max(asked.value ->> 1, c.floor) + (asked.value ->> 2))
 order by e.channel, e.seq";

/// Channels that stand elsewhere than they are said to: an object of names and seqs.
pub(super) const MOVED: &str = "select asked.key as name, coalesce(c.head, -1) as head, coalesce(c.floor, 0) as floor,
       coalesce(c.comment_count, 0) as comment_count, coalesce(c.unread, 0) as unread, coalesce(c.closed, 0) as closed
  from json_each($1) as asked
  left join channels as c on c.name = asked.key
 where coalesce(c.head, 0) <> asked.value";

impl Transaction {
    pub(super) async fn publish(&mut self, publish: Publish) -> Result<Applied<i64>, Trouble> {
        if let Some(caused) = self.ledger.replay(publish.key.as_ref())? {
            return Ok(Applied { value: caused.seq, replayed: true });
        }
        let open = publish.channel != Channel::Revocations
            && self.channel(publish.channel).await?.is_some_and(|row| !row.closed);
        if !open {
            return Err(Rejection::NotFound("channel").into());
        }
        let data = EventData::Custom(&publish.kind, &publish.data);
        let seq = self.ledger.append(publish.channel, &data, None, None, Some(publish.data.get().to_owned()));
        self.ledger.keep(publish.key, Caused { subject_id: None, seq });
        Ok(Applied { value: seq, replayed: false })
    }

    /// Inserts the events and writes the channel rows as they are to be; answers the id of the last event.
    pub(super) async fn write_log(&mut self) -> Result<Option<i64>, StoreError> {
        let changed: Vec<_> = self
            .ledger
            .changed()
            .into_iter()
            .map(|(channel, row)| (channel.name(), row.head, row.comment_count, row.unread, row.closed))
            .collect();
        if !changed.is_empty() {
            sqlx::query(
                "update channels
                    set head          = changed.value ->> 1,
                        comment_count = changed.value ->> 2,
                        unread        = changed.value ->> 3,
                        closed        = changed.value ->> 4
                   from json_each($1) as changed
                  where name = changed.value ->> 0",
            )
            .bind(serde_json::json!(changed).to_string())
            .execute(&mut self.connection)
            .await?;
        }

        if self.ledger.entries().is_empty() {
            return Ok(None);
        }
        let entries: Vec<_> = self
            .ledger
            .entries()
            .iter()
            .map(|e| (e.channel.name(), e.seq, &e.kind, e.subject_id, e.actor_id, &e.facts, e.unread))
            .collect();
        // An array is walked in its order, so ids follow the commit order, as pruning relies on.
        let inserted = sqlx::query(
            "insert into events (channel, seq, at, kind, subject_id, actor_id, facts, unread)
             select value ->> 0, value ->> 1, $2, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
               from json_each($1)",
        )
        .bind(serde_json::json!(entries).to_string())
        .bind(self.now)
        .execute(&mut self.connection)
        .await?;
        Ok(Some(inserted.last_insert_rowid()))
    }
}

#[async_trait]
impl ReadLog for Sqlite {
    async fn heads(&self, channels: &[Channel]) -> Result<HashMap<Channel, Head>, StoreError> {
        let rows: Vec<NamedChannelRow> = sqlx::query_as(
            "select name, head, floor, comment_count, unread, closed
               from channels
              where name in (select value from json_each($1))",
        )
        .bind(serde_json::json!(channels).to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(|row| Ok((stored_channel(&row.name)?, row.row.into()))).collect()
    }

    async fn moved(&self, known: &[(Channel, i64)]) -> Result<HashMap<Channel, Option<Head>>, StoreError> {
        let known: HashMap<String, i64> = known.iter().map(|(channel, seq)| (channel.name(), *seq)).collect();
        let rows: Vec<NamedChannelRow> =
            sqlx::query_as(MOVED).bind(serde_json::json!(known).to_string()).fetch_all(&self.readers).await?;
        rows.into_iter().map(|row| Ok((stored_channel(&row.name)?, row.found()))).collect()
    }

    async fn events(&self, stretches: &[Stretch]) -> Result<HashMap<Channel, Vec<Event>>, StoreError> {
        let asked: Vec<_> = stretches.iter().map(|s| (s.channel, s.after, s.limit.max(0), s.last)).collect();
        let rows: Vec<EventRow> =
            sqlx::query_as(STRETCHES).bind(serde_json::json!(asked).to_string()).fetch_all(&self.readers).await?;
        let wanted = wanted(&rows);
        let subjects = Subjects {
            comments: self.comments_by_id(&wanted.comments).await?,
            posts: self.posts_by_id(&wanted.posts).await?,
            notifications: self.notifications_by_id(&wanted.notifications).await?,
        };
        compose(rows, &subjects)
    }
}
