//! Heads and events of many channels at once.

use super::{comments, notifications, posts};
use crate::model::{Channel, Event};
use crate::store::StoreError;
use crate::store::compose::{Subjects, compose, wanted};
use crate::store::read::{Head, Stretch};
use crate::store::rows::{EventRow, NamedChannelRow, stored_channel};
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

/// Makes a channel at head 0.
pub(super) async fn open_channel(db: &mut PgConnection, channel: Channel) -> Result<(), sqlx::Error> {
    sqlx::query("insert into channels (name) values ($1)").bind(channel.name()).execute(db).await.map(drop)
}

/// The rows of these channels.
pub(super) async fn heads(db: &mut PgConnection, channels: &[Channel]) -> Result<HashMap<Channel, Head>, StoreError> {
    let rows: Vec<NamedChannelRow> = sqlx::query_as(
        "select name, head, floor, comment_count, unread, closed
         from channels
         where name = any($1)",
    )
    .bind(channels.iter().map(Channel::name).collect::<Vec<_>>())
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|NamedChannelRow { name, row }| Ok((stored_channel(&name)?, row.into()))).collect()
}

/// Channels that stand elsewhere than they are said to: names and seqs.
pub(super) const MOVED: &str = "
    select asked.name, coalesce(c.head, -1) as head, coalesce(c.floor, 0) as floor,
           coalesce(c.comment_count, 0) as comment_count, coalesce(c.unread, 0) as unread,
           coalesce(c.closed, false) as closed
    from unnest($1::text[], $2::bigint[]) as asked(name, seq)
    left join channels as c on c.name = asked.name
    where coalesce(c.head, 0) <> asked.seq";

/// Channels that stand elsewhere than they are said to.
pub(super) async fn moved(
    db: &mut PgConnection,
    known: &[(Channel, i64)],
) -> Result<HashMap<Channel, Option<Head>>, StoreError> {
    let rows: Vec<NamedChannelRow> = sqlx::query_as(MOVED)
        .bind(known.iter().map(|(channel, _)| channel.name()).collect::<Vec<_>>())
        .bind(known.iter().map(|(_, seq)| *seq).collect::<Vec<_>>())
        .fetch_all(db)
        .await?;
    rows.into_iter().map(|row| Ok((stored_channel(&row.name)?, row.found()))).collect()
}

/// Events of these stretches: one statement for the events and one for each kind of thing they tell of.
/// Each stretch is its own walk along the log's index, as long as what it asked for.
pub(super) async fn events(
    db: &mut PgConnection,
    stretches: &[Stretch],
) -> Result<HashMap<Channel, Vec<Event>>, StoreError> {
    let rows: Vec<EventRow> = sqlx::query_as(EVENTS)
        .bind(stretches.iter().map(|stretch| stretch.channel.name()).collect::<Vec<_>>())
        .bind(stretches.iter().map(|stretch| stretch.after).collect::<Vec<_>>())
        .bind(stretches.iter().map(|stretch| stretch.limit.max(0)).collect::<Vec<_>>())
        .bind(stretches.iter().map(|stretch| stretch.last).collect::<Vec<_>>())
        .fetch_all(&mut *db)
        .await?;
    let wanted = wanted(&rows);
    let comment_ids: Vec<i64> = wanted.comments.into_iter().map(|id| id.0).collect();
    let post_ids: Vec<i64> = wanted.posts.into_iter().map(|id| id.0).collect();
    let posts = posts::by_ids(db, &post_ids).await?;
    let subjects = Subjects {
        comments: comments::by_ids(db, &comment_ids).await?,
        posts: posts.into_iter().map(|(id, post)| (id, post.value)).collect(),
        notifications: notifications::by_ids(db, &wanted.notifications).await?,
    };
    compose(rows, &subjects)
}

/// The statement behind [`events`]: channels, what to begin after, how many, and whether from the end. A lateral query
/// with a limit is a planner's fixed point: it is done once for each thing asked, never the other way round.
pub(super) const EVENTS: &str = "
    select ch.name as channel, e.seq, e.at, e.kind, e.subject_id, e.facts, e.unread, ch.closed
    from unnest($1::text[], $2::bigint[], $3::bigint[], $4::boolean[]) as asked (name, after, most, last)
    cross join lateral (select name, closed from channels where name = asked.name limit 1) as ch
    cross join lateral (
        (select seq, at, kind, subject_id, facts, unread
         from events
         where not asked.last and channel = asked.name and seq > asked.after
         order by seq
         limit asked.most)
        union all
        (select seq, at, kind, subject_id, facts, unread
         from events
         where asked.last and channel = asked.name and seq > asked.after
         order by seq desc
         limit asked.most)
    ) as e
    order by ch.name, e.seq";
