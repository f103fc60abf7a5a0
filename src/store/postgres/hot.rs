//! The hot kinds - events of back ends, comments, reactions, posts - many at a time: what they need is read at once, they are
//! planned in memory under the locked channel rows, and what they cause is written at once. No statement for one member.

use super::audience::Audience;
use super::bulk::{self, NewComment, NewPost, Parent};
use super::failure::Failure;
use super::{accounts, bells, comments, found, notifications, posts, reactions};
use crate::model::event::{Counted, ParentCount};
use crate::model::{Channel, Comment, CommentId, Event, EventData, Post, PostId, UserId, UserRef};
use crate::store::backend::Committed;
use crate::store::error::{Rejection, StoreError};
use crate::store::ledger::{Caused, Ledger};
use crate::store::notices::NewNotice;
use crate::store::reacting::{self, Board, Decided};
use crate::store::write::{
    Applied, CreateComment, CreatePost, IdempotencyKey, Outcome, Place, Publish, Versioned, Write,
};
use sqlx::postgres::PgConnection;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Whether a write is of a hot kind.
pub(super) fn is_hot(write: &Write) -> bool {
    matches!(write, Write::Publish(_) | Write::CreateComment(_) | Write::React(_) | Write::CreatePost(_))
}

/// What was read for a batch, as it becomes while the batch is planned.
#[derive(Debug, Default)]
struct Known {
    authors: HashMap<UserId, UserRef>,
    parents: HashMap<CommentId, Parent>,
    board: Board,
    comment_ids: Vec<i64>,
    post_ids: Vec<i64>,
    audience: Audience,
}

/// What a batch will write.
#[derive(Debug, Default)]
struct Plan<'a> {
    keys: Vec<(&'a IdempotencyKey, Caused)>,
    comments: Vec<NewComment<'a>>,
    posts: Vec<NewPost<'a>>,
    notices: Vec<NewNotice>,
    answered: BTreeSet<CommentId>,
    reacted: HashSet<usize>,
    decided: Vec<(usize, Verdict)>,
}

/// What the plan says of one member.
#[derive(Debug)]
enum Verdict {
    Done(Box<Committed>),
    Rejected(Rejection),
    /// The same had been asked before: the answer is that comment or post as it is now.
    SameComment(CommentId),
    SamePost(PostId),
}

/// Decides the members of `batch`, in order. Channel rows and events are left in the ledger for the end of the group.
pub(super) async fn run(
    db: &mut PgConnection,
    ledger: &mut Ledger,
    batch: &[(usize, &Write)],
) -> Result<Vec<Decided>, Failure> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    for key in bulk::kept_keys(db, batch.iter().filter_map(|(_, write)| write.key())).await? {
        ledger.know(key)?;
    }
    let mut known = read(db, ledger, batch).await?;
    let mut plan = Plan::default();
    for (at, (member, write)) in batch.iter().enumerate() {
        if let Write::React(_) = write {
            plan.reacts(ledger, &mut known, &batch[at..])?;
            continue;
        }
        let verdict = match plan.member(ledger, &mut known, *member, write) {
            Err(Failure::Rejected(rejection)) => Verdict::Rejected(rejection),
            verdict => verdict?,
        };
        plan.decided.push((*member, verdict));
    }
    // Somebody else, who holds no channel of this group, used one of the keys meanwhile.
    if !bulk::insert_keys(db, &mut plan.keys, ledger.now()).await? {
        return Err(Failure::Moved);
    }
    bulk::insert_posts(db, &plan.posts, ledger.now()).await?;
    bulk::insert_comments(db, &plan.comments, ledger.now()).await?;
    let commented = plan.comments.iter().map(|new| (new.write.post_id, new.write.author, 1));
    found::take_part(db, commented).await?;
    notifications::insert(db, &plan.notices, ledger.now()).await?;
    let answered: Vec<Parent> = plan.answered.iter().filter_map(|id| known.parents.get(id).copied()).collect();
    bulk::update_parents(db, &answered).await?;
    reactions::write(db, &known.board, ledger.now()).await?;
    bells::write(db, &known.board, ledger.now()).await?;
    answer(db, ledger, plan.decided).await
}

async fn read(db: &mut PgConnection, ledger: &Ledger, batch: &[(usize, &Write)]) -> Result<Known, Failure> {
    let mut authors = BTreeSet::new();
    let mut parents = BTreeSet::new();
    let mut reacts = Vec::new();
    let (mut comments, mut posts) = (0, 0);
    for (_, write) in batch {
        match write {
            Write::CreateComment(w) => {
                comments += 1;
                authors.insert(w.author.0);
                parents.extend(w.parent_id.map(|id| id.0));
            }
            Write::CreatePost(w) => {
                posts += 1;
                authors.insert(w.author.0);
            }
            Write::React(w) => {
                reacts.push(w);
                authors.insert(w.actor.0);
            }
            _ => {}
        }
    }
    let authors = accounts::people(db, &authors).await?;
    let parents = bulk::parents(db, &parents).await?;
    let mut board = reactions::read(db, &reacts, &authors).await?;
    bells::hang(db, ledger, &mut board, &reacts).await?;
    Ok(Known {
        audience: Audience::read(db, ledger, batch, &parents).await?,
        board,
        authors,
        parents,
        comment_ids: bulk::next_comment_ids(db, comments).await?,
        post_ids: bulk::next_post_ids(db, posts).await?,
    })
}

