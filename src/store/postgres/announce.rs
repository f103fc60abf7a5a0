//! What back ends tell people: many of them by a few statements.

use super::bulk;
use super::failure::Failure;
use super::hot::storable;
use super::inbox::is_reachable;
use super::notifications::next_ids;
use crate::model::UserId;
use crate::store::error::StoreError;
use crate::store::inbox::{StandingRow, Told};
use crate::store::ledger::{Caused, Ledger};
use crate::store::write::{Applied, Notified, Notify};
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

/// Tells people what a back end says.
pub(super) async fn notify(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    w: &Notify,
) -> Result<Applied<Notified>, Failure> {
    for key in bulk::kept_keys(db, w.key.iter()).await? {
        ledger.know(key)?;
    }
    if let Some(Caused { subject_id, seq }) = ledger.replay(w.key.as_ref())? {
        let value = Notified { accepted: seq, unknown: subject_id.unwrap_or_default() };
        return Ok(Applied { value, replayed: true });
    }
    for (text, pointer) in
        [(Some(&w.title), "/title"), (w.body.as_ref(), "/body"), (w.url.as_ref(), "/url"), (w.group.as_ref(), "/group")]
    {
        text.map_or(Ok(()), |text| storable(text, pointer))?;
    }
    let mut to: Vec<UserId> = Vec::with_capacity(w.to.len());
    for user in &w.to {
        if is_reachable(ledger, *user)? {
            to.push(*user);
        }
    }
    let value = Notified { accepted: to.len() as i64, unknown: w.unknown + (w.to.len() - to.len()) as i64 };
    if let Some(key) = &w.key {
        let caused = Caused { subject_id: Some(value.unknown), seq: value.accepted };
        if !bulk::insert_keys(db, &mut [(key, caused)], ledger.now()).await? {
            return Err(Failure::Moved);
        }
        ledger.keep(Some(key.clone()), caused);
    }
    let standing = standing(db, w, &to).await?;
    let fresh = next_ids(db, to.len()).await?;
    let told: Vec<Told> = to
        .into_iter()
        .zip(fresh)
        .map(|(user, fresh)| w.tell(ledger, user, standing.get(&user).copied(), fresh))
        .collect();
    write(db, ledger, w, &told).await?;
    Ok(Applied { value, replayed: false })
}

/// What these people have of the group already.
async fn standing(
    db: &mut PgConnection,
    w: &Notify,
    to: &[UserId],
) -> Result<HashMap<UserId, StandingRow>, sqlx::Error> {
    let Some(group_key) = w.group_key() else { return Ok(HashMap::new()) };
    let rows: Vec<StandingRow> = sqlx::query_as(
        "select n.id, n.user_id, n.count, n.created_at,
                coalesce(n.read_at, case when n.seq < i.read_seq then i.read_at end) as read_at
         from notifications as n
         left join inboxes as i on i.user_id = n.user_id
         where n.user_id = any($1) and n.group_key = $2",
    )
    .bind(to)
    .bind(group_key)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row)).collect())
}

async fn write(db: &mut PgConnection, ledger: &Ledger, w: &Notify, told: &[Told]) -> Result<(), StoreError> {
    if told.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into notifications
             (id, user_id, group_key, kind, title, body, url, count, created_at, updated_at, seq)
         overriding system value
         select id, user_id, group_key, $6, $7, $8, $9, count, $10, $10, seq
         from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[])
             as told (id, user_id, group_key, count, seq)
         on conflict (user_id, group_key) do update
         set title = excluded.title, body = excluded.body, url = excluded.url, count = excluded.count,
             updated_at = excluded.updated_at, read_at = null, seq = excluded.seq",
    )
    .bind(told.iter().map(|told| told.id.0).collect::<Vec<_>>())
    .bind(told.iter().map(|told| told.user_id.0).collect::<Vec<_>>())
    .bind(told.iter().map(|told| told.group_key.as_str()).collect::<Vec<_>>())
    .bind(told.iter().map(|told| told.count).collect::<Vec<_>>())
    .bind(told.iter().map(|told| told.seq).collect::<Vec<_>>())
    .bind(&w.kind)
    .bind(&w.title)
    .bind(&w.body)
    .bind(&w.url)
    .bind(ledger.now())
    .execute(db)
    .await?;
    Ok(())
}
