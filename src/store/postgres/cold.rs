//! The kinds that are rare enough to go one by one within their group's transaction.

use super::failure::Failure;
use super::{accounts, announce, bans, comments, control, found, hosting, inbox, posts, prune, sessions};
use crate::store::backend::Committed;
use crate::store::error::StoreError;
use crate::store::ledger::Ledger;
use crate::store::write::{Outcome, Write};
use sqlx::postgres::PgConnection;

/// Does one member. One that is refused has found out by reading, before it wrote anything: there is nothing to undo.
pub(super) async fn run(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    write: &Write,
) -> Result<Result<Committed, StoreError>, Failure> {
    ledger.mark();
    match change(db, ledger, write).await {
        Ok(outcome) => Ok(Ok(Committed { outcome, events: ledger.take_events() })),
        Err(Failure::Rejected(rejection)) => Ok(Err(rejection.into())),
        Err(failure) => Err(failure),
    }
}

async fn change(db: &mut PgConnection, ledger: &mut Ledger, write: &Write) -> Result<Outcome, Failure> {
    Ok(match write {
        Write::CreatePost(_) | Write::CreateComment(_) | Write::React(_) | Write::Publish(_) => {
            return Err(StoreError::Internal("a hot kind among the cold".into()).into());
        }
        Write::UpdatePost(w) => Outcome::UpdatePost(posts::update(db, ledger, w).await?),
        Write::DeletePost(w) => Outcome::DeletePost(posts::delete(db, ledger, w).await?),
        Write::CreatePage(w) => Outcome::CreatePage(found::create_page(db, ledger, w).await?),
        Write::ChangePage(w) => Outcome::ChangePage(found::change_page(db, ledger, w).await?),
        Write::EditComment(w) => Outcome::EditComment(comments::edit(db, ledger, w).await?),
        Write::DeleteComment(w) => Outcome::DeleteComment(comments::delete(db, ledger, w).await?),
        Write::MarkRead(w) => Outcome::MarkRead(inbox::mark_read(db, ledger, w).await?),
        Write::Dismiss(w) => Outcome::Dismiss(inbox::dismiss(db, ledger, w).await?),
        Write::TakeBack(w) => Outcome::TakeBack(inbox::take_back_some(db, ledger, w).await?),
        Write::Notify(w) => Outcome::Notify(announce::notify(db, ledger, w).await?),
        Write::Register(w) => Outcome::Register(accounts::register(db, ledger, w).await?),
        Write::OpenSession(w) => Outcome::OpenSession(sessions::open(db, ledger, w).await?),
        Write::RotateRefresh(w) => Outcome::RotateRefresh(sessions::rotate(db, ledger, w).await?),
        Write::EndSession(w) => Outcome::EndSession(sessions::end(db, ledger, w).await?),
        Write::EndSessions(w) => Outcome::EndSessions(sessions::end_of_person(db, ledger, w).await?),
        Write::UpdateAccount(w) => Outcome::UpdateAccount(accounts::update(db, w).await?),
        Write::EnsurePeople(w) => Outcome::EnsurePeople(accounts::ensure(db, ledger, w).await?),
        Write::EnsureHostPeople(w) => Outcome::EnsureHostPeople(hosting::ensure(db, ledger, w).await?),
        Write::EndHostSessions(w) => Outcome::EndHostSessions(hosting::end(db, ledger, w).await?),
        Write::SetRole(w) => Outcome::SetRole(accounts::set_role(db, ledger, w).await?),
        Write::Ban(w) => Outcome::Ban(bans::ban(db, ledger, w).await?),
        Write::LiftBan(w) => Outcome::LiftBan(bans::lift(db, ledger, w).await?),
        Write::CreateApiKey(w) => Outcome::CreateApiKey(accounts::create_api_key(db, ledger, w).await?),
        Write::RenewEpoch(_) => Outcome::RenewEpoch(control::renew_epoch(db).await?),
        Write::Prune(w) => Outcome::Prune(prune::prune(db, ledger, w).await?),
    })
}
