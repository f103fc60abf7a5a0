//! What the clauses stand on: a database, processes on it, and the few steps most of them begin with.

use crate::model::clock::DatabaseClock;
use crate::model::{Account, Channel, Clock, Comment, CommentId, Event, Post, PostId, Timestamp, UserId};
use crate::store::backend::GroupResult;
use crate::store::read::{Head, Stretch};
use crate::store::write::*;
use crate::store::{Backend, CommitSink, Rejection, Store, StoreError};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::Value;
use serde_json::value::RawValue;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Reads the setting that a back end's tests need. None means to skip, which continuous integration never does.
pub(crate) fn required_in_ci(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    assert!(value.is_some() || std::env::var_os("CI").is_none(), "{variable} must be set in CI");
    if value.is_none() {
        eprintln!("skipped: {variable} is not set");
    }
    value
}

/// Time that moves when a test says so.
pub(crate) struct ManualClock {
    now: AtomicI64,
    started: Instant,
    start: i64,
}

impl ManualClock {
    fn new() -> Arc<Self> {
        let clock = DatabaseClock::new();
        let start = clock.now().0;
        Arc::new(Self { now: AtomicI64::new(start), started: clock.instant(), start })
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.now.fetch_add(Timestamp(0).plus(by).0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn instant(&self) -> Instant {
        let passed = u64::try_from(self.now().0 - self.start).unwrap();
        self.started + Duration::from_millis(passed)
    }
}

/// What a commit sink was told, in the order it was told.
#[derive(Default)]
pub(crate) struct Recorder {
    events: Mutex<Vec<Event>>,
}

impl Recorder {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().clone()
    }

    pub(crate) fn seqs(&self, channel: Channel) -> Vec<i64> {
        self.events.lock().iter().filter(|event| event.channel == channel).map(|event| event.seq).collect()
    }
}

impl CommitSink for Recorder {
    fn committed(&self, events: Vec<Event>) {
        self.events.lock().extend(events);
    }
}

type Open = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Backend>> + Send + Sync>;
type Hold = Box<dyn Fn(Channel) -> BoxFuture<'static, Held> + Send + Sync>;

/// A channel's row held by somebody else, until it is let go.
pub(crate) struct Held(pub(crate) BoxFuture<'static, ()>);

impl Held {
    pub(crate) async fn let_go(self) {
        self.0.await;
    }
}

/// An empty database.
pub(crate) struct Database {
    open: Open,
    hold: Option<Hold>,
    pub(crate) clock: Arc<ManualClock>,
    _keep: Box<dyn Any + Send + Sync>,
}

impl Database {
    /// `open` gives one more process on it; `keep` lives as long as the test.
    pub(crate) fn new(
        open: impl Fn() -> BoxFuture<'static, Arc<dyn Backend>> + Send + Sync + 'static,
        keep: impl Any + Send + Sync,
    ) -> Self {
        Self { open: Box::new(open), hold: None, clock: ManualClock::new(), _keep: Box::new(keep) }
    }

    /// How to hold the row of one channel alone, as a process that froze would.
    pub(crate) fn holding(
        mut self,
        hold: impl Fn(Channel) -> BoxFuture<'static, Held> + Send + Sync + 'static,
    ) -> Self {
        self.hold = Some(Box::new(hold));
        self
    }

    /// None where the database cannot hold one channel alone.
    pub(crate) async fn hold(&self, channel: Channel) -> Option<Held> {
        match &self.hold {
            Some(hold) => Some(hold(channel).await),
            None => None,
        }
    }

    pub(crate) async fn backend(&self) -> Arc<dyn Backend> {
        (self.open)().await
    }

    pub(crate) async fn process(&self) -> Process {
        self.process_on(self.backend().await)
    }

    /// A process in which reactions to a comment that many react to wait for one another.
    pub(crate) async fn gathering(&self, gathered: Duration) -> Process {
        self.process_with(self.backend().await, gathered)
    }

    /// A process that reaches the database through this.
    pub(crate) fn process_on(&self, backend: Arc<dyn Backend>) -> Process {
        self.process_with(backend, Duration::ZERO)
    }

    fn process_with(&self, backend: Arc<dyn Backend>, gathered: Duration) -> Process {
        let told = Arc::new(Recorder::default());
        let store = Store::start(backend.clone(), self.clock.clone(), told.clone(), gathered);
        Process { store: Arc::new(store), backend, told, clock: self.clock.clone() }
    }
}

/// One process on a database.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) store: Arc<Store>,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) told: Arc<Recorder>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Process {
    pub(crate) async fn write<M: Mutation>(&self, change: M) -> Result<M::Output, StoreError> {
        self.store.write(change).await
    }

    /// The time that what is written now bears.
    pub(crate) fn store_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes a change that must not be refused.
    pub(crate) async fn done<M: Mutation>(&self, change: M) -> M::Output {
        self.store.write(change).await.unwrap()
    }

    /// Makes a change that must be refused.
    pub(crate) async fn refused<M: Mutation>(&self, change: M) -> Rejection {
        match self.store.write(change).await {
            Err(StoreError::Rejected(rejection)) => rejection,
            Err(other) => panic!("not refused: {other}"),
            Ok(_) => panic!("not refused"),
        }
    }

    /// Commits these as one group.
    pub(crate) async fn group(&self, group: Vec<Write>) -> GroupResult {
        self.backend.commit_waiting(group, self.clock.now()).await
    }

    pub(crate) async fn person(&self, handle: &str) -> Account {
        let people = vec![(handle.to_owned(), handle.to_uppercase())];
        self.done(EnsurePeople { people }).await.remove(0)
    }

    pub(crate) async fn user(&self, handle: &str) -> UserId {
        self.person(handle).await.user.id
    }

    pub(crate) async fn post(&self, author: UserId) -> Post {
        self.done(create_post(author, "A title")).await.value.value
    }

    pub(crate) async fn comment(&self, post: PostId, author: UserId, body: &str) -> Comment {
        self.done(create_comment(post, author, body)).await.value
    }

    pub(crate) async fn reply(&self, to: &Comment, author: UserId, body: &str) -> Comment {
        let create = CreateComment { parent_id: Some(to.id), ..create_comment(to.post_id, author, body) };
        self.done(create).await.value
    }

    /// The channel's whole log as the database tells it.
    pub(crate) async fn log(&self, channel: Channel) -> Vec<Event> {
        let stretch = Stretch { channel, after: 0, limit: 10_000, last: false };
        self.store.read().events(&[stretch]).await.unwrap().remove(&channel).unwrap_or_default()
    }

    pub(crate) async fn head(&self, channel: Channel) -> Head {
        self.store.read().heads(&[channel]).await.unwrap()[&channel]
    }

    pub(crate) async fn read_comment(&self, id: CommentId) -> Comment {
        self.store.read().comment(id).await.unwrap().unwrap().value
    }

    pub(crate) async fn read_post(&self, id: PostId) -> Post {
        self.store.read().post(id).await.unwrap().unwrap().value
    }
}

pub(crate) fn room(post: PostId) -> Channel {
    Channel::Post(post)
}

pub(crate) fn author(user_id: UserId) -> Actor {
    Actor { user_id, moderates: false }
}

pub(crate) fn moderator(user_id: UserId) -> Actor {
    Actor { user_id, moderates: true }
}

pub(crate) fn create_post(author: UserId, title: &str) -> CreatePost {
    let (title, body, html) = (title.into(), "body".into(), "<p>body</p>".into());
    CreatePost { author, title, body, html, tags: Vec::new(), key: None }
}

pub(crate) fn create_comment(post_id: PostId, author: UserId, body: &str) -> CreateComment {
    let (html, mentions) = (format!("<p>{body}</p>"), Vec::new());
    CreateComment { post_id, parent_id: None, author, body: body.into(), html, mentions, key: None }
}

pub(crate) fn edit(comment_id: CommentId, actor: Actor, body: &str) -> EditComment {
    EditComment { comment_id, actor, body: body.into(), html: format!("<p>{body}</p>"), mentions: Vec::new() }
}

pub(crate) fn publish(channel: Channel, data: &str) -> Publish {
    let data = Arc::from(RawValue::from_string(data.to_owned()).unwrap());
    Publish { channel, kind: "custom.thing".into(), data, key: None }
}

/// A key of this person for this action, with content that a number stands for.
pub(crate) fn key(caller: UserId, action: &'static str, key: &str, content: u8) -> Option<IdempotencyKey> {
    let (caller, key) = (format!("u:{caller}"), key.to_owned());
    Some(IdempotencyKey { caller, action, key, fingerprint: [content; 32] })
}

pub(crate) fn seqs(events: &[Event]) -> Vec<i64> {
    events.iter().map(|event| event.seq).collect()
}

pub(crate) fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_ref()).collect()
}

pub(crate) fn data(event: &Event) -> Value {
    serde_json::from_str(event.data.get()).unwrap()
}

/// What two tellings of an event must agree on.
pub(crate) fn told(event: &Event) -> (Channel, i64, Timestamp, &str, Value) {
    (event.channel, event.seq, event.at, &event.kind, data(event))
}

#[test]
fn a_setting_that_is_there_skips_nothing() {
    assert!(required_in_ci("PATH").is_some());
}
