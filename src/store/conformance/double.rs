//! A back end that does as another one does, but holds rooms and fails when told to: for what only a group can get wrong.

use crate::model::page::Sort;
use crate::model::{
    Account, Ban, BanId, Channel, Comment, CommentId, Event, PageCount, Post, PostId, Timestamp, UserId, UserRef,
};
use crate::store::backend::{Backend, GroupResult, Grouped};
use crate::store::read::*;
use crate::store::write::{Versioned, Write};
use crate::store::{Rejection, StoreError};
use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::watch;

/// What the next commit does instead of committing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Panics,
    AnswersForOneOnly,
    NeverReturns,
}

pub(crate) struct Double {
    inner: Arc<dyn Backend>,
    held: watch::Sender<HashSet<Channel>>,
    slow: watch::Sender<bool>,
    fault: Mutex<Option<Fault>>,
}

impl Double {
    pub(crate) fn of(inner: Arc<dyn Backend>, held: watch::Sender<HashSet<Channel>>) -> Self {
        Self { inner, held, slow: watch::Sender::default(), fault: Mutex::new(None) }
    }

    /// Whether those who wait go on waiting when nothing is held any more.
    pub(crate) fn slow(&self, slow: bool) {
        self.slow.send_replace(slow);
    }

    pub(crate) fn next(&self, fault: Fault) {
        *self.fault.lock() = Some(fault);
    }
}

#[async_trait]
impl Backend for Double {
    async fn commit(&self, group: Vec<Write>, now: Timestamp) -> Vec<Grouped> {
        let fault = self.fault.lock().take();
        match fault {
            None => {}
            Some(Fault::Panics) => panic!("as told"),
            Some(Fault::AnswersForOneOnly) => {
                return vec![Grouped::Done(Err(Rejection::NotFound("first").into()))];
            }
            Some(Fault::NeverReturns) => std::future::pending().await,
        }
        let mut results: Vec<Option<Grouped>> = Vec::new();
        let mut free = Vec::new();
        for write in group {
            let channel = self.inner.channel_of(&write).await.unwrap();
            if channel.is_some_and(|channel| self.held.borrow().contains(&channel)) {
                results.push(Some(Grouped::Held(write)));
            } else {
                results.push(None);
                free.push(write);
            }
        }
        let mut done = self.inner.commit(free, now).await.into_iter();
        results.into_iter().map(|result| result.or_else(|| done.next()).unwrap()).collect()
    }

    async fn commit_waiting(&self, group: Vec<Write>, now: Timestamp) -> GroupResult {
        for write in &group {
            let channel = self.inner.channel_of(write).await.unwrap();
            let mut held = self.held.subscribe();
            held.wait_for(|held| channel.is_none_or(|channel| !held.contains(&channel))).await.unwrap();
        }
        self.slow.subscribe().wait_for(|slow| !slow).await.unwrap();
        self.inner.commit_waiting(group, now).await
    }

    async fn channel_of(&self, write: &Write) -> Result<Option<Channel>, StoreError> {
        self.inner.channel_of(write).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[async_trait]
impl ReadAccounts for Double {
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.inner.account(id).await
    }

    async fn host_people(&self, external_ids: &[String]) -> Result<Vec<Account>, StoreError> {
        self.inner.host_people(external_ids).await
    }

    async fn credentials(&self, email: &str) -> Result<Option<(UserId, String)>, StoreError> {
        self.inner.credentials(email).await
    }

    async fn api_key(&self, hash: [u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        self.inner.api_key(hash).await
    }
}

#[async_trait]
impl ReadPosts for Double {
    async fn post(&self, id: PostId) -> Result<Option<Versioned<Post>>, StoreError> {
        self.inner.post(id).await
    }

    async fn posts(&self, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError> {
        self.inner.posts(before, limit).await
    }

    async fn find_posts(&self, find: &Find, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError> {
        self.inner.find_posts(find, before, limit).await
    }

    async fn page(&self, page_key: &str) -> Result<Option<Versioned<Post>>, StoreError> {
        self.inner.page(page_key).await
    }

    async fn page_counts(&self, page_keys: &[String]) -> Result<Vec<PageCount>, StoreError> {
        self.inner.page_counts(page_keys).await
    }

    async fn participants(&self, post: PostId) -> Result<Option<Vec<UserRef>>, StoreError> {
        self.inner.participants(post).await
    }
}

#[async_trait]
impl ReadComments for Double {
    async fn comment(&self, id: CommentId) -> Result<Option<Versioned<Comment>>, StoreError> {
        self.inner.comment(id).await
    }

    async fn comments(
        &self,
        post: PostId,
        below: Below,
        sort: Sort,
        after: Option<Behind>,
        limit: i64,
    ) -> Result<Option<Versioned<Vec<Comment>>>, StoreError> {
        self.inner.comments(post, below, sort, after, limit).await
    }

    async fn replies(&self, parents: &[CommentId], limit: i64) -> Result<HashMap<CommentId, Vec<Comment>>, StoreError> {
        self.inner.replies(parents, limit).await
    }

    async fn chosen(
        &self,
        reader: UserId,
        comments: &[CommentId],
    ) -> Result<HashMap<CommentId, Vec<String>>, StoreError> {
        self.inner.chosen(reader, comments).await
    }
}

#[async_trait]
impl ReadNotifications for Double {
    async fn inbox(
        &self,
        user: UserId,
        unread: bool,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Option<Inbox>, StoreError> {
        self.inner.inbox(user, unread, before, limit).await
    }

    async fn takebacks(&self, limit: i64) -> Result<Vec<PostId>, StoreError> {
        self.inner.takebacks(limit).await
    }

    async fn recipients(&self, named: &Recipients) -> Result<Vec<UserId>, StoreError> {
        self.inner.recipients(named).await
    }
}

#[async_trait]
impl ReadLog for Double {
    async fn heads(&self, channels: &[Channel]) -> Result<HashMap<Channel, Head>, StoreError> {
        self.inner.heads(channels).await
    }

    async fn moved(&self, known: &[(Channel, i64)]) -> Result<HashMap<Channel, Option<Head>>, StoreError> {
        self.inner.moved(known).await
    }

    async fn events(&self, stretches: &[Stretch]) -> Result<HashMap<Channel, Vec<Event>>, StoreError> {
        self.inner.events(stretches).await
    }
}

#[async_trait]
impl ReadControl for Double {
    async fn control(&self) -> Result<Control, StoreError> {
        self.inner.control().await
    }

    async fn revocations(&self) -> Result<Versioned<Revoked>, StoreError> {
        self.inner.revocations().await
    }

    async fn bans(&self, now: Timestamp, before: Option<BanId>, limit: i64) -> Result<Vec<Ban>, StoreError> {
        self.inner.bans(now, before, limit).await
    }
}
