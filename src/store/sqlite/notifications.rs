//! What people are told.

use super::Sqlite;
use super::transaction::{Transaction, Trouble};
use crate::model::event::EventData;
use crate::model::notification::{MAX_ACTORS, Which};
use crate::model::{Cause, Channel, CommentId, Notification, NotificationId, PostId, UserId, UserRef};
use crate::store::notices::{About, ActorRow, GoneRow, NotificationRow, ReadFacts, by_notification, take_away};
use crate::store::read::{Inbox, ReadNotifications};
use crate::store::write::{Dismiss, MarkRead, Unread};
use crate::store::{Rejection, StoreError};
use async_trait::async_trait;
use std::collections::HashMap;

const NOBODY: Rejection = Rejection::NotFound("user");

/// Notifications `n` with what they tell of; `$from` says which.
macro_rules! notifications {
    ($from:literal, $rest:literal) => {
        concat!(
            "select n.id, n.user_id, n.kind, n.title, n.body, n.url, n.post_id, n.comment_id, n.count, n.created_at,
                    n.updated_at, n.seq, coalesce(n.read_at, iif(n.seq < i.read_seq, i.read_at, null)) as read_at,
                    p.title as post_title, p.url as post_url, substr(c.html, 1, 4000) as comment_html,
                    u.id as author_id, u.name as author_name, u.handle as author_handle,
                    u.avatar_url as author_avatar_url
               from ",
            $from,
            " as n
               left join inboxes as i on i.user_id = n.user_id
               left join posts as p on p.id = n.post_id and p.deleted_at is null
               left join comments as c on c.id = n.comment_id
               left join users as u on u.id = c.author_id ",
            $rest
        )
    };
}

/// Ids of notifications `n`, whose they are, and whether they are unread.
macro_rules! gone {
    ($rest:literal) => {
        concat!(
            "select n.id, n.user_id,
                    n.read_at is null
                    and n.seq > coalesce((select read_seq from inboxes as i where i.user_id = n.user_id), 0) as unread
               from notifications as n ",
            $rest
        )
    };
}

/// The statement for a list; `$1` is whose, `$2` what it goes on from, `$3` its limit.
pub(super) fn list(unread: bool) -> &'static str {
    if unread {
        notifications!(
            "(select * from notifications
               where user_id = $1 and read_at is null and seq < $2
                 and seq > coalesce((select read_seq from inboxes where user_id = $1), 0)
               order by seq desc
               limit $3)",
            "order by n.seq desc"
        )
    } else {
        notifications!(
            "(select * from notifications where user_id = $1 and seq < $2 order by seq desc limit $3)",
            "order by n.seq desc"
        )
    }
}

/// The latest actors of notifications.
pub(super) const ACTORS: &str = "select a.notification_id, u.id, u.name, u.handle, u.avatar_url
  from json_each($1) as asked
  join notification_actors as a
    on a.notification_id = asked.value
   and a.user_id in (select b.user_id
                       from notification_actors as b
                      where b.notification_id = asked.value
                      order by b.at desc, b.user_id desc
                      limit $2)
  join users as u on u.id = a.user_id
 order by a.at desc, a.user_id desc";

impl Transaction {
    /// Those of these people who have a channel, which is held from here on.
    pub(super) async fn reachable(&mut self, told: Vec<(UserId, Cause)>) -> Result<Vec<(UserId, Cause)>, Trouble> {
        let mut there = Vec::with_capacity(told.len());
        for (user, cause) in told {
            if self.channel(Channel::User(user)).await?.is_some() {
                there.push((user, cause));
            }
        }
        Ok(there)
    }

    /// The people with these handles.
    pub(super) async fn named(&mut self, handles: &[String]) -> Result<Vec<UserId>, Trouble> {
        if handles.is_empty() {
            return Ok(Vec::new());
        }
        let ids =
            sqlx::query_scalar("select id from users where handle in (select value from json_each($1)) order by id")
                .bind(serde_json::json!(handles).to_string())
                .fetch_all(&mut self.connection)
                .await?;
        Ok(ids)
    }

