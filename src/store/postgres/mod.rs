//! The store on Postgres 15 or newer: any number of processes on one database.
//!
//! Whoever appends to a channel holds its row until the commit, so seqs are handed out in commit order across processes.
//! A group is one transaction of a number of statements that does not grow with its hot members (`hot`).

mod accounts;
mod announce;
mod audience;
mod bans;
mod bells;
mod bulk;
mod cold;
mod comments;
mod connect;
mod control;
mod failure;
mod found;
mod group;
mod hosting;
mod hot;
mod inbox;
mod locks;
mod log;
mod notifications;
mod posts;
mod prune;
mod reactions;
mod sessions;
mod targets;
mod threads;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use super::StoreError;
use super::backend::{Backend, GroupResult, Grouped};
use super::read::{
    ApiKey, Behind, Below, Control, Find, Head, Inbox, ReadAccounts, ReadComments, ReadControl, ReadLog,
    ReadNotifications, ReadPosts, Recipients, Revoked, Stretch,
};
use super::write::{Place, Versioned, Write};
use crate::model::page::Sort;
use crate::model::{
    Account, Ban, BanId, Channel, Comment, CommentId, Event, PageCount, Post, PostId, Timestamp, UserId, UserRef,
};
use async_trait::async_trait;
use connect::{Known, bounded};
use group::Wait;
use sqlx::PgPool;
use std::collections::HashMap;

/// A Postgres database.
pub struct Postgres {
    reads: PgPool,
    /// What the hub reads: lists that many ask for do not hold up the sweep.
    hub: PgPool,
    /// Groups that never wait for a channel.
    commits: PgPool,
    /// Groups that wait for held channels, apart so that they leave the others their connections.
    waits: PgPool,
    known: Known,
}

#[async_trait]
impl Backend for Postgres {
    async fn commit(&self, group: Vec<Write>, now: Timestamp) -> Vec<Grouped> {
        let decided = group::decide(&self.commits, &group, now, Wait::Skip).await;
        let grouped = decided.into_iter().zip(group);
        grouped.map(|(slot, write)| slot.map_or(Grouped::Held(write), Grouped::Done)).collect()
    }

    async fn commit_waiting(&self, group: Vec<Write>, now: Timestamp) -> GroupResult {
        let decided = group::decide(&self.waits, &group, now, Wait::Block).await;
        let held = || Err(StoreError::Unavailable("its channel is held elsewhere".into()));
        decided.into_iter().map(|slot| slot.unwrap_or_else(held)).collect()
    }

    async fn channel_of(&self, write: &Write) -> Result<Option<Channel>, StoreError> {
        match write.place() {
            Place::Nowhere => Ok(None),
            Place::Channel(channel) => Ok(Some(channel)),
            Place::Comment(id) => {
                let found = bounded(&self.hub, async |db| targets::posts_of(db, &[id]).await).await?;
                Ok(found.get(&id).copied().map(Channel::Post))
            }
        }
    }

    async fn close(&self) {
        self.commits.close().await;
        self.waits.close().await;
        self.hub.close().await;
        self.reads.close().await;
    }
}

#[async_trait]
impl ReadAccounts for Postgres {
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        bounded(&self.reads, async |db| accounts::account(db, id).await).await
    }

    async fn host_people(&self, external_ids: &[String]) -> Result<Vec<Account>, StoreError> {
        bounded(&self.reads, async |db| hosting::people(db, external_ids).await).await
    }

    async fn credentials(&self, email: &str) -> Result<Option<(UserId, String)>, StoreError> {
        bounded(&self.reads, async |db| accounts::credentials(db, email).await).await
    }

    async fn api_key(&self, hash: [u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        bounded(&self.reads, async |db| accounts::api_key(db, hash).await).await
    }
}

#[async_trait]
impl ReadPosts for Postgres {
    async fn post(&self, id: PostId) -> Result<Option<Versioned<Post>>, StoreError> {
        bounded(&self.reads, async |db| posts::versioned(db, id).await).await
    }

