//! Reactions as one transaction changes them: toggles that wait together are applied in memory, in order, and told once
//! for each comment. A back end reads what is asked about, and writes what came of it.

use super::backend::Committed;
use super::bells::Bell;
use super::error::{Rejection, StoreError};
use super::ledger::Ledger;
use super::write::{Outcome, Write};
use crate::model::event::{Reacted, Toggled};
use crate::model::{Channel, CommentId, EventData, NotificationId, PostId, UserId, UserRef};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use utoipa::ToSchema;

/// Most toggles that an event names one by one.
const NAMED: usize = 50;

/// Puts a person's emoji on a comment or takes it away. Toggles of one comment that go together, with no other kind of
/// write of that channel between them, are one `comment.reacted`; where they come to nothing nothing is appended.
/// `NotFound` for a comment that is not there, `Conflict` for one that is deleted, `Unprocessable` at `/emoji` for one
/// emoji too many.
#[derive(Debug, Clone)]
pub struct React {
    /// On which comment.
    pub comment_id: CommentId,
    /// Who.
    pub actor: UserId,
    /// In the one form in which it is counted.
    pub emoji: String,
    /// Whether it shall be there.
    pub on: bool,
    /// Most different emoji on the comment.
    pub at_most: usize,
}

/// What stands on a comment after a toggle and all that went with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reactions {
    /// How many people chose each emoji.
    pub reactions: BTreeMap<String, u64>,
    /// What the caller chose, in the order of code points.
    pub my_reactions: Vec<String>,
    /// The last event that changed the comment.
    pub seq: i64,
}

/// `facts` of `comment.reacted`, which has none where too many toggles went together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReactedFacts {
    /// Who changed what.
    pub by: Vec<Toggled>,
}

/// A comment that is reacted to, as read under the lock of its channel.
#[derive(Debug, Clone, FromRow)]
pub struct ReactedRow {
    /// `comments.id`.
    pub id: CommentId,
    /// `comments.post_id`.
    pub post_id: PostId,
    /// `comments.reactions`.
    pub reactions: String,
    /// `comments.updated_seq`.
    pub updated_seq: i64,
    /// Whether it is a tombstone.
    pub deleted: bool,
}

/// A person's emoji on a comment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, FromRow)]
pub struct ReactionRow {
    /// `reactions.comment_id`.
    pub comment_id: CommentId,
    /// `reactions.user_id`.
    pub user_id: UserId,
    /// `reactions.emoji`.
    pub emoji: String,
}

/// What a comment's columns are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Which comment.
    pub id: CommentId,
    /// `comments.reactions`.
    pub reactions: String,
    /// `comments.reaction_count`.
    pub count: i64,
    /// `comments.updated_seq`, unless a later event changed it.
    pub updated_seq: i64,
}

const NOT_FOUND: Rejection = Rejection::NotFound("comment");
const TOO_MANY: Rejection =
    Rejection::Unprocessable { pointer: "/emoji", detail: "there are too many different emoji on this comment" };

/// What stood there before a run, by person and emoji.
type Before<'a> = BTreeMap<(UserId, &'a str), bool>;

#[derive(Debug)]
struct Subject {
    post_id: PostId,
    deleted: bool,
    updated_seq: i64,
    reactions: BTreeMap<String, u64>,
    changed: bool,
}

/// A member of the group, by its place, with what became of it.
pub type Decided = (usize, Result<Committed, StoreError>);

/// What was read of some comments and people, as it becomes.
#[derive(Debug, Default)]
pub struct Board {
    comments: HashMap<CommentId, Subject>,
    people: HashMap<UserId, UserRef>,
    chosen: HashMap<(CommentId, UserId), BTreeSet<String>>,
    /// Whatever was touched, with whether the database has it.
    stored: BTreeMap<ReactionRow, bool>,
    bells: BTreeMap<CommentId, Bell>,
    /// Ids for new notifications, the lowest last.
    fresh: Vec<NotificationId>,
}

impl Board {
    /// Takes in comments, those who react to them, and what these chose there before.
    pub fn new(
        comments: Vec<ReactedRow>,
        people: impl IntoIterator<Item = UserRef>,
        chosen: Vec<ReactionRow>,
    ) -> Result<Self, StoreError> {
        let people = people.into_iter().map(|person| (person.id, person)).collect();
        let mut board = Self { people, ..Self::default() };
        for row in comments {
            let reactions = counts(&row.reactions)?;
            let ReactedRow { id, post_id, updated_seq, deleted, .. } = row;
            board.comments.insert(id, Subject { post_id, deleted, updated_seq, reactions, changed: false });
        }
        for row in chosen {
            board.chosen.entry((row.comment_id, row.user_id)).or_default().insert(row.emoji);
        }
        Ok(board)
    }

