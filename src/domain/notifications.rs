//! What people are told, as they read it and put it away.

use super::{DomainError, Identity, paging};
use crate::config::Limits;
use crate::model::notification::Which;
use crate::model::page::{Page, page};
use crate::model::{Notification, NotificationId};
use crate::store::Store;
use crate::store::write::{Dismiss, MarkRead, Unread};
use std::sync::Arc;

/// A page of somebody's notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxPage {
    /// What stands on it.
    pub page: Page<Notification>,
    /// How many are unread in all.
    pub unread: i64,
    /// The head of the person's channel, read before.
    pub seq: i64,
}

/// What may be done with notifications.
pub struct Notifications {
    store: Arc<Store>,
    limits: Limits,
}

impl Notifications {
    /// Notifications of a store, within these limits.
    pub fn new(store: Arc<Store>, limits: Limits) -> Self {
        Self { store, limits }
    }

    /// A page of the caller's notifications, the latest change first; parameters as the client wrote them.
    ///
    /// # Errors
    /// `bad_request` for what of the list makes no sense.
    pub async fn list(
        &self,
        caller: &Identity,
        unread: Option<&str>,
        limit: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<InboxPage, DomainError> {
        let only = match unread {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(DomainError::bad_request("`unread` is `true` or `false`")),
        };
        let limit = paging::limit(limit)?;
        let list = format!("notifications/{}/{only}", caller.user_id);
        let before: Option<i64> = paging::after(&list, cursor)?;
        let inbox = self.store.read().inbox(caller.user_id, only, before, limit + 1).await?;
        let inbox = inbox.ok_or_else(|| DomainError::not_found("user not found"))?;
        let page = page(&list, inbox.items, limit, |notification| notification.seq);
        Ok(InboxPage { page, unread: inbox.unread, seq: inbox.seq })
    }

    /// Marks some of the caller's notifications read, or all there are.
    ///
    /// # Errors
    /// `bad_request` where neither is asked for, or both; `unprocessable` for no ids or too many.
    pub async fn read(
        &self,
        caller: &Identity,
        ids: Option<Vec<NotificationId>>,
        all: Option<bool>,
    ) -> Result<Unread, DomainError> {
        let which = match (ids, all.unwrap_or(false)) {
            (None, true) => Which::All,
            (Some(ids), false) => Which::These(self.some(ids)?),
            _ => return Err(DomainError::bad_request("either `ids`, or `all` being true")),
        };
        Ok(self.store.write(MarkRead { user_id: caller.user_id, which }).await?)
    }

    /// Takes one of the caller's notifications away; again is no error.
    ///
    /// # Errors
    /// `not_found` for somebody else's and for one that never was.
    pub async fn dismiss(&self, caller: &Identity, id: NotificationId) -> Result<(), DomainError> {
        Ok(self.store.write(Dismiss { user_id: caller.user_id, id }).await?)
    }

    fn some(&self, ids: Vec<NotificationId>) -> Result<Vec<NotificationId>, DomainError> {
        let most = self.limits.max_read_ids;
        if ids.is_empty() || ids.len() > most {
            return Err(DomainError::unprocessable("/ids", format!("1 to {most} ids at a time")));
        }
        Ok(ids)
    }
}