    /// Tells these people, whose channels are held.
    pub(super) async fn notify(&mut self, about: &About<'_>, told: &[(UserId, Cause)]) -> Result<(), Trouble> {
        for (user, cause) in told {
            let id: NotificationId = sqlx::query_scalar(
                "insert into notifications
                        (user_id, group_key, kind, post_id, comment_id, count, created_at, updated_at, seq)
                 values ($1, $2, $3, $4, $5, 1, $6, $6, $7)
                 returning id",
            )
            .bind(user)
            .bind(cause.group_key(about.comment_id))
            .bind(cause.name())
            .bind(about.post_id)
            .bind(about.comment_id)
            .bind(self.now)
            .bind(self.ledger.next_seq(Channel::User(*user)))
            .fetch_one(&mut self.connection)
            .await?;
            about.notify(&mut self.ledger, id, *user, *cause);
        }
        Ok(())
    }

    /// Takes back what a comment told people.
    pub(super) async fn untell(&mut self, post: PostId, comment: CommentId, actor: UserId) -> Result<(), Trouble> {
        let gone: Vec<GoneRow> =
            sqlx::query_as(gone!("where n.post_id = $1 and n.comment_id = $2 order by n.user_id, n.id"))
                .bind(post)
                .bind(comment)
                .fetch_all(&mut self.connection)
                .await?;
        self.take_away(gone, Some(actor)).await
    }

    /// Deletes notifications and tells their people.
    pub(super) async fn take_away(&mut self, gone: Vec<GoneRow>, actor: Option<UserId>) -> Result<(), Trouble> {
        if gone.is_empty() {
            return Ok(());
        }
        let ids = serde_json::json!(gone.iter().map(|row| row.id).collect::<Vec<_>>()).to_string();
        for statement in [
            "delete from notification_actors where notification_id in (select value from json_each($1))",
            "delete from notifications where id in (select value from json_each($1))",
        ] {
            sqlx::query(statement).bind(&ids).execute(&mut self.connection).await?;
        }
        for row in gone {
            self.channel(Channel::User(row.user_id)).await?;
            take_away(&mut self.ledger, row, actor);
        }
        Ok(())
    }

    pub(super) async fn mark_read(&mut self, mark: MarkRead) -> Result<Unread, Trouble> {
        let channel = Channel::User(mark.user_id);
        let row = self.channel(channel).await?.ok_or(NOBODY)?;
        let seq = self.ledger.next_seq(channel);
        let (read, facts) = match &mark.which {
            Which::All if row.unread == 0 => return Ok(Unread { unread: 0, seq: row.head }),
            Which::All => {
                sqlx::query(
                    "insert into inboxes (user_id, read_seq, read_at)
                     values ($1, $2, $3)
                         on conflict (user_id) do update set read_seq = excluded.read_seq, read_at = excluded.read_at",
                )
                .bind(mark.user_id)
                .bind(seq)
                .bind(self.now)
                .execute(&mut self.connection)
                .await?;
                (Which::All, ReadFacts { ids: None })
            }
            Which::These(ids) => {
                let mut ids: Vec<NotificationId> = sqlx::query_scalar(
                    "update notifications
                        set read_at = $3
                      where id in (select value from json_each($2))
                        and user_id = $1
                        and read_at is null
                        and seq > coalesce((select read_seq from inboxes as i where i.user_id = $1), 0)
                     returning id",
                )
                .bind(mark.user_id)
                .bind(serde_json::json!(ids).to_string())
                .bind(self.now)
                .fetch_all(&mut self.connection)
                .await?;
                if ids.is_empty() {
                    return Ok(Unread { unread: row.unread, seq: row.head });
                }
                ids.sort_unstable();
                (Which::These(ids.clone()), ReadFacts { ids: Some(ids) })
            }
        };
        let unread = match &read {
            Which::All => 0,
            Which::These(ids) => row.unread - ids.len() as i64,
        };
        let facts = serde_json::to_string(&facts).map_err(|error| StoreError::Internal(error.to_string()))?;
        self.ledger.change(channel, |row| row.unread = unread);
        let data = EventData::NotificationsRead(&read, unread);
        let seq = self.ledger.append(channel, &data, None, Some(mark.user_id), Some(facts));
        Ok(Unread { unread, seq })
    }

