//! One transaction for a whole group: locks first, then the members, then their events and channel rows at once.

use super::bulk;
use super::cold;
use super::connect::bounded;
use super::failure::Failure;
use super::hot;
use super::log::stored;
use super::targets::resolve;
use crate::model::{Channel, Timestamp};
use crate::store::StoreError;
use crate::store::backend::Committed;
use crate::store::ledger::Ledger;
use crate::store::rows::NamedChannelRow;
use crate::store::write::Write;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};
use std::collections::{BTreeSet, HashSet};

/// What became of a member; none where its channel's row is held elsewhere and it has changed nothing.
pub(super) type Slot = Option<Result<Committed, StoreError>>;

/// What to do about a channel row that somebody else holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Pass over it and its members.
    Skip,
    /// Wait, at most the lock time-out.
    Block,
}

/// Attempts at a group whose locks find something else than was read before them.
const ATTEMPTS: usize = 3;

/// Commits a group, as [`Backend::commit`](crate::store::Backend::commit) promises.
pub(super) async fn decide(pool: &PgPool, group: &[Write], now: Timestamp, wait: Wait) -> Vec<Slot> {
    match attempt(pool, group, now, wait).await {
        Ok(slots) => slots,
        Err(Failure::Unavailable(why)) => unavailable(group.len(), &why),
        Err(failure) if group.len() == 1 => vec![Some(Err(told(&failure)))],
        Err(failure) => {
            tracing::warn!(members = group.len(), ?failure, "a group failed and goes one by one");
            one_by_one(pool, group, now, wait).await
        }
    }
}

/// Each member in a transaction of its own. One that is held keeps later ones of its channel behind it; once the
/// database cannot be reached the rest is spared the wait.
async fn one_by_one(pool: &PgPool, group: &[Write], now: Timestamp, wait: Wait) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::with_capacity(group.len());
    let channels = match bounded(pool, async |db| resolve(db, group, now).await).await {
        Ok(channels) => channels,
        Err(failure) => return group.iter().map(|_| Some(Err(told(&failure)))).collect(),
    };
    let mut held = HashSet::new();
    for (write, channel) in group.iter().zip(channels) {
        let alone = std::slice::from_ref(write);
        if channel.is_some_and(|channel| held.contains(&channel)) {
            slots.push(None);
            continue;
        }
        match attempt(pool, alone, now, wait).await {
            Ok(mut decided) => slots.push(decided.pop().flatten()),
            Err(Failure::Unavailable(why)) => {
                slots.extend(unavailable(group.len() - slots.len(), &why));
                break;
            }
            Err(failure) => slots.push(Some(Err(told(&failure)))),
        }
        if matches!(slots.last(), Some(None)) {
            held.extend(channel);
        }
    }
    slots
}

fn unavailable(members: usize, why: &str) -> Vec<Slot> {
    (0..members).map(|_| Some(Err(StoreError::Unavailable(why.to_owned())))).collect()
}

fn told(failure: &Failure) -> StoreError {
    match failure {
        Failure::Rejected(rejection) => rejection.clone().into(),
        Failure::Unavailable(why) => StoreError::Unavailable(why.clone()),
        Failure::Moved => StoreError::Unavailable("it changed while it was being written".into()),
        Failure::Statement(error) => error.clone(),
    }
}

async fn attempt(pool: &PgPool, group: &[Write], now: Timestamp, wait: Wait) -> Result<Vec<Slot>, Failure> {
    let mut outcome = Err(Failure::Moved);
    for _ in 0..ATTEMPTS {
        outcome = bounded(pool, async |db| transaction(db, group, now, wait).await).await;
        if !matches!(outcome, Err(Failure::Moved)) {
            break;
        }
    }
    outcome
}

async fn transaction(db: &mut PgConnection, group: &[Write], now: Timestamp, wait: Wait) -> Result<Vec<Slot>, Failure> {
    let mut tx = db.begin().await?;
    match members(&mut tx, group, now, wait).await {
        // Whether it was committed is unknown after an error: only the client may ask again, with the same key.
        Ok(slots) => match tx.commit().await {
            Ok(()) => Ok(slots),
            Err(error) => Err(Failure::Unavailable(format!("the answer to a commit was lost: {error}"))),
        },
        // Waited for, so that the next attempt does not find its own rows held.
        Err(failure) => {
            let _ = tx.rollback().await;
            Err(failure)
        }
    }
}

