//! What back ends tell people.

use super::{DomainError, idempotency, profile, text};
use crate::config::Limits;
use crate::model::{Cause, UserId};
use crate::protocol::codes::ErrorCode;
use crate::store::Store;
use crate::store::read::{ApiKey, Recipients};
use crate::store::write::{Notified, Notify};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Most characters of a kind.
const MAX_KIND: usize = 60;

/// People told in one transaction: as many channels are held until its commit.
const AT_ONCE: usize = 100;

/// Transactions of this kind that may wait for one commit, so that a crowd that is told does not hold up everybody's
/// comments.
const TOGETHER: usize = 2;

/// Something to tell people.
#[derive(Debug, Clone, Default)]
pub struct NewNotice {
    /// Whom, by id.
    pub user_ids: Option<Vec<UserId>>,
    /// Whom, by the host site's own names.
    pub external_ids: Option<Vec<String>>,
    /// The back end's own kind.
    pub kind: String,
    /// One line.
    pub title: String,
    /// More of it.
    pub body: Option<String>,
    /// Where to look, http or https.
    pub url: Option<String>,
    /// What is told by one notification however often.
    pub group: Option<String>,
    /// Makes a retry harmless.
    pub key: Option<String>,
}

/// What back ends may tell.
pub struct Notices {
    store: Arc<Store>,
    limits: Limits,
    turns: Semaphore,
}

impl Notices {
    /// Notices into a store, within these limits.
    pub fn new(store: Arc<Store>, limits: Limits) -> Self {
        Self { store, limits, turns: Semaphore::new(TOGETHER) }
    }

    /// Tells people for a back end, whose scope was checked; answers how many, and how many nobody knows. Everybody counts
    /// once. They are told a hundred at a time: after a failure some may have been told, and a retry with the same key
    /// tells the others.
    ///
    /// # Errors
    /// `unprocessable` for a value out of bounds, `bad_request` for both ways to name people, `conflict` for a key used
    /// for something else.
    pub async fn notify(&self, caller: &ApiKey, new: NewNotice) -> Result<Notified, DomainError> {
        let parts = self.parts(&new)?;
        check_kind(&new.kind)?;
        text::check_line("/title", &new.title, self.limits.max_notice_title_chars)?;
        new.body.as_deref().map_or(Ok(()), |body| text::check("/body", body, self.limits.max_notice_chars))?;
        new.group.as_deref().map_or(Ok(()), |group| text::check_line("/group", group, self.limits.max_group_chars))?;
        let url = new.url.as_deref().map(|url| profile::web_url("/url", url)).transpose()?;
        let content = (&parts, &new.kind, &new.title, &new.body, &url, &new.group);
        let mut all = Notified { accepted: 0, unknown: 0 };
        for (n, part) in parts.iter().enumerate() {
            // Each part has a key of its own, the first that of the request.
            let caller = if n == 0 { format!("k:{}", caller.id) } else { format!("k:{}/{n}", caller.id) };
            let key = idempotency::keyed(caller, "notify", new.key.as_deref(), &content)?;
            let _turn = self.turns.acquire().await.map_err(|_| DomainError::new(ErrorCode::Unavailable, "closed"))?;
            let to = self.store.read().recipients(&part.named()).await?;
            let unknown = (part.len() - to.len()) as i64;
            let (kind, title, body) = (new.kind.clone(), new.title.clone(), new.body.clone());
            let notify = Notify { to, unknown, kind, title, body, url: url.clone(), group: new.group.clone(), key };
            let told = self.store.write(notify).await?.value;
            all.accepted += told.accepted;
            all.unknown += told.unknown;
        }
        Ok(all)
    }

    /// The people named, each once, in parts that are told together.
    fn parts(&self, new: &NewNotice) -> Result<Vec<Part>, DomainError> {
        let most = self.limits.max_recipients;
        let bounded = |pointer: &str, count: usize| {
            if (1..=most).contains(&count) {
                return Ok(());
            }
            Err(DomainError::unprocessable(pointer, format!("1 to {most} people at a time")))
        };
        match (&new.user_ids, &new.external_ids) {
            (Some(_), Some(_)) => Err(DomainError::bad_request("either `user_ids` or `external_ids`")),
            (ids, None) => {
                let ids = ids.as_deref().unwrap_or_default();
                bounded("/user_ids", ids.len())?;
                let ids: Vec<UserId> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
                Ok(ids.chunks(AT_ONCE).map(|ids| Part::Ids(ids.to_vec())).collect())
            }
            (None, Some(ids)) => {
                bounded("/external_ids", ids.len())?;
                let ids: Vec<String> = ids.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
                Ok(ids.chunks(AT_ONCE).map(|ids| Part::External(ids.to_vec())).collect())
            }
        }
    }
}

/// People who are told together.
#[derive(Debug, Clone, serde::Serialize)]
enum Part {
    Ids(Vec<UserId>),
    External(Vec<String>),
}

impl Part {
    fn len(&self) -> usize {
        match self {
            Self::Ids(ids) => ids.len(),
            Self::External(ids) => ids.len(),
        }
    }

    fn named(&self) -> Recipients {
        match self {
            Self::Ids(ids) => Recipients::Ids(ids.clone()),
            // What no database can keep is nobody's name.
            Self::External(ids) => Recipients::External(ids.iter().filter(|id| !id.contains('\0')).cloned().collect()),
        }
    }
}

fn check_kind(kind: &str) -> Result<(), DomainError> {
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    if !(1..=MAX_KIND).contains(&kind.len()) || !kind.bytes().all(allowed) {
        return Err(DomainError::unprocessable("/kind", "a kind is 1 to 60 of the characters a-z 0-9 _ . -"));
    }
    if Cause::from_name(kind).is_some() {
        return Err(DomainError::unprocessable("/kind", "this kind is the hub's own"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_not_the_hubs_own() {
        for good in ["x", "order.paid", "comment.x", "reactions", &"k".repeat(60)] {
            assert_eq!(check_kind(good), Ok(()), "{good}");
        }
        for bad in ["", "comment", "reply", "mention", "reaction", "Order", "a b", "a:b", "ä", &"k".repeat(61)] {
            assert!(check_kind(bad).is_err(), "{bad}");
        }
    }
}
