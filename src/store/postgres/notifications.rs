//! What people are told: the inbox, and many new notifications at a time.

use crate::model::notification::MAX_ACTORS;
use crate::model::{Channel, Notification, NotificationId, PostId, Timestamp, UserId, UserRef};
use crate::store::StoreError;
use crate::store::notices::{ActorRow, NewNotice, NotificationRow, by_notification};
use crate::store::read::{Inbox, Recipients};
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

/// Notifications `n` with what they tell of; `$from` says which.
macro_rules! notifications {
    ($from:literal, $rest:literal) => {
        concat!(
            "select n.id, n.user_id, n.kind, n.title, n.body, n.url, n.post_id, n.comment_id, n.count, n.created_at,
                    n.updated_at, n.seq,
                    coalesce(n.read_at, case when n.seq < i.read_seq then i.read_at end) as read_at,
                    p.title as post_title, p.url as post_url, left(c.html, 4000) as comment_html,
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

/// The statement of a list: `$1` is whose, `$2` what the page lies below, `$3` its length. `nulls last` is what only the
/// list's own index can give.
pub(super) fn list(unread: bool) -> &'static str {
    if unread {
        notifications!(
            "(select * from notifications
              where user_id = $1 and read_at is null and seq < $2
                and seq > coalesce((select read_seq from inboxes where user_id = $1), 0)
              order by seq desc nulls last
              limit $3)",
            "order by n.seq desc"
        )
    } else {
        notifications!(
            "(select * from notifications where user_id = $1 and seq < $2 order by seq desc nulls last limit $3)",
            "order by n.seq desc"
        )
    }
}

/// The latest actors of notifications `$1`, `$2` each.
pub(super) const ACTORS: &str = "
    select a.notification_id, u.id, u.name, u.handle, u.avatar_url
    from unnest($1::bigint[]) as asked (id)
    cross join lateral (
        select notification_id, user_id, at
        from notification_actors
        where notification_id = asked.id
        order by at desc, user_id desc
        limit $2
    ) as a
    join users as u on u.id = a.user_id
    order by a.at desc, a.user_id desc";

/// A page of a person's notifications; count and head are read before it.
pub(super) async fn inbox(
    db: &mut PgConnection,
    user: UserId,
    unread: bool,
    before: Option<i64>,
    limit: i64,
) -> Result<Option<Inbox>, StoreError> {
    let row: Option<(i64, i64)> = sqlx::query_as("select head, unread from channels where name = $1")
        .bind(Channel::User(user).name())
        .fetch_optional(&mut *db)
        .await?;
    let Some((seq, count)) = row else { return Ok(None) };
    let rows: Vec<NotificationRow> = sqlx::query_as(list(unread))
        .bind(user)
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit.max(0))
        .fetch_all(&mut *db)
        .await?;
    let mut actors = reactors(db, &rows).await?;
    let items = rows.into_iter().map(|row| {
        let actors = actors.remove(&row.id).unwrap_or_default();
        row.show(actors)
    });
    Ok(Some(Inbox { items: items.collect(), unread: count, seq }))
}

/// Notifications that may be told.
pub(super) async fn by_ids(
    db: &mut PgConnection,
    ids: &[NotificationId],
) -> Result<HashMap<NotificationId, Notification>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<NotificationRow> =
        sqlx::query_as(notifications!("notifications", "where n.id = any($1)")).bind(ids).fetch_all(&mut *db).await?;
    let mut actors = reactors(db, &rows).await?;
    let told = rows.into_iter().filter_map(|row| {
        let id = row.id;
        Some((id, row.tell(actors.remove(&id).unwrap_or_default())?))
    });
    Ok(told.collect())
}

async fn reactors(
    db: &mut PgConnection,
    rows: &[NotificationRow],
) -> Result<HashMap<NotificationId, Vec<UserRef>>, StoreError> {
    let ids: Vec<NotificationId> = rows.iter().filter(|row| row.has_reactors()).map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let actors: Vec<ActorRow> = sqlx::query_as(ACTORS).bind(ids).bind(MAX_ACTORS as i64).fetch_all(db).await?;
    Ok(by_notification(actors))
}

/// Deleted posts whose notifications are still to be taken back.
pub(super) async fn takebacks(db: &mut PgConnection, limit: i64) -> Result<Vec<PostId>, StoreError> {
    let posts = sqlx::query_scalar("select post_id from takebacks order by post_id limit $1")
        .bind(limit.max(0))
        .fetch_all(db)
        .await?;
    Ok(posts)
}

/// Those of these people who are there.
pub(super) async fn recipients(db: &mut PgConnection, named: &Recipients) -> Result<Vec<UserId>, StoreError> {
    let asked = match named {
        Recipients::Ids(ids) => sqlx::query_scalar("select id from users where id = any($1)").bind(ids),
        Recipients::External(ids) => sqlx::query_scalar("select id from users where external_id = any($1)").bind(ids),
    };
    Ok(asked.fetch_all(db).await?)
}

/// Ids for new notifications, the lowest last.
pub(super) async fn next_ids(db: &mut PgConnection, count: usize) -> Result<Vec<NotificationId>, sqlx::Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut ids: Vec<NotificationId> =
        sqlx::query_scalar("select nextval('notifications_id_seq') from generate_series(1, $1)")
            .bind(count as i64)
            .fetch_all(db)
            .await?;
    ids.sort_unstable_by(|a, b| b.cmp(a));
    Ok(ids)
}

/// Inserts notifications of comments.
pub(super) async fn insert(db: &mut PgConnection, new: &[NewNotice], now: Timestamp) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into notifications
             (id, user_id, group_key, kind, post_id, comment_id, count, created_at, updated_at, seq)
         overriding system value
         select id, user_id, group_key, kind, post_id, comment_id, 1, $8, $8, seq
         from unnest(
             $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[]
         ) as new (id, user_id, group_key, kind, post_id, comment_id, seq)",
    )
    .bind(new.iter().map(|new| new.id).collect::<Vec<_>>())
    .bind(new.iter().map(|new| new.user_id.0).collect::<Vec<_>>())
    .bind(new.iter().map(|new| new.cause.group_key(new.comment_id)).collect::<Vec<_>>())
    .bind(new.iter().map(|new| new.cause.name()).collect::<Vec<_>>())
    .bind(new.iter().map(|new| new.post_id.0).collect::<Vec<_>>())
    .bind(new.iter().map(|new| new.comment_id.0).collect::<Vec<_>>())
    .bind(new.iter().map(|new| new.seq).collect::<Vec<_>>())
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
