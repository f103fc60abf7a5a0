//! Reactions to a comment that many react to wait a moment for one another before they are committed, so that one event
//! tells of them all. Where few do, none waits; other writes never do. No I/O; times are passed in.
//!
//! **Invariant.** Reactions to one comment leave in the order in which they came.

use super::group::{GROUP_MAX, QUEUE_MAX, Waiting};
use super::write::Write;
use crate::model::CommentId;
use crate::model::window::{Pays, Windows};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Reactions to one comment that one event takes the place of: from four on average, down to two.
const PAYS: Pays = Pays { from: 4.0, until: 2.0 };
/// How often comments that nobody reacts to any more are forgotten.
const LOOK_US: u64 = 1_000_000;

/// Reactions that wait for others.
pub(super) struct Gather {
    began: Instant,
    width_us: u64,
    comments: Windows<CommentId, Vec<Waiting>>,
    /// How many wait in them.
    held: usize,
    /// Those that have waited, as they go together.
    ready: VecDeque<Vec<Waiting>>,
    looked_us: u64,
    /// Up to when was waited, whatever the clock says.
    passed_us: u64,
}

impl Gather {
    /// Nothing waits; nothing will wait longer than this.
    pub(super) fn new(width: Duration, now: Instant) -> Self {
        Self {
            began: now,
            width_us: width.as_micros() as u64,
            comments: Windows::new(PAYS),
            held: 0,
            ready: VecDeque::new(),
            looked_us: 0,
            passed_us: 0,
        }
    }

    fn now_us(&self, now: Instant) -> u64 {
        (now.saturating_duration_since(self.began).as_micros() as u64).max(self.passed_us)
    }

    /// Keeps what is to wait; gives back what goes now.
    pub(super) fn keep(&mut self, group: Vec<Waiting>, now: Instant) -> Vec<Waiting> {
        if self.width_us == 0 {
            return group;
        }
        let now_us = self.now_us(now);
        if now_us.saturating_sub(self.looked_us) >= LOOK_US {
            self.looked_us = now_us;
            self.comments.look(now_us, |_, _| {});
        }
        let mut rest = Vec::with_capacity(group.len());
        for waiting in group {
            let Write::React(react) = &waiting.write else {
                rest.push(waiting);
                continue;
            };
            let (_, kept, waits) = self.comments.come(react.comment_id, now_us, self.width_us, Vec::new);
            if !waits {
                rest.push(waiting);
                continue;
            }
            kept.push(waiting);
            self.held += 1;
            if kept.len() >= GROUP_MAX {
                // More do not fit into one transaction.
                self.held -= kept.len();
                self.ready.push_back(std::mem::take(kept));
            }
            if self.held >= QUEUE_MAX {
                self.release();
            }
        }
        rest
    }

    /// Puts what has waited into a group, as far as it has room for all that go together.
    pub(super) fn take(&mut self, group: &mut Vec<Waiting>, now: Instant) {
        let now_us = self.now_us(now);
        while let Some(kept) = self.comments.take(now_us) {
            self.held -= kept.len();
            self.ready.push_back(std::mem::take(kept));
        }
        while self.ready.front().is_some_and(|ready| group.len() + ready.len() <= GROUP_MAX) {
            group.extend(self.ready.pop_front().into_iter().flatten());
        }
    }

    /// When something that waits has waited long enough, and how long that is from now.
    pub(super) fn next(&self, now: Instant) -> Option<(u64, Duration)> {
        let due_us = self.comments.next_due()?;
        Some((due_us, Duration::from_micros(due_us.saturating_sub(self.now_us(now)))))
    }

    /// That was waited for.
    pub(super) fn pass(&mut self, due_us: u64) {
        self.passed_us = self.passed_us.max(due_us);
    }

    /// Nothing waits any more, from now on.
    pub(super) fn end(&mut self) {
        self.width_us = 0;
        self.release();
    }

    /// Whether nothing is left in here.
    pub(super) fn is_empty(&self) -> bool {
        self.held == 0 && self.ready.is_empty()
    }