async fn members(db: &mut PgConnection, group: &[Write], now: Timestamp, wait: Wait) -> Result<Vec<Slot>, Failure> {
    let channels = resolve(db, group, now).await?;
    let mut ledger = Ledger::new(now);
    let held = lock(db, &mut ledger, &channels, wait).await?;
    let mut slots: Vec<Slot> = group.iter().map(|_| None).collect();
    let free = |member: &usize| channels[*member].is_none_or(|channel| !held.contains(&channel));
    let mut waiting: Vec<usize> = (0..group.len()).filter(free).collect();
    while !waiting.is_empty() {
        let batch = first_hot(group, &channels, &waiting);
        for (member, result) in hot::run(db, &mut ledger, &batch).await? {
            slots[member] = Some(result);
        }
        waiting.retain(|member| slots[*member].is_none());
        for member in first_cold(group, &channels, &waiting) {
            slots[member] = Some(cold::run(db, &mut ledger, &group[member]).await?);
        }
        waiting.retain(|member| slots[*member].is_none());
    }
    bulk::append(db, &ledger).await?;
    bulk::update_channels(db, &ledger).await?;
    Ok(slots)
}

/// Takes the channel rows in byte order of their names; answers those that are held elsewhere. A channel that is neither
/// held nor in the ledger afterwards is not there.
async fn lock(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    channels: &[Option<Channel>],
    wait: Wait,
) -> Result<HashSet<Channel>, Failure> {
    let wanted: BTreeSet<Channel> = channels.iter().flatten().copied().collect();
    if wanted.is_empty() {
        return Ok(HashSet::new());
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
            "select name, head, floor, comment_count, unread, closed
             from channels
             where name = any($1)
             order by name collate \"C\"
             for update"
        }
    };
    let rows: Vec<NamedChannelRow> =
        sqlx::query_as(statement).bind(names).fetch_all(&mut *db).await.map_err(Failure::locking)?;
    for NamedChannelRow { name, row } in rows {
        ledger.hold(stored(&name)?, row);
    }
    let missing: Vec<String> =
        wanted.iter().filter(|channel| ledger.row(**channel).is_none()).map(Channel::name).collect();
    if missing.is_empty() || wait == Wait::Block {
        return Ok(HashSet::new());
    }
    let there: Vec<String> =
        sqlx::query_scalar("select name from channels where name = any($1)").bind(missing).fetch_all(db).await?;
    Ok(there.iter().map(|name| stored(name)).collect::<Result<_, _>>()?)
}

/// The hot members that no earlier cold one of their channel waits before: they go together. A changed account comes
/// before all that may tell of it.
fn first_hot<'a>(group: &'a [Write], channels: &[Option<Channel>], waiting: &[usize]) -> Vec<(usize, &'a Write)> {
    let mut behind: HashSet<Channel> = HashSet::new();
    let mut hot = Vec::new();
    for member in waiting {
        let channel = channels[*member];
        match &group[*member] {
            Write::UpdateAccount(_) => break,
            write if !hot::is_hot(write) => behind.extend(channel),
            _ if channel.is_some_and(|channel| behind.contains(&channel)) => {}
            write => hot.push((*member, write)),
        }
    }
    hot
}

/// The cold members, in order, up to one that a hot one of its channel waits before.
fn first_cold(group: &[Write], channels: &[Option<Channel>], waiting: &[usize]) -> Vec<usize> {
    let mut behind: HashSet<Channel> = HashSet::new();
    let mut cold = Vec::new();
    for member in waiting {
        let channel = channels[*member];
        if hot::is_hot(&group[*member]) {
            behind.extend(channel);
        } else if channel.is_some_and(|channel| behind.contains(&channel)) {
            break;
        } else {
            cold.push(*member);
        }
    }
    cold
}