    async fn posts(&self, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError> {
        bounded(&self.reads, async |db| posts::page(db, before, limit).await).await
    }

    async fn find_posts(&self, find: &Find, before: Option<PostId>, limit: i64) -> Result<Vec<Post>, StoreError> {
        bounded(&self.reads, async |db| found::find(db, find, before, limit).await).await
    }

    async fn page(&self, page_key: &str) -> Result<Option<Versioned<Post>>, StoreError> {
        Ok(bounded(&self.reads, async |db| found::page(db, page_key).await).await?)
    }

    async fn page_counts(&self, page_keys: &[String]) -> Result<Vec<PageCount>, StoreError> {
        bounded(&self.reads, async |db| found::page_counts(db, page_keys).await).await
    }

    async fn participants(&self, post: PostId) -> Result<Option<Vec<UserRef>>, StoreError> {
        bounded(&self.reads, async |db| found::participants(db, post).await).await
    }
}

#[async_trait]
impl ReadComments for Postgres {
    async fn comment(&self, id: CommentId) -> Result<Option<Versioned<Comment>>, StoreError> {
        bounded(&self.reads, async |db| comments::versioned(db, id).await).await
    }

    async fn comments(
        &self,
        post: PostId,
        below: Below,
        sort: Sort,
        after: Option<Behind>,
        limit: i64,
    ) -> Result<Option<Versioned<Vec<Comment>>>, StoreError> {
        bounded(&self.reads, async |db| threads::page(db, post, below, sort, after, limit).await).await
    }

    async fn replies(&self, parents: &[CommentId], limit: i64) -> Result<HashMap<CommentId, Vec<Comment>>, StoreError> {
        bounded(&self.reads, async |db| threads::replies(db, parents, limit).await).await
    }

    async fn chosen(
        &self,
        reader: UserId,
        comments: &[CommentId],
    ) -> Result<HashMap<CommentId, Vec<String>>, StoreError> {
        bounded(&self.reads, async |db| reactions::chosen(db, reader, comments).await).await
    }
}

#[async_trait]
impl ReadNotifications for Postgres {
    async fn inbox(
        &self,
        user: UserId,
        unread: bool,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Option<Inbox>, StoreError> {
        bounded(&self.reads, async |db| notifications::inbox(db, user, unread, before, limit).await).await
    }

    async fn takebacks(&self, limit: i64) -> Result<Vec<PostId>, StoreError> {
        bounded(&self.reads, async |db| notifications::takebacks(db, limit).await).await
    }

    async fn recipients(&self, named: &Recipients) -> Result<Vec<UserId>, StoreError> {
        bounded(&self.reads, async |db| notifications::recipients(db, named).await).await
    }
}

#[async_trait]
impl ReadLog for Postgres {
    async fn heads(&self, channels: &[Channel]) -> Result<HashMap<Channel, Head>, StoreError> {
        bounded(&self.hub, async |db| log::heads(db, channels).await).await
    }

    async fn moved(&self, known: &[(Channel, i64)]) -> Result<HashMap<Channel, Option<Head>>, StoreError> {
        bounded(&self.hub, async |db| log::moved(db, known).await).await
    }

    async fn events(&self, stretches: &[Stretch]) -> Result<HashMap<Channel, Vec<Event>>, StoreError> {
        bounded(&self.hub, async |db| log::events(db, stretches).await).await
    }
}

#[async_trait]
impl ReadControl for Postgres {
    async fn control(&self) -> Result<Control, StoreError> {
        let control = bounded(&self.hub, async |db| control::control(db).await).await?;
        *self.known.write() = Some(control.epoch.clone());
        Ok(control)
    }

    async fn revocations(&self) -> Result<Versioned<Revoked>, StoreError> {
        bounded(&self.hub, async |db| control::revocations(db).await).await
    }

    async fn bans(&self, now: Timestamp, before: Option<BanId>, limit: i64) -> Result<Vec<Ban>, StoreError> {
        bounded(&self.reads, async |db| bans::list(db, now, before, limit).await).await
    }
}
