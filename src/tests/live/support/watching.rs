//! A database that is watched: its calls are counted, and a test can make them fail or wait.

use async_trait::async_trait;
use belfry::model::page::Sort;
use belfry::model::{
    Account, Ban, BanId, Channel, Comment, CommentId, Event, PageCount, Post, PostId, Timestamp, UserId, UserRef,
};
use belfry::store::StoreError;
use belfry::store::backend::{Backend, GroupResult, Grouped};
use belfry::store::read::{
    ApiKey, Behind, Below, Control, Find, Head, Inbox, ReadAccounts, ReadComments, ReadControl, ReadLog,
    ReadNotifications, ReadPosts, Recipients, Revoked, Stretch,
};
use belfry::store::write::{Versioned, Write};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// What a test does to one kind of call.
pub struct Tap {
    state: watch::Sender<State>,
}

#[derive(Default)]
struct State {
    /// The channels of each call, in the order called.
    calls: Vec<Vec<Channel>>,
    /// Calls that fail: all, or those that name this channel.
    failing: bool,
    failing_for: Option<Channel>,
    /// Only calls that name this channel are held; their answers are, after they were read.
    holding: Option<Channel>,
    held: usize,
    refused: usize,
}

impl Tap {
    fn new() -> Self {
        Self { state: watch::Sender::new(State::default()) }
    }

    /// The channels of each call since the last [`Tap::forget`].
    pub fn calls(&self) -> Vec<Vec<Channel>> {
        self.state.borrow().calls.clone()
    }

    /// How many of them named this channel.
    pub fn calls_for(&self, channel: Channel) -> usize {
        self.state.borrow().calls.iter().filter(|asked| asked.contains(&channel)).count()
    }

    /// Counts anew.
    pub fn forget(&self) {
        self.state.send_modify(|state| state.calls.clear());
    }

    /// From now on calls fail, or do no more.
    pub fn fail(&self, failing: bool) {
        self.state.send_modify(|state| state.failing = failing);
    }

    /// From now on calls that name this channel fail, or none do.
    pub fn fail_for(&self, channel: Option<Channel>) {
        self.state.send_modify(|state| state.failing_for = channel);
    }

    /// From now on what calls about this channel have read is kept from those who asked.
    pub fn hold(&self, channel: Channel) {
        self.state.send_modify(|state| state.holding = Some(channel));
    }

    /// Hands out what was held, and holds nothing any more.
    pub fn release(&self) {
        self.state.send_modify(|state| state.holding = None);
    }

    /// Waits until some call is held.
    pub async fn held(&self) {
        super::within("a call to be held", self.state.subscribe().wait_for(|state| state.held > 0)).await.unwrap();
    }

    /// Waits until this many more calls have failed.
    pub async fn refused(&self, more: usize) {
        let before = self.state.borrow().refused;
        let refused = |state: &State| state.refused >= before + more;
        super::within("calls to fail", self.state.subscribe().wait_for(refused)).await.unwrap();
    }

    async fn pass<T>(
        &self,
        channels: Vec<Channel>,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut failing = false;
        self.state.send_modify(|state| {
            failing = state.failing || state.failing_for.is_some_and(|channel| channels.contains(&channel));
            state.refused += usize::from(failing);
            state.calls.push(channels.clone());
        });
        if failing {
            return Err(StoreError::Unavailable("a test says so".into()));
        }
        let read = call.await;
        let holds = |state: &State| state.holding.is_some_and(|held| channels.contains(&held));
        if holds(&self.state.borrow()) {
            self.state.send_modify(|state| state.held += 1);
            let _ = self.state.subscribe().wait_for(|state| !holds(state)).await;
            self.state.send_modify(|state| state.held -= 1);
        }
        read
    }
}

/// The database.
pub struct Watching {
    inner: Arc<dyn Backend>,
    /// Where channels stand.
    pub heads: Tap,
    /// What happened in them.
    pub events: Tap,
    /// Epoch and time; its calls name the internal channel.
    pub control: Tap,
    /// People of the host's site; its calls name the internal channel.
    pub host_people: Tap,
    kept: AtomicUsize,
    api_keys: AtomicUsize,
    /// A channel that is said to stand no further than this.
    set_back: Mutex<Option<(Channel, i64)>>,
}

