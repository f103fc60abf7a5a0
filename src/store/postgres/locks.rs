//! Taking channel rows: all that a group needs first, in one order, so that no two transactions wait in a circle.

use super::failure::{Failure, timed_out};
use super::group::Wait;
use super::targets::resolve;
use crate::model::{Channel, Timestamp};
use crate::store::ledger::Ledger;
use crate::store::rows::{NamedChannelRow, stored_channel};
use crate::store::write::Write;
use sqlx::Executor;
use sqlx::postgres::PgConnection;
use std::collections::BTreeSet;

/// How long a group waits for a row while it holds others, which rooms that do not need that row may need. A healthy
/// process gives a row back long before.
const A_MOMENT: &str = "set local lock_timeout = '250ms'";
/// The session's own again, for what is locked after the channels.
const AS_EVER: &str = "set local lock_timeout = '5s'";

/// Takes the channel rows in byte order of their names; answers those that are held elsewhere. The ledger learns of those
/// that are not there.
pub(super) async fn lock(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    wanted: &BTreeSet<Channel>,
    wait: Wait,
) -> Result<BTreeSet<Channel>, Failure> {
    if wanted.is_empty() {
        return Ok(BTreeSet::new());
    }
    let names: Vec<String> = wanted.iter().map(Channel::name).collect();
    let statement = match wait {
        Wait::Skip => {
            "select name, head, floor, comment_count, unread, closed
             from channels
             where name = any($1)
             order by name collate \"C\"
             for update skip locked"
        }
        Wait::Block => {
            db.execute(A_MOMENT).await?;
            "select name, head, floor, comment_count, unread, closed
             from channels
             where name = any($1)
             order by name collate \"C\"
             for update"
        }
    };
    let rows: Result<Vec<NamedChannelRow>, sqlx::Error> =
        sqlx::query_as(statement).bind(names).fetch_all(&mut *db).await;
    let rows = rows.map_err(|error| if timed_out(&error) { Failure::Held } else { error.into() })?;
    if wait == Wait::Block {
        db.execute(AS_EVER).await?;
    }
    for NamedChannelRow { name, row } in rows {
        ledger.hold(stored_channel(&name)?, row);
    }
    let missing: BTreeSet<Channel> = wanted.iter().filter(|channel| ledger.row(**channel).is_none()).copied().collect();
    let held = if missing.is_empty() || wait == Wait::Block {
        BTreeSet::new()
    } else {
        let names: Vec<String> = missing.iter().map(Channel::name).collect();
        let there: Vec<String> =
            sqlx::query_scalar("select name from channels where name = any($1)").bind(names).fetch_all(db).await?;
        there.iter().map(|name| stored_channel(name)).collect::<Result<_, _>>()?
    };
    missing.difference(&held).for_each(|channel| ledger.miss(*channel));
    Ok(held)
}

/// Waits for a row that a group needs and somebody holds, holding none itself: at most the lock time-out, which all
/// members share.
pub(super) async fn stand_by(db: &mut PgConnection, group: &[Write], now: Timestamp) -> Result<(), Failure> {
    let names: Vec<String> = resolve(db, group, now).await?.all().iter().map(Channel::name).collect();
    // Each statement is a transaction of its own and gives back what it took.
    let free: Vec<String> = sqlx::query_scalar(
        "select name from channels where name = any($1) order by name collate \"C\" for update skip locked",
    )
    .bind(&names)
    .fetch_all(&mut *db)
    .await?;
    let Some(held) = names.into_iter().find(|name| !free.contains(name)) else { return Ok(()) };
    let waited = sqlx::query("select from channels where name = $1 for update").bind(held).execute(db).await;
    match waited {
        Ok(_) => Ok(()),
        Err(error) if timed_out(&error) => Err(Failure::Unavailable(error.to_string())),
        Err(error) => Err(error.into()),
    }
}
