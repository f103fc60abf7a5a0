//! Changes of what people were told, one by one.

use super::audience::{about, places, told_as_json};
use super::failure::Failure;
use super::notifications;
use super::targets::named;
use crate::model::notification::Which;
use crate::model::{Cause, Channel, Comment, CommentId, EventData, NotificationId, PostId, UserId};
use crate::store::error::{Rejection, StoreError};
use crate::store::inbox::TAKEN_AT_ONCE;
use crate::store::ledger::Ledger;
use crate::store::notices::{GoneRow, MAX_TOLD, ReadFacts};
use crate::store::write::{Dismiss, MarkRead, TakeBack, TakenBack, Unread};
use sqlx::postgres::PgConnection;
use std::collections::BTreeSet;

const NOBODY: Rejection = Rejection::NotFound("user");

/// Ids of notifications `n`, whose they are, and whether they are unread.
macro_rules! gone {
    ($rest:literal) => {
        concat!(
            "select n.id, n.user_id,
                    n.read_at is null
                    and n.seq > coalesce((select i.read_seq from inboxes as i where i.user_id = n.user_id), 0) as unread
             from notifications as n ",
            $rest
        )
    };
}

/// Whether this person's channel is in hand; `Moved` where it is there and was not locked, as what was read before the
/// locks did not name it.
pub(super) fn is_reachable(ledger: &Ledger, user: UserId) -> Result<bool, Failure> {
    let channel = Channel::User(user);
    match ledger.row(channel) {
        Some(_) => Ok(true),
        None if ledger.is_absent(channel) => Ok(false),
        None => Err(Failure::Moved),
    }
}

/// Marks notifications read.
pub(super) async fn mark_read(db: &mut PgConnection, ledger: &mut Ledger, w: &MarkRead) -> Result<Unread, Failure> {
    let channel = Channel::User(w.user_id);
    let row = ledger.row(channel).ok_or(NOBODY)?;
    let (read, facts, unread) = match &w.which {
        Which::All if row.unread == 0 => return Ok(Unread { unread: 0, seq: row.head }),
        Which::All => {
            sqlx::query(
                "insert into inboxes (user_id, read_seq, read_at)
                 values ($1, $2, $3)
                 on conflict (user_id) do update set read_seq = excluded.read_seq, read_at = excluded.read_at",
            )
            .bind(w.user_id)
            .bind(ledger.next_seq(channel))
            .bind(ledger.now())
            .execute(db)
            .await?;
            (Which::All, ReadFacts { ids: None }, 0)
        }
        Which::These(ids) => {
            let mut ids: Vec<NotificationId> = sqlx::query_scalar(
                "update notifications
                 set read_at = $3
                 where id = any($2)
                   and user_id = $1
                   and read_at is null
                   and seq > coalesce((select i.read_seq from inboxes as i where i.user_id = $1), 0)
                 returning id",
            )
            .bind(w.user_id)
            .bind(ids)
            .bind(ledger.now())
            .fetch_all(db)
            .await?;
            if ids.is_empty() {
                return Ok(Unread { unread: row.unread, seq: row.head });
            }
            ids.sort_unstable();
            let unread = row.unread - ids.len() as i64;
            (Which::These(ids.clone()), ReadFacts { ids: Some(ids) }, unread)
        }
    };
    let facts = serde_json::to_string(&facts).map_err(|error| StoreError::Internal(error.to_string()))?;
    ledger.change(channel, |row| row.unread = unread);
    let data = EventData::NotificationsRead(&read, unread);
    let seq = ledger.append(channel, &data, None, Some(w.user_id), Some(facts));
    Ok(Unread { unread, seq })
}

/// Takes one away from its person.
pub(super) async fn dismiss(db: &mut PgConnection, ledger: &mut Ledger, w: &Dismiss) -> Result<(), Failure> {
    let channel = Channel::User(w.user_id);
    ledger.row(channel).ok_or(NOBODY)?;
    let gone: Vec<GoneRow> = sqlx::query_as(gone!("where n.id = $1 and n.user_id = $2"))
        .bind(w.id)
        .bind(w.user_id)
        .fetch_all(&mut *db)
        .await?;
    if gone.is_empty() {
        // Gone before in this very group: its event is not in the table yet.
        let now = ledger.entries().iter().any(|entry| {
            entry.channel == channel && &*entry.kind == "notification.deleted" && entry.subject_id == Some(w.id.0)
        });
        let before: bool = sqlx::query_scalar(
            "select exists (
                 select from events where channel = $1 and subject_id = $2 and kind = 'notification.deleted'
             )",
        )
        .bind(channel.name())
        .bind(w.id)
        .fetch_one(&mut *db)
        .await?;
        return if now || before { Ok(()) } else { Err(Rejection::NotFound("notification").into()) };
    }
    take_away(db, ledger, gone, Some(w.user_id)).await
}

