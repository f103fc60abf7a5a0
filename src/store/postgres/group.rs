//! One transaction for a whole group: locks first, then the members, then their events and channel rows at once.

use super::bulk;
use super::cold;
use super::connect::bounded;
use super::failure::Failure;
use super::hot;
use super::locks::{self, lock};
use super::targets::resolve;
use crate::model::{Channel, Timestamp};
use crate::store::StoreError;
use crate::store::backend::Committed;
use crate::store::ledger::Ledger;
use crate::store::write::Write;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};
use std::collections::HashSet;

/// What became of a member; none where a row it needs is held elsewhere and it has changed nothing.
pub(super) type Slot = Option<Result<Committed, StoreError>>;

/// What to do about a channel row that somebody else holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Pass over it and its members.
    Skip,
    /// Wait, at most the lock time-out: for a moment while holding others, then holding none.
    Block,
}

/// Attempts at a group whose locks find something else than was read before them.
const ATTEMPTS: usize = 3;

/// How often a group gives its rows back to wait for one alone.
const STAND_BYS: usize = 16;

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
        Ok(targets) => targets.rooms,
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
        Failure::Held => StoreError::Unavailable("its channel is held elsewhere".into()),
        Failure::Statement(error) => error.clone(),
    }
}

async fn attempt(pool: &PgPool, group: &[Write], now: Timestamp, wait: Wait) -> Result<Vec<Slot>, Failure> {
    let (mut moved, mut stood_by) = (1, 0);
    loop {
        match bounded(pool, async |db| transaction(db, group, now, wait).await).await {
            Err(Failure::Moved) if moved < ATTEMPTS => moved += 1,
            Err(Failure::Held) if stood_by < STAND_BYS => {
                stood_by += 1;
                bounded(pool, async |db| locks::stand_by(db, group, now).await).await?;
            }
            Err(Failure::Held) => return Err(Failure::Unavailable("a channel is held elsewhere".into())),
            outcome => return outcome,
        }
    }
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
    let targets = resolve(db, group, now).await?;
    let mut ledger = Ledger::new(now);
    let held = lock(db, &mut ledger, &targets.all(), wait).await?;
    let channels = targets.rooms;
    let mut slots: Vec<Slot> = group.iter().map(|_| None).collect();
    let mut waiting: Vec<usize> = Vec::with_capacity(group.len());
    let mut behind: HashSet<Channel> = HashSet::new();
    for (member, told) in targets.told.iter().enumerate() {
        let room = channels[member];
        let free = room.is_none_or(|room| !held.contains(&room) && !behind.contains(&room));
        let takes_what_it_gets = matches!(group[member], Write::TakeBack(_));
        if free && (takes_what_it_gets || told.is_disjoint(&held)) {
            waiting.push(member);
        } else {
            behind.extend(room);
        }
    }
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