    fn release(&mut self) {
        self.held = 0;
        let kept = self.comments.each().map(std::mem::take);
        self.ready.extend(kept.filter(|kept| !kept.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;
    use crate::model::clock::{Clock, DatabaseClock};
    use crate::store::write::{Actor, DeleteComment, React};

    const WIDTH: Duration = Duration::from_millis(250);

    /// Comment and person of a reaction; nothing of another write.
    fn named(waiting: &[Waiting]) -> Vec<(i64, i64)> {
        let name = |waiting: &Waiting| match &waiting.write {
            Write::React(react) => (react.comment_id.0, react.actor.0),
            _ => (0, 0),
        };
        waiting.iter().map(name).collect()
    }

    fn react(comment: i64, person: i64, now: Instant) -> Waiting {
        let (comment_id, actor) = (CommentId(comment), UserId(person));
        Waiting::new(React { comment_id, actor, emoji: "👍".into(), on: true, at_most: 20 }.into(), now).0
    }

    /// A gatherer for which the first comment is one that many react to: seven went at once.
    fn hot(now: Instant) -> Gather {
        let mut gather = Gather::new(WIDTH, now);
        let first = (1..=7).map(|person| react(1, person, now)).collect();
        assert_eq!(gather.keep(first, now).len(), 7);
        gather
    }

    #[test]
    fn where_few_react_none_waits() {
        let mut now = DatabaseClock::new().instant();
        let mut gather = Gather::new(WIDTH, now);
        for person in 0..200 {
            now += Duration::from_millis(140);
            assert_eq!(gather.keep(vec![react(1, person, now)], now).len(), 1);
        }
        assert!(gather.is_empty() && gather.next(now).is_none());
    }

    #[test]
    fn where_many_do_they_wait_for_one_another_and_leave_together_in_order_and_others_do_not_wait() {
        let now = DatabaseClock::new().instant();
        let mut gather = hot(now);
        assert!(gather.keep(vec![react(1, 8, now)], now).is_empty());
        let later = now + Duration::from_millis(100);
        let actor = Actor { user_id: UserId(3), moderates: true };
        let other: Write = DeleteComment { comment_id: CommentId(3), actor }.into();
        let mixed = vec![react(1, 9, later), Waiting::new(other, later).0, react(2, 8, later), react(1, 8, later)];
        assert_eq!(named(&gather.keep(mixed, later)), [(0, 0), (2, 8)]);
        let mut group = Vec::new();
        let due = now + WIDTH;
        gather.take(&mut group, due - Duration::from_micros(1));
        assert!(group.is_empty());
        assert_eq!(gather.next(later).map(|(_, wait)| wait), Some(Duration::from_millis(150)));
        gather.take(&mut group, due);
        assert_eq!(named(&group), [(1, 8), (1, 9), (1, 8)]);
        assert!(gather.is_empty() && gather.next(due).is_none());
    }

    #[test]
    fn more_than_go_together_leave_at_once_in_groups_and_none_overtakes_another() {
        let now = DatabaseClock::new().instant();
        let mut gather = hot(now);
        let most = GROUP_MAX as i64;
        let crowd = (1..=most + 5).map(|person| react(1, person, now)).collect();
        assert!(gather.keep(crowd, now).is_empty());
        let mut group = vec![react(2, 1, now)];
        gather.take(&mut group, now);
        assert_eq!(group.len(), 1, "together they would be too many");
        group.clear();
        gather.take(&mut group, now);
        assert_eq!(named(&group), (1..=most).map(|person| (1, person)).collect::<Vec<_>>());
        group.clear();
        gather.take(&mut group, now + WIDTH);
        assert_eq!(named(&group), (most + 1..=most + 5).map(|person| (1, person)).collect::<Vec<_>>());
    }

    #[test]
    fn so_many_may_wait_as_writes_may_and_one_more_lets_all_of_them_go() {
        let now = DatabaseClock::new().instant();
        let mut gather = Gather::new(WIDTH, now);
        // Of each comment eight go or open the window, and the rest waits.
        let comments = QUEUE_MAX / 64;
        for comment in 0..comments {
            let crowd = (0..7 + 64).map(|person| react(1 + comment as i64, person, now)).collect();
            assert_eq!(gather.held, comment * 64);
            assert_eq!(gather.keep(crowd, now).len(), 7);
        }
        assert_eq!((gather.held, gather.ready.len()), (0, comments));
    }

    #[test]
    fn at_the_end_what_waits_goes_at_once_and_nothing_waits_any_more() {
        let now = DatabaseClock::new().instant();
        let mut gather = hot(now);
        assert!(gather.keep(vec![react(1, 8, now)], now).is_empty() && !gather.is_empty());
        gather.end();
        let mut group = Vec::new();
        gather.take(&mut group, now);
        assert_eq!(named(&group), [(1, 8)]);
        assert!(gather.is_empty());
        assert_eq!(gather.keep(vec![react(1, 9, now)], now).len(), 1);
    }
}