/// Tells people whom an edited comment mentions and who have not been told of it before.
pub(super) async fn tell_newly_mentioned(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    comment: &Comment,
    handles: &[String],
) -> Result<(), Failure> {
    let names = named(db, &handles.iter().map(String::as_str).collect()).await?;
    let Some(author) = comment.author.as_ref().filter(|_| !names.is_empty()) else { return Ok(()) };
    let before: Option<String> =
        sqlx::query_scalar("select told from comments where id = $1").bind(comment.id).fetch_one(&mut *db).await?;
    let mut all: Vec<UserId> = before.map_or(Ok(Vec::new()), |told| serde_json::from_str(&told)).unwrap_or_default();
    let mentioned = names.values().copied().collect::<BTreeSet<_>>();
    let mut told = Vec::new();
    for (user, cause) in Cause::of_comment(author.id, None, None, mentioned) {
        if !all.contains(&user) && all.len() < MAX_TOLD && is_reachable(ledger, user)? {
            all.push(user);
            told.push((user, cause));
        }
    }
    if told.is_empty() {
        return Ok(());
    }
    sqlx::query("update comments set told = $2 where id = $1")
        .bind(comment.id)
        .bind(told_as_json(&all))
        .execute(&mut *db)
        .await?;
    let places = places(db, &BTreeSet::from([comment.post_id.0])).await?;
    let place = places.get(&comment.post_id).ok_or(Rejection::NotFound("post"))?;
    let about = about(place, comment.id, &comment.html, author);
    let ids = notifications::next_ids(db, told.len()).await?;
    let new: Vec<_> =
        ids.into_iter().zip(told).map(|(id, (user, cause))| about.notify(ledger, id, user, cause)).collect();
    notifications::insert(db, &new, ledger.now()).await?;
    Ok(())
}

/// Takes back what a comment told people.
pub(super) async fn take_back(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    post: PostId,
    comment: CommentId,
    actor: UserId,
) -> Result<(), Failure> {
    let gone: Vec<GoneRow> =
        sqlx::query_as(gone!("where n.post_id = $1 and n.comment_id = $2 order by n.user_id, n.id"))
            .bind(post)
            .bind(comment)
            .fetch_all(&mut *db)
            .await?;
    take_away(db, ledger, gone, Some(actor)).await
}

/// Takes back notifications of a deleted post, of those people whose channels are in hand.
pub(super) async fn take_back_some(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    w: &TakeBack,
) -> Result<TakenBack, Failure> {
    let mut gone: Vec<GoneRow> = sqlx::query_as(gone!("where n.post_id = $1 order by n.comment_id limit $2"))
        .bind(w.post_id)
        .bind(TAKEN_AT_ONCE)
        .fetch_all(&mut *db)
        .await?;
    if gone.is_empty() {
        sqlx::query("delete from takebacks where post_id = $1").bind(w.post_id).execute(db).await?;
        return Ok(TakenBack { taken: 0, more: false });
    }
    gone.retain(|row| ledger.row(Channel::User(row.user_id)).is_some());
    let taken = gone.len() as i64;
    take_away(db, ledger, gone, None).await?;
    Ok(TakenBack { taken, more: true })
}

/// Deletes notifications and tells their people, all of whose channels must be in hand.
async fn take_away(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    gone: Vec<GoneRow>,
    actor: Option<UserId>,
) -> Result<(), Failure> {
    for row in &gone {
        is_reachable(ledger, row.user_id)?;
    }
    if gone.is_empty() {
        return Ok(());
    }
    let ids: Vec<NotificationId> = gone.iter().map(|row| row.id).collect();
    sqlx::query(
        "with actors as (delete from notification_actors where notification_id = any($1))
         delete from notifications where id = any($1)",
    )
    .bind(ids)
    .execute(db)
    .await?;
    for row in gone {
        crate::store::notices::take_away(ledger, row, actor);
    }
    Ok(())
}