    pub(super) async fn dismiss(&mut self, dismiss: Dismiss) -> Result<(), Trouble> {
        let channel = Channel::User(dismiss.user_id);
        self.channel(channel).await?.ok_or(NOBODY)?;
        let gone: Vec<GoneRow> = sqlx::query_as(gone!("where n.id = $1 and n.user_id = $2"))
            .bind(dismiss.id)
            .bind(dismiss.user_id)
            .fetch_all(&mut self.connection)
            .await?;
        // Gone before in this very group: its event is not in the table yet.
        let before = gone.is_empty()
            && (self.ledger.entries().iter().any(|entry| {
                entry.channel == channel
                    && &*entry.kind == "notification.deleted"
                    && entry.subject_id == Some(dismiss.id.0)
            }) || sqlx::query_scalar(
                "select exists (select 1 from events
                                 where channel = $1 and subject_id = $2 and kind = 'notification.deleted')",
            )
            .bind(channel.name())
            .bind(dismiss.id)
            .fetch_one(&mut self.connection)
            .await?);
        if gone.is_empty() && !before {
            return Err(Rejection::NotFound("notification").into());
        }
        self.take_away(gone, Some(dismiss.user_id)).await
    }
}

impl Sqlite {
    /// Notifications that may be told.
    pub(super) async fn notifications_by_id(
        &self,
        ids: &[NotificationId],
    ) -> Result<HashMap<NotificationId, Notification>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<NotificationRow> =
            sqlx::query_as(notifications!("notifications", "where n.id in (select value from json_each($1))"))
                .bind(serde_json::json!(ids).to_string())
                .fetch_all(&self.readers)
                .await?;
        let mut actors = self.reactors(&rows).await?;
        let told = rows.into_iter().filter_map(|row| {
            let id = row.id;
            Some((id, row.tell(actors.remove(&id).unwrap_or_default())?))
        });
        Ok(told.collect())
    }

    async fn reactors(&self, rows: &[NotificationRow]) -> Result<HashMap<NotificationId, Vec<UserRef>>, StoreError> {
        let ids: Vec<NotificationId> = rows.iter().filter(|row| row.has_reactors()).map(|row| row.id).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let actors: Vec<ActorRow> = sqlx::query_as(ACTORS)
            .bind(serde_json::json!(ids).to_string())
            .bind(MAX_ACTORS as i64)
            .fetch_all(&self.readers)
            .await?;
        Ok(by_notification(actors))
    }
}

#[async_trait]
impl ReadNotifications for Sqlite {
    async fn inbox(
        &self,
        user: UserId,
        unread: bool,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Option<Inbox>, StoreError> {
        let row: Option<(i64, i64)> = sqlx::query_as("select head, unread from channels where name = $1")
            .bind(Channel::User(user).name())
            .fetch_optional(&self.readers)
            .await?;
        let Some((seq, count)) = row else { return Ok(None) };
        let rows: Vec<NotificationRow> = sqlx::query_as(list(unread))
            .bind(user)
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit.max(0))
            .fetch_all(&self.readers)
            .await?;
        let mut actors = self.reactors(&rows).await?;
        let items = rows.into_iter().map(|row| {
            let actors = actors.remove(&row.id).unwrap_or_default();
            row.show(actors)
        });
        Ok(Some(Inbox { items: items.collect(), unread: count, seq }))
    }
}
