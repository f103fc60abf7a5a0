//! What people are told, as they read it.

use super::Sqlite;
use crate::model::notification::MAX_ACTORS;
use crate::model::{Channel, Notification, NotificationId, PostId, UserId, UserRef};
use crate::store::StoreError;
use crate::store::notices::{ActorRow, NotificationRow, by_notification};
use crate::store::read::{Inbox, ReadNotifications, Recipients};
use async_trait::async_trait;
use std::collections::HashMap;

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

    async fn takebacks(&self, limit: i64) -> Result<Vec<PostId>, StoreError> {
        let posts = sqlx::query_scalar("select post_id from takebacks order by post_id limit $1")
            .bind(limit.max(0))
            .fetch_all(&self.readers)
            .await?;
        Ok(posts)
    }

    async fn recipients(&self, named: &Recipients) -> Result<Vec<UserId>, StoreError> {
        let (statement, names) = match named {
            Recipients::Ids(ids) => {
                ("select id from users where id in (select value from json_each($1))", serde_json::json!(ids))
            }
            Recipients::External(ids) => {
                ("select id from users where external_id in (select value from json_each($1))", serde_json::json!(ids))
            }
        };
        Ok(sqlx::query_scalar(statement).bind(names.to_string()).fetch_all(&self.readers).await?)
    }
}
