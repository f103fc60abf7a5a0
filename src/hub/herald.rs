//! What this instance tells others of who is in a room here, and asks them, as a state machine without I/O. Changes are
//! gathered and numbered; who has missed one asks, and all who asked are answered at once.

use super::roster::Roster;
use crate::bus::{Ask, Node, PART, Seats};
use crate::model::UserRef;
use std::sync::Arc;

/// Shortest time between two messages of changes. With the time that a leaving takes here, and the pause between two
/// updates there, it is known everywhere within two seconds.
const TOLD_EVERY_MS: u64 = 350;
/// Shortest time between two questions, and between two answers.
const ASKED_EVERY_MS: u64 = 1_000;
/// How long an answer waits for others who ask the same.
const GATHERED_MS: u64 = 50;

/// What was told of one room, and what is to be.
#[derive(Default)]
pub struct Herald {
    /// The last version told; 0 where nothing that was told counts.
    version: u64,
    /// Nameless sockets as told.
    anonymous: u64,
    told_ms: Option<u64>,
    /// Somebody is to be told that the version still holds.
    holds: bool,
    answer_ms: Option<u64>,
    answered_ms: Option<u64>,
    ask_ms: Option<u64>,
    asked_ms: Option<u64>,
}

impl Herald {
    /// The others are to be asked at this time, or as soon after it as may be.
    pub fn want(&mut self, at_ms: u64) {
        let at_ms = self.asked_ms.map_or(at_ms, |asked_ms| at_ms.max(asked_ms + ASKED_EVERY_MS));
        self.ask_ms = Some(self.ask_ms.map_or(at_ms, |wanted_ms| wanted_ms.min(at_ms)));
    }

    /// Somebody asks who knows this version, or none.
    pub fn asked(&mut self, known: Option<u64>, now_ms: u64) {
        if self.version == 0 {
            // What is here is told soon, all of it.
        } else if known == Some(self.version) {
            self.holds = true;
        } else {
            let at_ms = self.answered_ms.map_or(0, |answered_ms| answered_ms + ASKED_EVERY_MS);
            self.answer_ms.get_or_insert(at_ms.max(now_ms + GATHERED_MS));
        }
    }

    /// One more round: the others are told that the version still holds.
    pub fn round(&mut self) {
        self.holds = true;
    }

    /// Nobody hears what is said, or has heard the last of it: the next thing told is all of it.
    pub fn begin_anew(&mut self) {
        *self =
            Self { told_ms: self.told_ms, answered_ms: self.answered_ms, asked_ms: self.asked_ms, ..Self::default() };
    }

    /// Whether others know who is here.
    pub fn is_told(&self, roster: &Roster) -> bool {
        if self.version == 0 {
            roster.is_vacant()
        } else {
            !roster.has_untold() && self.anonymous == roster.nameless_here()
        }
    }

    /// When there is something to say next.
    pub fn next_due(&self, roster: &Roster) -> Option<u64> {
        let told = (!self.is_told(roster)).then(|| self.told_ms.map_or(0, |told_ms| told_ms + TOLD_EVERY_MS));
        let holds = (self.holds && self.version > 0).then_some(0);
        [told, holds, self.answer_ms, self.ask_ms].into_iter().flatten().min()
    }

    /// The question that is due, if one is.
    pub fn ask(&mut self, now_ms: u64, known: impl FnOnce() -> Vec<(Node, u64)>) -> Option<Ask> {
        self.ask_ms.take_if(|ask_ms| *ask_ms <= now_ms)?;
        self.asked_ms = Some(now_ms);
        Some(Ask { version: self.version, known: known() })
    }

    /// What is to be said now. `next` gives versions.
    pub fn tell(&mut self, roster: &mut Roster, now_ms: u64, mut next: impl FnMut() -> u64) -> Vec<Seats> {
        let answers = self.answer_ms.take_if(|answer_ms| *answer_ms <= now_ms).is_some();
        let early = self.told_ms.is_some_and(|told_ms| now_ms < told_ms + TOLD_EVERY_MS);
        let mut told = Vec::new();
        let first = self.version == 0;
        if !self.is_told(roster) && (answers || !early) {
            let (joined, left) = roster.take_untold();
            self.anonymous = roster.nameless_here();
            self.told_ms = Some(now_ms);
            if first {
                self.version = next();
                told = self.whole(roster);
            } else {
                let parts = joined.len().max(left.len()).div_ceil(PART).max(1);
                let (mut joined, mut left) = (joined.into_iter(), left.into_iter());
                for _ in 0..parts {
                    let before = std::mem::replace(&mut self.version, next());
                    let (joined, left) = (joined.by_ref().take(PART).collect(), left.by_ref().take(PART).collect());
                    told.push(Seats { joined, left, ..self.seats(before) });
                }
            }
        }
        if answers {
            self.answered_ms = Some(now_ms);
            if !first {
                told.extend(self.whole(roster));
            }
        }
        let holds = std::mem::take(&mut self.holds);
        if told.is_empty() && holds && self.version > 0 {
            told.push(self.seats(self.version));
        }
        told
    }

    fn seats(&self, before: u64) -> Seats {
        Seats { before, version: self.version, parts: 1, anonymous: self.anonymous, ..Seats::default() }
    }

    fn whole(&self, roster: &Roster) -> Vec<Seats> {
        let people: Vec<Arc<UserRef>> = roster.people_here().cloned().collect();
        let parts = people.len().div_ceil(PART).max(1);
        let mut people = people.into_iter();
        let part = |part: usize| {
            let joined = people.by_ref().take(PART).collect();
            Seats { part: part as u32, parts: parts as u32, joined, ..self.seats(0) }
        };
        (0..parts).map(part).collect()
    }
}
