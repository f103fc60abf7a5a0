//! What people are told, as it changes.

use super::transaction::{Transaction, Trouble};
use crate::model::event::EventData;
use crate::model::notification::Which;
use crate::model::{Cause, Channel, CommentId, NotificationId, PostId, UserId};
use crate::store::inbox::{StandingRow, TAKEN_AT_ONCE};
use crate::store::ledger::Caused;
use crate::store::notices::{About, GoneRow, ReadFacts, take_away};
use crate::store::write::{Applied, Dismiss, MarkRead, Notified, Notify, TakeBack, TakenBack, Unread};
use crate::store::{Rejection, StoreError};

const NOBODY: Rejection = Rejection::NotFound("user");

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

    /// Takes back notifications of a deleted post.
    pub(super) async fn take_back_some(&mut self, w: TakeBack) -> Result<TakenBack, Trouble> {
        let gone: Vec<GoneRow> = sqlx::query_as(gone!("where n.post_id = $1 order by n.comment_id limit $2"))
            .bind(w.post_id)
            .bind(TAKEN_AT_ONCE)
            .fetch_all(&mut self.connection)
            .await?;
        let taken = gone.len() as i64;
        if taken < TAKEN_AT_ONCE {
            sqlx::query("delete from takebacks where post_id = $1")
                .bind(w.post_id)
                .execute(&mut self.connection)
                .await?;
        }
        self.take_away(gone, None).await?;
        Ok(TakenBack { taken, more: taken == TAKEN_AT_ONCE })
    }

    /// Tells people what a back end says.
    pub(super) async fn announce(&mut self, w: Notify) -> Result<Applied<Notified>, Trouble> {
        if let Some(Caused { subject_id, seq }) = self.ledger.replay(w.key.as_ref())? {
            let value = Notified { accepted: seq, unknown: subject_id.unwrap_or_default() };
            return Ok(Applied { value, replayed: true });
        }
        let mut value = Notified { accepted: 0, unknown: w.unknown };
        for user in &w.to {
            if self.channel(Channel::User(*user)).await?.is_none() {
                value.unknown += 1;
                continue;
            }
            value.accepted += 1;
            let standing: Option<StandingRow> = sqlx::query_as(
                "select n.id, n.user_id, n.count, n.created_at,
                        coalesce(n.read_at, iif(n.seq < i.read_seq, i.read_at, null)) as read_at
                   from notifications as n
                   left join inboxes as i on i.user_id = n.user_id
                  where n.user_id = $1 and n.group_key = $2",
            )
            .bind(user)
            .bind(w.group_key())
            .fetch_optional(&mut self.connection)
            .await?;
            let last: i64 = sqlx::query_scalar(
                "select coalesce((select seq from sqlite_sequence where name = 'notifications'), 0)",
            )
            .fetch_one(&mut self.connection)
            .await?;
            let told = w.tell(&mut self.ledger, *user, standing, NotificationId(last + 1));
            sqlx::query(
                "insert into notifications
                        (id, user_id, group_key, kind, title, body, url, count, created_at, updated_at, seq)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)
                     on conflict (user_id, group_key) do update
                    set title = excluded.title, body = excluded.body, url = excluded.url, count = excluded.count,
                        updated_at = excluded.updated_at, read_at = null, seq = excluded.seq",
            )
            .bind(told.id)
            .bind(told.user_id)
            .bind(told.group_key)
            .bind(&w.kind)
            .bind(&w.title)
            .bind(&w.body)
            .bind(&w.url)
            .bind(told.count)
            .bind(self.now)
            .bind(told.seq)
            .execute(&mut self.connection)
            .await?;
        }
        self.ledger.keep(w.key, Caused { subject_id: Some(value.unknown), seq: value.accepted });
        Ok(Applied { value, replayed: false })
    }
}