impl Watching {
    pub fn new(inner: Arc<dyn Backend>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            heads: Tap::new(),
            events: Tap::new(),
            control: Tap::new(),
            host_people: Tap::new(),
            kept: AtomicUsize::new(0),
            api_keys: AtomicUsize::new(0),
            set_back: Mutex::default(),
        })
    }

    /// From now on a channel stands no further than this, or each where it does.
    pub fn set_back(&self, channel: Option<(Channel, i64)>) {
        *self.set_back.lock() = channel;
    }

    /// How often people of the host's site were written.
    pub fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// How often a back end's key was looked up.
    pub fn api_keys(&self) -> usize {
        self.api_keys.load(Ordering::Relaxed)
    }

    /// Lets the database go for good; instances only say that they do.
    pub async fn end(&self) {
        self.inner.close().await;
    }
}

#[async_trait]
impl ReadAccounts for Watching {
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.inner.account(id).await
    }

    async fn host_people(&self, external_ids: &[String]) -> Result<Vec<Account>, StoreError> {
        self.host_people.pass(vec![Channel::Revocations], self.inner.host_people(external_ids)).await
    }

    async fn credentials(&self, email: &str) -> Result<Option<(UserId, String)>, StoreError> {
        self.inner.credentials(email).await
    }

    async fn api_key(&self, hash: [u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        self.api_keys.fetch_add(1, Ordering::Relaxed);
        self.inner.api_key(hash).await
    }
}

#[async_trait]
impl ReadPosts for Watching {
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
impl ReadComments for Watching {
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
impl ReadNotifications for Watching {
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
impl ReadLog for Watching {
    async fn heads(&self, channels: &[Channel]) -> Result<HashMap<Channel, Head>, StoreError> {
        let mut heads = self.heads.pass(channels.to_vec(), self.inner.heads(channels)).await?;
        if let Some((channel, most)) = *self.set_back.lock()
            && let Some(head) = heads.get_mut(&channel)
        {
            head.seq = head.seq.min(most);
        }
        Ok(heads)
    }

    async fn moved(&self, known: &[(Channel, i64)]) -> Result<HashMap<Channel, Option<Head>>, StoreError> {
        let channels = known.iter().map(|(channel, _)| *channel).collect();
        let mut moved = self.heads.pass(channels, self.inner.moved(known)).await?;
        let set_back = *self.set_back.lock();
        for (channel, _) in
            known.iter().filter(|(channel, seq)| set_back.is_some_and(|(back, most)| back == *channel && most < *seq))
        {
            moved.extend(self.heads(&[*channel]).await?.into_iter().map(|(channel, head)| (channel, Some(head))));
        }
        Ok(moved)
    }

    async fn events(&self, stretches: &[Stretch]) -> Result<HashMap<Channel, Vec<Event>>, StoreError> {
        let channels = stretches.iter().map(|stretch| stretch.channel).collect();
        self.events.pass(channels, self.inner.events(stretches)).await
    }
}

#[async_trait]
impl ReadControl for Watching {
    async fn control(&self) -> Result<Control, StoreError> {
        self.control.pass(vec![Channel::Revocations], self.inner.control()).await
    }

    async fn revocations(&self) -> Result<Versioned<Revoked>, StoreError> {
        self.inner.revocations().await
    }

    async fn bans(&self, now: Timestamp, before: Option<BanId>, limit: i64) -> Result<Vec<Ban>, StoreError> {
        self.inner.bans(now, before, limit).await
    }
}

#[async_trait]
impl Backend for Watching {
    async fn commit(&self, group: Vec<Write>, now: Timestamp) -> Vec<Grouped> {
        let kept = group.iter().filter(|write| matches!(write, Write::EnsureHostPeople(_))).count();
        self.kept.fetch_add(kept, Ordering::Relaxed);
        self.inner.commit(group, now).await
    }

    async fn commit_waiting(&self, group: Vec<Write>, now: Timestamp) -> GroupResult {
        self.inner.commit_waiting(group, now).await
    }

    async fn channel_of(&self, write: &Write) -> Result<Option<Channel>, StoreError> {
        self.inner.channel_of(write).await
    }

    async fn close(&self) {}
}
