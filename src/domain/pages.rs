//! Pages of the host's site: each has a post that stands for it, found by the host's own name for the page.

use super::origins::{Verdict, is_on};
use super::posts::Posts;
use super::{DomainError, Identity, text};
use crate::model::{PageCount, UserId};
use crate::store::write::{ChangePage, CreatePage, Page};
use std::collections::HashSet;
use std::net::IpAddr;

/// Most pages asked about at once.
pub const MAX_PAGES: usize = 100;

/// How often a page is looked for that others make and delete meanwhile.
const TRIES: usize = 3;

/// A page as a site tells of it.
#[derive(Debug, Clone)]
pub struct NewPage {
    /// The host's own name for it.
    pub page_key: String,
    /// What it is called; its key where there is no post yet.
    pub title: Option<String>,
    /// Where it is.
    pub url: Option<String>,
}

/// Who tells of a page, and from where.
#[derive(Debug, Clone)]
pub struct Teller<'a> {
    /// A back end that may keep posts.
    pub back_end: bool,
    /// The person who is signed in.
    pub person: Option<&'a Identity>,
    /// What the request's `Origin` is to this server.
    pub verdict: Verdict,
    /// The `Origin` itself.
    pub origin: Option<&'a str>,
    /// Whom the rate counts.
    pub address: IpAddr,
}

impl Teller<'_> {
    /// The moderator, or nobody for a back end; none for those who may not change pages.
    fn keeper(&self) -> Option<Option<UserId>> {
        let moderator = self.person.map(Identity::actor).filter(|actor| actor.moderates);
        if self.back_end { Some(None) } else { moderator.map(|actor| Some(actor.user_id)) }
    }
}

impl Posts {
    /// The post that stands for a page. Whoever may change it does; everybody else gets it as it is, or makes it.
    ///
    /// # Errors
    /// `unprocessable` for a key, title or address out of bounds, and for an address elsewhere than on the origin that
    /// makes the page; `forbidden` from a foreign origin, and for a page that is not there yet without any;
    /// `rate_limited`.
    pub async fn keep_page(&self, teller: &Teller<'_>, page: NewPage) -> Result<Page, DomainError> {
        if teller.verdict == Verdict::Foreign {
            return Err(DomainError::forbidden("this origin may not make pages"));
        }
        let page = self.check_page(page)?;
        for _ in 0..TRIES {
            let found = match self.store.read().page(&page.page_key).await? {
                Some(post) => Page { post, created: false },
                None => self.make_page(teller, &page).await?,
            };
            let (Some(actor), false) = (teller.keeper(), found.created) else { return Ok(found) };
            let NewPage { title, url, .. } = page.clone();
            let change = ChangePage { post_id: found.post.value.id, actor, title, url };
            match self.store.write(change).await {
                // Deleted in between: its name is free.
                Err(crate::store::StoreError::Rejected(crate::store::Rejection::NotFound(_))) => {}
                changed => return Ok(Page { post: changed?, created: false }),
            }
        }
        Err(DomainError::conflict("the page is being deleted"))
    }

    /// How many comments these pages have, in the order asked; those that are not there are left out.
    ///
    /// # Errors
    /// `unprocessable` for too many.
    pub async fn page_counts(&self, page_keys: &str) -> Result<Vec<PageCount>, DomainError> {
        let mut seen = HashSet::new();
        let keys = page_keys.split(',').filter(|key| self.check_key(key).is_ok() && seen.insert(*key));
        let keys: Vec<String> = keys.map(str::to_owned).collect();
        if keys.len() > MAX_PAGES {
            return Err(DomainError::unprocessable("/page_keys", format!("at most {MAX_PAGES} pages at once")));
        }
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut counts = self.store.read().page_counts(&keys).await?;
        counts.sort_by_key(|count| keys.iter().position(|key| *key == count.page_key));
        Ok(counts)
    }

    async fn make_page(&self, teller: &Teller<'_>, page: &NewPage) -> Result<Page, DomainError> {
        if teller.keeper().is_none() {
            let origin = teller.origin.filter(|_| teller.verdict != Verdict::Absent);
            let origin = origin.ok_or_else(|| DomainError::forbidden("only pages of an allowed origin may do this"))?;
            if page.url.as_deref().is_some_and(|url| !is_on(url, origin)) {
                return Err(DomainError::unprocessable("/url", "must lie on the origin of the page that asks"));
            }
            self.rates.page(teller.address).await?;
        }
        let NewPage { page_key, title, url } = page.clone();
        let title = title.unwrap_or_else(|| page_key.chars().take(self.limits.max_title_chars).collect());
        Ok(self.store.write(CreatePage { page_key, title, url }).await?)
    }

    fn check_page(&self, page: NewPage) -> Result<NewPage, DomainError> {
        self.check_key(&page.page_key)?;
        page.title.as_deref().map_or(Ok(()), |title| self.check_title(title))?;
        let url = page.url.map(|url| text::web_url("/url", &url, self.limits.max_url_chars)).transpose()?;
        Ok(NewPage { url, ..page })
    }

    fn check_key(&self, page_key: &str) -> Result<(), DomainError> {
        text::check_line("/page_key", page_key, self.limits.max_page_key_chars)?;
        if page_key.contains(',') {
            return Err(DomainError::unprocessable("/page_key", "must not contain a comma"));
        }
        Ok(())
    }
}
