//! The notifications of reactions: what a batch may change of them is read at once, and what came of it written at once.

use super::failure::Failure;
use super::inbox::is_reachable;
use super::notifications::next_ids;
use crate::model::notification::MAX_ACTORS;
use crate::model::{CommentId, NotificationId, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::bells::{Bell, BellRow, RingerRow, Rung};
use crate::store::ledger::Ledger;
use crate::store::reacting::{Board, React};
use sqlx::postgres::PgConnection;
use std::collections::{BTreeSet, HashMap};

/// The latest actors of notifications `$1`, `$2` each, and those named by `$3` and `$4`.
pub(super) const RINGERS: &str = "
    with asked as (
        select a.notification_id, a.user_id, a.at
        from unnest($1::bigint[]) as of (id)
        cross join lateral (
            select notification_id, user_id, at
            from notification_actors
            where notification_id = of.id
            order by at desc, user_id desc
            limit $2
        ) as a
        union
        select a.notification_id, a.user_id, a.at
        from unnest($3::bigint[], $4::bigint[]) as of (id, user_id)
        cross join lateral (
            select notification_id, user_id, at
            from notification_actors
            where notification_id = of.id and user_id = of.user_id
            limit 1
        ) as a
    )
    select asked.notification_id, u.id, u.name, u.handle, u.avatar_url, asked.at
    from asked
    join users as u on u.id = asked.user_id";

/// Reads what the authors of these comments are told of reactions; `Moved` where one of them was not locked.
pub(super) async fn hang(
    db: &mut PgConnection,
    ledger: &Ledger,
    board: &mut Board,
    toggles: &[&React],
) -> Result<(), Failure> {
    if toggles.is_empty() {
        return Ok(());
    }
    let comments: BTreeSet<i64> = toggles.iter().map(|toggle| toggle.comment_id.0).collect();
    let rows: Vec<BellRow> = sqlx::query_as(
        "select c.id as comment_id, c.author_id as user_id, left(c.html, 4000) as comment_html, p.id as post_id,
                p.title as post_title, p.url as post_url, n.id, n.count, n.created_at,
                coalesce(n.read_at, case when n.seq < i.read_seq then i.read_at end) as read_at
         from comments as c
         join posts as p on p.id = c.post_id
         left join notifications as n on n.user_id = c.author_id and n.group_key = 'reaction:' || c.id
         left join inboxes as i on i.user_id = n.user_id
         where c.id = any($1)",
    )
    .bind(comments.into_iter().collect::<Vec<_>>())
    .fetch_all(&mut *db)
    .await?;
    let mut bells = Vec::with_capacity(rows.len());
    let mut others: HashMap<CommentId, BTreeSet<UserId>> = HashMap::new();
    for toggle in toggles {
        others.entry(toggle.comment_id).or_default().insert(toggle.actor);
    }
    for row in rows {
        // Who reacts to their own comment tells nobody, and needs nobody's channel.
        let told = others.get(&row.comment_id).is_some_and(|people| people.iter().any(|user| *user != row.user_id));
        if told && is_reachable(ledger, row.user_id)? {
            bells.push(row);
        }
    }
    let mut ringers = ringers(db, &bells, &others, toggles.len()).await?;
    let hung = bells.into_iter().map(|row| {
        let actors = row.id.and_then(|id| ringers.remove(&id)).unwrap_or_default();
        Bell::new(row, actors)
    });
    let coming = toggles.iter().filter(|toggle| toggle.on).count();
    board.hang(hung.collect::<Vec<_>>(), next_ids(db, coming).await?);
    Ok(())
}

async fn ringers(
    db: &mut PgConnection,
    bells: &[BellRow],
    others: &HashMap<CommentId, BTreeSet<UserId>>,
    may_go: usize,
) -> Result<HashMap<NotificationId, Vec<RingerRow>>, sqlx::Error> {
    let ids: Vec<NotificationId> = bells.iter().filter_map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let named = bells.iter().filter_map(|row| Some((row.id?, others.get(&row.comment_id)?)));
    let (of, people): (Vec<i64>, Vec<i64>) =
        named.flat_map(|(id, people)| people.iter().map(move |user| (id.0, user.0))).unzip();
    let rows: Vec<RingerRow> = sqlx::query_as(RINGERS)
        .bind(ids)
        .bind((MAX_ACTORS + may_go) as i64)
        .bind(of)
        .bind(people)
        .fetch_all(db)
        .await?;
    let mut ringers: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        ringers.entry(row.notification_id).or_default().push(row);
    }
    Ok(ringers)
}