impl<'a> Plan<'a> {
    /// Refuses before it changes anything.
    fn member(
        &mut self,
        ledger: &mut Ledger,
        known: &mut Known,
        member: usize,
        write: &'a Write,
    ) -> Result<Verdict, Failure> {
        ledger.mark();
        let again = ledger.replay(write.key())?;
        match write {
            Write::Publish(w) => self.publish(ledger, w, again),
            Write::CreateComment(w) => self.comment(ledger, known, (member, w), again),
            Write::CreatePost(w) => self.post(ledger, known, w, again),
            _ => Err(StoreError::Internal("a cold kind among the hot".into()).into()),
        }
    }

    /// The reaction that `rest` begins with, together with those that go with it.
    fn reacts(&mut self, ledger: &mut Ledger, known: &mut Known, rest: &[(usize, &'a Write)]) -> Result<(), Failure> {
        let channel_of = |write: &Write| match write.place() {
            Place::Channel(channel) => Some(channel),
            Place::Comment(id) => known.board.channel(id),
            Place::Nowhere => None,
        };
        let Some((member, first)) = rest.first() else { return Ok(()) };
        if self.reacted.contains(member) {
            return Ok(());
        }
        let Some(channel) = channel_of(first) else {
            self.decided.push((*member, Verdict::Rejected(Rejection::NotFound("comment"))));
            return Ok(());
        };
        let run = reacting::together(channel, rest.iter().map(|(member, write)| (*member, *write, channel_of(write))));
        self.reacted.extend(run.iter().map(|(member, _)| *member));
        for (member, decided) in known.board.run(ledger, channel, &run)? {
            let verdict = match decided {
                Ok(committed) => Verdict::Done(Box::new(committed)),
                Err(StoreError::Rejected(rejection)) => Verdict::Rejected(rejection),
                Err(error) => return Err(error.into()),
            };
            self.decided.push((member, verdict));
        }
        Ok(())
    }

    fn publish(&mut self, ledger: &mut Ledger, w: &'a Publish, again: Option<Caused>) -> Result<Verdict, Failure> {
        if let Some(Caused { seq, .. }) = again {
            let outcome = Outcome::Publish(Applied { value: seq, replayed: true });
            return Ok(done(outcome, Vec::new()));
        }
        open(ledger, w.channel).filter(|_| w.channel != Channel::Revocations).ok_or(Rejection::NotFound("channel"))?;
        storable(&w.kind, "/kind")?;
        let data = EventData::Custom(&w.kind, &w.data);
        let seq = ledger.append(w.channel, &data, None, None, Some(w.data.get().to_owned()));
        self.keep(ledger, w.key.as_ref(), Caused { subject_id: None, seq });
        let outcome = Outcome::Publish(Applied { value: seq, replayed: false });
        Ok(done(outcome, ledger.take_events()))
    }

    fn comment(
        &mut self,
        ledger: &mut Ledger,
        known: &mut Known,
        (member, w): (usize, &'a CreateComment),
        again: Option<Caused>,
    ) -> Result<Verdict, Failure> {
        let channel = Channel::Post(w.post_id);
        if let Some(Caused { subject_id: Some(id), .. }) = again {
            return Ok(Verdict::SameComment(CommentId(id)));
        }
        let row = open(ledger, channel).ok_or(Rejection::NotFound("post"))?;
        storable(&w.body, "/body")?;
        let author = known.authors.get(&w.author).cloned().ok_or(Rejection::NotFound("user"))?;
        let seq = ledger.next_seq(channel);
        let parent = match w.parent_id {
            None => None,
            Some(id) => Some(answered(known, w.post_id, id)?),
        };
        let parent = parent.map(|parent| {
            parent.reply_count += 1;
            parent.updated_seq = seq;
            *parent
        });
        if let Some(parent) = &parent {
            known.board.touched(parent.id, seq);
        }
        let id = CommentId(known.comment_ids.pop().ok_or_else(no_id)?);
        self.answered.extend(w.parent_id);
        let root_id = parent.map(|parent| parent.root_id.unwrap_or(parent.id));
        let comment = Comment {
            id,
            post_id: w.post_id,
            parent_id: w.parent_id,
            root_id: root_id.unwrap_or(id),
            depth: parent.map_or(0, |parent| parent.depth + 1),
            author: Some(author.clone()),
            body: w.body.clone(),
            html: w.html.clone(),
            created_at: ledger.now(),
            edited_at: None,
            deleted: false,
            reactions: BTreeMap::new(),
            reply_count: 0,
            key: w.key.as_ref().map(|key| key.key.clone()),
            seq,
            updated_seq: seq,
        };
        let count = row.comment_count + 1;
        let parent = parent.map(|parent| ParentCount { id: parent.id, reply_count: parent.reply_count });
        let facts = comments::facts(count, parent)?;
        let data = EventData::CommentCreated(Counted { comment: &comment, comment_count: count, parent });
        ledger.change(channel, |row| row.comment_count = count);
        ledger.append(channel, &data, Some(id.0), Some(w.author), Some(facts));
        self.keep(ledger, w.key.as_ref(), Caused { subject_id: Some(id.0), seq });
        let told = known.audience.as_json(member);
        self.comments.push(NewComment { write: w, id, root_id, depth: comment.depth, seq, told });
        self.notices.extend(known.audience.notify(ledger, member, w, (id, &author)));
        let outcome = Outcome::CreateComment(Applied { value: comment, replayed: false });
        Ok(done(outcome, ledger.take_events()))
    }

    fn post(
        &mut self,
        ledger: &mut Ledger,
        known: &mut Known,
        w: &'a CreatePost,
        again: Option<Caused>,
    ) -> Result<Verdict, Failure> {
        if let Some(Caused { subject_id: Some(id), .. }) = again {
            return Ok(Verdict::SamePost(PostId(id)));
        }
        storable(&w.title, "/title")?;
        storable(&w.body, "/body")?;
        let author = known.authors.get(&w.author).cloned().ok_or(Rejection::NotFound("user"))?;
        let id = PostId(known.post_ids.pop().ok_or_else(no_id)?);
        self.posts.push(NewPost { write: w, id });
        self.keep(ledger, w.key.as_ref(), Caused { subject_id: Some(id.0), seq: 0 });
        let post = Post {
            id,
            title: w.title.clone(),
            body: w.body.clone(),
            html: w.html.clone(),
            url: None,
            page_key: None,
            author: Some(author),
            tags: w.tags.clone(),
            comment_count: 0,
            created_at: ledger.now(),
            updated_at: ledger.now(),
        };
        let outcome = Outcome::CreatePost(Applied { value: Versioned { value: post, seq: 0 }, replayed: false });
        Ok(done(outcome, Vec::new()))
    }

    fn keep(&mut self, ledger: &mut Ledger, key: Option<&'a IdempotencyKey>, caused: Caused) {
        ledger.keep(key.cloned(), caused);
        self.keys.extend(key.map(|key| (key, caused)));
    }
}

/// Reads what replays answer, in one statement for all comments and one for all posts.
async fn answer(
    db: &mut PgConnection,
    ledger: &Ledger,
    verdicts: Vec<(usize, Verdict)>,
) -> Result<Vec<Decided>, Failure> {
    let same = |pick: fn(&Verdict) -> Option<i64>| verdicts.iter().filter_map(|(_, v)| pick(v)).collect::<Vec<_>>();
    let comment_ids = same(|v| if let Verdict::SameComment(id) = v { Some(id.0) } else { None });
    let post_ids = same(|v| if let Verdict::SamePost(id) = v { Some(id.0) } else { None });
    let comments = comments::by_ids(db, &comment_ids).await?;
    let posts = posts::by_ids(db, &post_ids).await?;
    let told = |verdict| match verdict {
        Verdict::Done(committed) => Ok(*committed),
        Verdict::Rejected(rejection) => Err(rejection.into()),
        Verdict::SameComment(id) => {
            let value = comments.get(&id).cloned().ok_or(Rejection::NotFound("comment"))?;
            let outcome = Outcome::CreateComment(Applied { value, replayed: true });
            Ok(Committed { outcome, events: Vec::new() })
        }
        Verdict::SamePost(id) => {
            let mut value = posts.get(&id).cloned().ok_or(Rejection::NotFound("post"))?;
            posts::as_held(ledger, &mut value);
            let outcome = Outcome::CreatePost(Applied { value, replayed: true });
            Ok(Committed { outcome, events: Vec::new() })
        }
    };
    Ok(verdicts.into_iter().map(|(member, verdict)| (member, told(verdict))).collect())
}

fn done(outcome: Outcome, events: Vec<Event>) -> Verdict {
    Verdict::Done(Box::new(Committed { outcome, events }))
}

/// As many ids are drawn as there are members to need one.
fn no_id() -> StoreError {
    StoreError::Internal("too few ids were drawn".into())
}

fn open(ledger: &Ledger, channel: Channel) -> Option<crate::store::rows::ChannelRow> {
    ledger.row(channel).filter(|row| !row.closed)
}

fn answered(known: &mut Known, post: PostId, id: CommentId) -> Result<&mut Parent, Rejection> {
    const ELSEWHERE: Rejection = Rejection::Unprocessable { pointer: "/parent_id", detail: "no comment of this post" };
    let parent = known.parents.get_mut(&id).filter(|parent| parent.post_id == post).ok_or(ELSEWHERE)?;
    if parent.deleted { Err(Rejection::Conflict(Cow::Borrowed("the comment is deleted"))) } else { Ok(parent) }
}

/// Refuses the one character that Postgres cannot keep, before it fails the statement of all.
pub(super) fn storable(text: &str, pointer: &'static str) -> Result<(), Rejection> {
    if text.contains('\0') {
        return Err(Rejection::Unprocessable { pointer, detail: "contains the character U+0000" });
    }
    Ok(())
}
