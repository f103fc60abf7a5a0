//! One room among instances, without I/O: what others say of it goes into its roster, and what they are to be told comes
//! out of it.

use super::elsewhere::Elsewhere;
use super::herald::Herald;
use super::roster::Roster;
use crate::bus::{Ask, Message, Node, Seats};
use crate::model::Channel;
use std::sync::Arc;

/// Both ways between a room here and the same room elsewhere.
#[derive(Default)]
pub struct Abroad {
    elsewhere: Elsewhere,
    herald: Herald,
}

impl Abroad {
    /// Somebody will be here, as the first one: the others are asked, unless they cannot be heard.
    pub fn begin(&mut self, roster: &mut Roster, blind: bool, now_ms: u64) {
        self.elsewhere = Elsewhere::new(blind);
        self.herald.begin_anew();
        roster.forget_elsewhere(blind);
        self.ask_at(now_ms);
    }

    /// Whether others may be there who are not seen.
    pub fn is_partial(&self) -> bool {
        self.elsewhere.is_partial()
    }

    /// Takes what an instance says of its people. If something was missed, the others are asked at the time given.
    pub fn hear(&mut self, roster: &mut Roster, from: Node, seats: &Arc<Seats>, ask_ms: u64) {
        let heard = self.elsewhere.hear(from, seats);
        roster.apply(heard.changes, self.elsewhere.anonymous());
        if heard.missed {
            self.ask_at(ask_ms);
        }
    }

    /// Takes a question of an instance to this one, which is `me`.
    pub fn hear_ask(&mut self, me: Node, from: Node, ask: &Ask, now_ms: u64, ask_ms: u64) {
        let known = ask.known.iter().find(|(node, _)| *node == me).map(|(_, version)| *version);
        self.herald.asked(known, now_ms);
        if self.elsewhere.hear_version(from, ask.version) {
            self.ask_at(ask_ms);
        }
    }

    /// An instance ends; its people are gone at this time.
    pub fn farewell(&mut self, from: Node, ends_ms: u64) {
        self.elsewhere.farewell(from, ends_ms);
    }

    /// Something may have been missed: the others are asked at this time.
    pub fn ask_at(&mut self, at_ms: u64) {
        if !self.elsewhere.is_blind() {
            self.herald.want(at_ms);
        }
    }

    /// One more round: whoever has been silent for more than `patience` of them is gone, and this instance gives a sign
    /// of its life.
    pub fn round(&mut self, roster: &mut Roster, patience: u32) {
        self.herald.round();
        let gone = self.elsewhere.round(patience);
        roster.apply(gone, self.elsewhere.anonymous());
    }

    /// The others are not heard any more: the roster is this instance's own, and nobody has left for it.
    pub fn go_blind(&mut self, roster: &mut Roster) {
        if !self.elsewhere.is_blind() {
            self.elsewhere.go_blind();
            self.herald.begin_anew();
            roster.forget_elsewhere(true);
        }
    }

    /// They are heard again, and asked at this time.
    pub fn see_again(&mut self, at_ms: u64) {
        if self.elsewhere.is_blind() {
            self.elsewhere.return_at(at_ms);
            self.herald.want(at_ms);
        }
    }

    /// Does what is due; what others are to be told. `next` gives versions, each higher than all before.
    pub fn look(
        &mut self,
        roster: &mut Roster,
        channel: Channel,
        now_ms: u64,
        next: impl FnMut() -> u64,
    ) -> Vec<Message> {
        let was_partial = self.is_partial();
        let changes = self.elsewhere.look(now_ms);
        if was_partial && !self.is_partial() {
            roster.forget_elsewhere(false);
        }
        roster.apply(changes, self.elsewhere.anonymous());
        if self.elsewhere.is_blind() {
            roster.take_untold();
            return Vec::new();
        }
        let ask = self.herald.ask(now_ms, || self.elsewhere.known());
        let ask = ask.map(|ask| Message::Ask { channel, ask });
        let seats = self.herald.tell(roster, now_ms, next).into_iter();
        let told = seats.map(|seats| Message::Seats { channel, seats: Arc::new(seats) });
        ask.into_iter().chain(told).collect()
    }

    /// When [`Abroad::look`] has something to do next.
    pub fn next_due(&self, roster: &Roster) -> Option<u64> {
        let herald = if self.elsewhere.is_blind() { None } else { self.herald.next_due(roster) };
        self.elsewhere.next_due().into_iter().chain(herald).min()
    }

    /// Nobody is here any more; whether others know, and all that was known of them is forgotten.
    pub fn end(&mut self, roster: &mut Roster) -> bool {
        let over = roster.is_vacant() && (self.elsewhere.is_blind() || self.herald.is_told(roster));
        if over {
            self.elsewhere = Elsewhere::default();
            self.herald.begin_anew();
            roster.forget_elsewhere(false);
        }
        over
    }
}

#[cfg(test)]
#[path = "abroad_model_tests.rs"]
mod model_tests;
#[cfg(test)]
#[path = "abroad_tests.rs"]
mod tests;
