//! Deleting what has outlived its use, a bounded number of rows a call. Rows that somebody else holds are left for the
//! next call, so that pruning never waits and never makes a circle of waits.

use super::failure::Failure;
use crate::model::Timestamp;
use crate::store::ledger::Ledger;
use crate::store::write::{KEY_LIFE, Prune, Pruned};
use sqlx::postgres::PgConnection;
use std::collections::BTreeMap;

const OLD_KEYS: &str = "
    delete from idempotency_keys
    where (caller, action, key) in (
        select caller, action, key from idempotency_keys
        where created_at <= $1 order by created_at limit $2 for update skip locked
    )";
const OLD_REVOCATIONS: &str = "
    delete from revocations
    where session_id in (
        select session_id from revocations where until <= $1 order by until limit $2 for update skip locked
    )";
const OLD_REFRESH_TOKENS: &str = "
    delete from refresh_tokens
    where hash in (
        select hash from refresh_tokens where expires_at <= $1 order by expires_at limit $2 for update skip locked
    )";
const OLD_SESSIONS: &str = "
    delete from sessions
    where id in (
        select id from sessions where ends_at <= $1 order by ends_at limit $2 for update skip locked
    )";

const OLD_BANS: &str = "
    delete from bans
    where id in (
        select id from bans where until <= $1 order by until limit $2 for update skip locked
    )";

/// Deletes at most so many rows of each kind.
pub(super) async fn prune(db: &mut PgConnection, ledger: &Ledger, w: &Prune) -> Result<Pruned, Failure> {
    let at_most = w.at_most.max(1);
    let now = ledger.now();
    let deleted = [
        prune_logs(db, w, at_most).await?,
        delete(db, OLD_KEYS, now.minus(KEY_LIFE), at_most).await?,
        delete(db, OLD_REVOCATIONS, now, at_most).await?,
        delete(db, OLD_REFRESH_TOKENS, now, at_most).await?,
        delete(db, OLD_SESSIONS, now, at_most).await?,
        delete(db, OLD_BANS, now, at_most).await?,
    ];
    Ok(Pruned { rows: deleted.iter().sum(), more: deleted.iter().any(|rows| *rows >= at_most) })
}

/// Chooses how far each log is cut, locks those channels, then moves their floors and deletes below them: what was
/// appended since the choice lies above.
async fn prune_logs(db: &mut PgConnection, w: &Prune, at_most: i64) -> Result<i64, sqlx::Error> {
    let mut cuts: BTreeMap<String, i64> = BTreeMap::new();
    for (name, upto) in old(db, w.events_before, at_most).await? {
        cuts.insert(name, upto);
    }
    let mut left = at_most;
    for (name, floor, head) in long(db, w.events_per_channel.max(0), at_most).await? {
        let upto = (head - w.events_per_channel.max(0)).min(floor + left);
        left -= (upto - floor).max(0);
        let cut = cuts.entry(name).or_insert(upto);
        *cut = upto.max(*cut);
    }
    if cuts.is_empty() {
        return Ok(0);
    }
    let deleted = sqlx::query(
        "with held as (
             select channels.name, channels.floor, cut.upto
             from unnest($1::text[], $2::bigint[]) as cut (name, upto)
             join channels on channels.name = cut.name and channels.floor < cut.upto
             order by channels.name
             for update of channels skip locked
         ),
         moved as (
             update channels set floor = held.upto from held where channels.name = held.name
         )
         delete from events
         using held
         where events.channel = held.name and events.seq > held.floor and events.seq <= held.upto",
    )
    .bind(cuts.keys().collect::<Vec<_>>())
    .bind(cuts.values().copied().collect::<Vec<_>>())
    .execute(db)
    .await?;
    Ok(count(deleted.rows_affected()))
}

/// Logs whose first events are too old, and up to where. In each log ids rise with seqs, so the lowest ids hold the
/// beginning of every log they touch.
async fn old(db: &mut PgConnection, before: Timestamp, at_most: i64) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "select channel, max(seq)
         from (select channel, seq, at from events order by id limit $2) as first_ones
         where at < $1
         group by channel",
    )
    .bind(before)
    .bind(at_most)
    .fetch_all(db)
    .await
}

/// Logs with more than `keep` events, their floors and heads.
async fn long(db: &mut PgConnection, keep: i64, at_most: i64) -> Result<Vec<(String, i64, i64)>, sqlx::Error> {
    sqlx::query_as("select name, floor, head from channels where head - floor > $1 order by name limit $2")
        .bind(keep)
        .bind(at_most)
        .fetch_all(db)
        .await
}

async fn delete(
    db: &mut PgConnection,
    statement: &'static str,
    end: Timestamp,
    at_most: i64,
) -> Result<i64, sqlx::Error> {
    let deleted = sqlx::query(statement).bind(end).bind(at_most).execute(db).await?;
    Ok(count(deleted.rows_affected()))
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
