//! Bans: who keeps whom out, until when.

use super::{DomainError, Identity, paging, text};
use crate::config::Limits;
use crate::model::clock::SharedClock;
use crate::model::page::{Page, page};
use crate::model::{Account, Ban, Timestamp, UserId};
use crate::store::Store;
use crate::store::write::{self, LiftBan, Moderator, Whom};
use std::sync::Arc;

/// Characters of a reason on the command line, whatever the server's setting.
pub const MAX_REASON_CHARS: usize = 500;
/// The name of the list of bans in its cursors.
const LIST: &str = "bans";

/// What a ban is to be.
#[derive(Debug, Clone, Default)]
pub struct NewBan {
    /// When it ends by itself, as RFC 3339; none: when it is lifted.
    pub until: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// Who is kept out.
pub struct Bans {
    store: Arc<Store>,
    clock: SharedClock,
    max_reason_chars: usize,
}

impl Bans {
    /// Bans in a store, within these limits.
    pub fn new(store: Arc<Store>, clock: SharedClock, limits: &Limits) -> Self {
        Self::bounded(store, clock, limits.max_reason_chars)
    }

    /// Bans in a store, with reasons of at most so many characters.
    pub fn bounded(store: Arc<Store>, clock: SharedClock, max_reason_chars: usize) -> Self {
        Self { store, clock, max_reason_chars }
    }

    /// Bans a person in a moderator's name, in the place of a ban that is there.
    ///
    /// # Errors
    /// `forbidden` for who does not moderate, for oneself and for somebody of the same or a higher role; `not_found`
    /// for an unknown person; `unprocessable` for an end that is none or has passed, and for a reason out of bounds.
    pub async fn ban(&self, caller: &Identity, user: UserId, new: NewBan) -> Result<(), DomainError> {
        let by = moderator(caller)?;
        self.put(Whom::Id(user), Some(by), new).await.map(drop)
    }

    /// Lifts a person's ban in a moderator's name. Where there is none nothing happens.
    ///
    /// # Errors
    /// `forbidden` and `not_found` as for [`Bans::ban`].
    pub async fn lift(&self, caller: &Identity, user: UserId) -> Result<(), DomainError> {
        let by = moderator(caller)?;
        self.store.write(LiftBan { whom: Whom::Id(user), by: Some(by) }).await?;
        Ok(())
    }

    /// A page of the bans in force, newest first; `limit` and `cursor` as the client wrote them.
    ///
    /// # Errors
    /// `forbidden` for who does not moderate, `bad_request` for a limit or cursor that makes no sense.
    pub async fn list(
        &self,
        caller: &Identity,
        limit: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Page<Ban>, DomainError> {
        moderator(caller)?;
        let limit = paging::limit(limit)?;
        let before = paging::after(LIST, cursor)?;
        let bans = self.store.read().bans(self.clock.now(), before, limit + 1).await?;
        Ok(page(LIST, bans, limit, |ban| ban.id.0))
    }

    /// Bans a person by an operator's hand, whatever they are.
    ///
    /// # Errors
    /// `not_found` and `unprocessable` as for [`Bans::ban`].
    pub async fn ban_by_hand(&self, handle: String, new: NewBan) -> Result<Account, DomainError> {
        self.put(Whom::Handle(handle), None, new).await
    }

    /// Lifts a person's ban by an operator's hand.
    ///
    /// # Errors
    /// `not_found` for an unknown person.
    pub async fn lift_by_hand(&self, handle: String) -> Result<Account, DomainError> {
        Ok(self.store.write(LiftBan { whom: Whom::Handle(handle), by: None }).await?)
    }

    /// Every ban in force, newest first.
    pub async fn all(&self) -> Result<Vec<Ban>, DomainError> {
        Ok(self.store.read().bans(self.clock.now(), None, i64::MAX).await?)
    }

    async fn put(&self, whom: Whom, by: Option<Moderator>, new: NewBan) -> Result<Account, DomainError> {
        let until = new.until.as_deref().map(|until| self.end(until)).transpose()?;
        if let Some(reason) = &new.reason {
            text::check("/reason", reason, self.max_reason_chars)?;
        }
        Ok(self.store.write(write::Ban { whom, by, until, reason: new.reason }).await?)
    }

    fn end(&self, text: &str) -> Result<Timestamp, DomainError> {
        let until = Timestamp::from_rfc3339(text)
            .ok_or_else(|| DomainError::unprocessable("/until", "this is no time as RFC 3339 writes it"))?;
        if until <= self.clock.now() {
            return Err(DomainError::unprocessable("/until", "this time has passed"));
        }
        Ok(until)
    }
}

fn moderator(caller: &Identity) -> Result<Moderator, DomainError> {
    if caller.role.moderates() {
        return Ok(Moderator { user_id: caller.user_id, role: caller.role });
    }
    Err(DomainError::forbidden("this is for moderators"))
}