    /// Takes in what the comments' authors are told, those of them whose channels are held; with at least as many ids as
    /// there are emoji to come.
    pub fn hang(&mut self, bells: impl IntoIterator<Item = Bell>, fresh: Vec<NotificationId>) {
        self.bells = bells.into_iter().map(|bell| (bell.comment(), bell)).collect();
        self.fresh = fresh;
    }

    /// What the comments' authors are told, as it is to be.
    pub fn bells(&self) -> impl Iterator<Item = &Bell> {
        self.bells.values()
    }

    /// The channel of a comment that was read.
    pub fn channel(&self, comment: CommentId) -> Option<Channel> {
        self.comments.get(&comment).map(|subject| Channel::Post(subject.post_id))
    }

    /// Notes that another write's event changed a comment, too.
    pub fn touched(&mut self, comment: CommentId, seq: i64) {
        if let Some(subject) = self.comments.get_mut(&comment) {
            subject.updated_seq = seq;
        }
    }

    /// Applies toggles that go together, all of one held channel, and appends what comes of them. All answer what stands
    /// there in the end; the first that was not refused bears the events.
    pub fn run(
        &mut self,
        ledger: &mut Ledger,
        channel: Channel,
        run: &[(usize, &React)],
    ) -> Result<Vec<Decided>, StoreError> {
        ledger.mark();
        let open = ledger.row(channel).is_some_and(|row| !row.closed);
        let mut before: Vec<(CommentId, Before<'_>)> = Vec::new();
        let mut verdicts = Vec::with_capacity(run.len());
        for (member, toggle) in run {
            let verdict = if open { self.toggle(toggle) } else { Err(NOT_FOUND) };
            if let Ok(was) = verdict {
                let at = before.iter().position(|(comment, _)| *comment == toggle.comment_id);
                let at = at.unwrap_or_else(|| {
                    before.push((toggle.comment_id, Before::new()));
                    before.len() - 1
                });
                before[at].1.entry((toggle.actor, &toggle.emoji)).or_insert(was);
            }
            verdicts.push((*member, *toggle, verdict));
        }
        for (comment, before) in before {
            self.tell(ledger, channel, comment, before)?;
        }
        let mut events = ledger.take_events();
        let decided = verdicts.into_iter().map(|(member, toggle, verdict)| {
            let committed = verdict.map(|_| Committed {
                outcome: Outcome::React(self.reactions(toggle)),
                events: std::mem::take(&mut events),
            });
            (member, committed.map_err(StoreError::from))
        });
        Ok(decided.collect())
    }

    /// Rows that are to go, and rows that are to come.
    pub fn rows(&self) -> (Vec<&ReactionRow>, Vec<&ReactionRow>) {
        let differ = self.stored.iter().filter(|(row, stored)| self.has(row) != **stored);
        let (gone, new): (Vec<_>, Vec<_>) = differ.partition(|(_, stored)| **stored);
        (gone.into_iter().map(|(row, _)| row).collect(), new.into_iter().map(|(row, _)| row).collect())
    }

    /// What the columns of comments are to be whose reactions an event tells.
    pub fn counted(&self) -> Result<Vec<Counted>, StoreError> {
        let changed = self.comments.iter().filter(|(_, subject)| subject.changed);
        let counted = changed.map(|(id, subject)| {
            let reactions = json(&subject.reactions)?;
            let count = i64::try_from(subject.reactions.values().sum::<u64>()).unwrap_or(i64::MAX);
            Ok(Counted { id: *id, reactions, count, updated_seq: subject.updated_seq })
        });
        counted.collect()
    }

    /// Does one toggle; answers whether the emoji was there before.
    fn toggle(&mut self, w: &React) -> Result<bool, Rejection> {
        let subject = self.comments.get_mut(&w.comment_id).ok_or(NOT_FOUND)?;
        if subject.deleted {
            return Err(Rejection::Conflict(Cow::Borrowed("the comment is deleted")));
        }
        if !self.people.contains_key(&w.actor) {
            return Err(Rejection::NotFound("user"));
        }
        let chosen = self.chosen.entry((w.comment_id, w.actor)).or_default();
        let was = chosen.contains(&w.emoji);
        if was == w.on {
            return Ok(was);
        }
        if w.on {
            if !subject.reactions.contains_key(&w.emoji) && subject.reactions.len() >= w.at_most {
                return Err(TOO_MANY);
            }
            *subject.reactions.entry(w.emoji.clone()).or_default() += 1;
            chosen.insert(w.emoji.clone());
        } else {
            if let Some(count) = subject.reactions.get_mut(&w.emoji) {
                *count = count.saturating_sub(1);
            }
            subject.reactions.retain(|_, count| *count > 0);
            chosen.remove(&w.emoji);
        }
        let row = ReactionRow { comment_id: w.comment_id, user_id: w.actor, emoji: w.emoji.clone() };
        self.stored.entry(row).or_insert(was);
        Ok(was)
    }

    /// Appends the event of one comment, if the toggles came to anything.
    fn tell(
        &mut self,
        ledger: &mut Ledger,
        channel: Channel,
        comment_id: CommentId,
        before: Before<'_>,
    ) -> Result<(), StoreError> {
        let (joined, left) = self.moved(comment_id, &before);
        let by: Vec<Toggled> = before
            .into_iter()
            .map(|((user_id, emoji), was)| (Toggled { user_id, emoji: emoji.into(), on: !was }, was))
            .filter(|(toggled, was)| {
                let chosen = self.chosen.get(&(comment_id, toggled.user_id));
                chosen.is_some_and(|chosen| chosen.contains(&toggled.emoji)) != *was
            })
            .map(|(toggled, _)| toggled)
            .collect();
        let Some(first) = by.first() else { return Ok(()) };
        let actor = by.iter().all(|toggled| toggled.user_id == first.user_id).then_some(first.user_id);
        let by = (by.len() <= NAMED).then_some(by);
        let facts = by.clone().map(|by| json(&ReactedFacts { by })).transpose()?;
        if let Some(subject) = self.comments.get_mut(&comment_id) {
            let data = EventData::CommentReacted(Reacted { comment_id, reactions: &subject.reactions, by });
            subject.updated_seq = ledger.append(channel, &data, Some(comment_id.0), actor, facts);
            subject.changed = true;
        }
        if let Some(bell) = self.bells.get_mut(&comment_id) {
            bell.change(ledger, &joined, &left, &mut self.fresh);
        }
        Ok(())
    }

    /// Who has begun to react to a comment, and who does no longer.
    fn moved(&self, comment: CommentId, before: &Before<'_>) -> (Vec<UserRef>, Vec<UserId>) {
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        let people: BTreeSet<UserId> = before.keys().map(|(user, _)| *user).collect();
        for user in people {
            let chosen = self.chosen.get(&(comment, user));
            let has = chosen.is_some_and(|chosen| !chosen.is_empty());
            let kept = chosen.into_iter().flatten().any(|emoji| !before.contains_key(&(user, emoji.as_str())));
            let had = kept || before.iter().any(|((other, _), was)| *other == user && *was);
            match (had, has) {
                (false, true) => joined.extend(self.people.get(&user).cloned()),
                (true, false) => left.push(user),
                _ => {}
            }
        }
        (joined, left)
    }

    fn has(&self, row: &ReactionRow) -> bool {
        self.chosen.get(&(row.comment_id, row.user_id)).is_some_and(|chosen| chosen.contains(&row.emoji))
    }

    fn reactions(&self, w: &React) -> Reactions {
        let subject = self.comments.get(&w.comment_id);
        let chosen = self.chosen.get(&(w.comment_id, w.actor));
        Reactions {
            reactions: subject.map(|subject| subject.reactions.clone()).unwrap_or_default(),
            my_reactions: chosen.map(|chosen| chosen.iter().cloned().collect()).unwrap_or_default(),
            seq: subject.map_or(0, |subject| subject.updated_seq),
        }
    }
}

/// The members that go together with a toggle of this channel which comes first: those of `later` up to the first other
/// kind of write of the channel. Each is its place in the group, the write and its channel.
pub fn together<'a>(
    channel: Channel,
    later: impl Iterator<Item = (usize, &'a Write, Option<Channel>)>,
) -> Vec<(usize, &'a React)> {
    let same = later.filter(|(_, _, of)| *of == Some(channel));
    same.map_while(|(member, write, _)| if let Write::React(w) = write { Some((member, w)) } else { None }).collect()
}

/// Reads what a comment's row tells of its reactions.
pub fn counts(reactions: &str) -> Result<BTreeMap<String, u64>, StoreError> {
    serde_json::from_str(reactions).map_err(|error| StoreError::Internal(format!("reactions of a comment: {error}")))
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Internal(error.to_string()))
}