/// Writes what changed.
pub(super) async fn write(db: &mut PgConnection, board: &Board, now: Timestamp) -> Result<(), StoreError> {
    let gone: Vec<NotificationId> = board.bells().filter_map(Bell::gone).collect();
    if !gone.is_empty() {
        sqlx::query(
            "with actors as (delete from notification_actors where notification_id = any($1))
             delete from notifications where id = any($1)",
        )
        .bind(gone)
        .execute(&mut *db)
        .await?;
    }
    insert(db, &board.bells().filter_map(|bell| Some((bell, bell.new_row()?))).collect::<Vec<_>>()).await?;
    update(db, &board.bells().filter_map(Bell::changed_row).collect::<Vec<_>>()).await?;
    let (of, people): (Vec<i64>, Vec<i64>) = ids(board.bells().flat_map(Bell::gone_actors));
    if !of.is_empty() {
        sqlx::query(
            "delete from notification_actors as a
             using unnest($1::bigint[], $2::bigint[]) as gone (id, user_id)
             where a.notification_id = gone.id and a.user_id = gone.user_id",
        )
        .bind(of)
        .bind(people)
        .execute(&mut *db)
        .await?;
    }
    let (of, people) = ids(board.bells().flat_map(Bell::new_actors));
    if !of.is_empty() {
        sqlx::query(
            "insert into notification_actors (notification_id, user_id, at)
             select *, $3 from unnest($1::bigint[], $2::bigint[])",
        )
        .bind(of)
        .bind(people)
        .bind(now)
        .execute(db)
        .await?;
    }
    Ok(())
}

fn ids(actors: impl Iterator<Item = (NotificationId, UserId)>) -> (Vec<i64>, Vec<i64>) {
    actors.map(|(id, user)| (id.0, user.0)).unzip()
}

async fn insert(db: &mut PgConnection, new: &[(&Bell, Rung)]) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into notifications
             (id, user_id, group_key, kind, post_id, comment_id, count, created_at, updated_at, read_at, seq)
         overriding system value
         select id, user_id, 'reaction:' || comment_id, 'reaction', post_id, comment_id, count, created_at, updated_at,
                read_at, seq
         from unnest(
             $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
             $8::bigint[], $9::bigint[]
         ) as new (id, user_id, post_id, comment_id, count, created_at, updated_at, read_at, seq)",
    )
    .bind(new.iter().map(|(_, now)| now.id.0).collect::<Vec<_>>())
    .bind(new.iter().map(|(bell, _)| bell.user().0).collect::<Vec<_>>())
    .bind(new.iter().map(|(bell, _)| bell.post().0).collect::<Vec<_>>())
    .bind(new.iter().map(|(bell, _)| bell.comment().0).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, now)| now.count).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, now)| now.created_at.0).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, now)| now.updated_at.0).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, now)| now.read_at.map(|at| at.0)).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, now)| now.seq).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}

async fn update(db: &mut PgConnection, changed: &[Rung]) -> Result<(), sqlx::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update notifications
         set count = now.count, updated_at = now.updated_at, read_at = now.read_at, seq = now.seq
         from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
             as now (id, count, updated_at, read_at, seq)
         where notifications.id = now.id",
    )
    .bind(changed.iter().map(|now| now.id.0).collect::<Vec<_>>())
    .bind(changed.iter().map(|now| now.count).collect::<Vec<_>>())
    .bind(changed.iter().map(|now| now.updated_at.0).collect::<Vec<_>>())
    .bind(changed.iter().map(|now| now.read_at.map(|at| at.0)).collect::<Vec<_>>())
    .bind(changed.iter().map(|now| now.seq).collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(())
}
