//! Who is writing in a room, as a state machine without I/O: times are passed in, in milliseconds of one clock.
//!
//! **Invariant.** What is told is always all of it: whoever misses a message is set right by the next.

use crate::model::UserId;
use crate::protocol::server::Sender;

/// Most names kept and told; more writers than that are of no interest to anybody.
pub const MAX_TYPISTS: usize = 20;
/// How long a name stays without being repeated.
pub const TYPING_MS: u64 = 6_000;
/// Shortest time between two messages.
pub const TOLD_EVERY_MS: u64 = 500;
/// Shortest time between two messages that say the same: clients drop a name that they have not heard for as long as
/// [`TYPING_MS`].
const REPEATED_MS: u64 = 3_000;

/// Who is writing, first come first.
#[derive(Default)]
pub struct Typing {
    typists: Vec<Typist>,
    told: Vec<UserId>,
    told_ms: Option<u64>,
    /// Somebody who was told of still writes.
    repeated: bool,
    last_mark: u8,
    /// Who has ended with their socket since other instances were told.
    ended: Vec<Sender>,
}

struct Typist {
    who: Sender,
    until_ms: u64,
    mark: u8,
    /// Nobody else is here to be told of it.
    alone: bool,
    /// By a socket of another instance.
    elsewhere: bool,
}

impl Typing {
    /// Somebody writes here; `alone` where nobody else is here, so that only other instances are told. The mark tells by
    /// which socket, should that one end: 0 where nothing was noted.
    pub fn hear(&mut self, who: &Sender, alone: bool, now_ms: u64) -> u8 {
        self.note(who, alone, false, now_ms)
    }

    /// Somebody writes on another instance.
    pub fn hear_elsewhere(&mut self, who: &Sender, now_ms: u64) {
        self.note(who, false, true, now_ms);
    }

    fn note(&mut self, who: &Sender, alone: bool, elsewhere: bool, now_ms: u64) -> u8 {
        let mark = self.last_mark.wrapping_add(1).max(1);
        let until_ms = now_ms + TYPING_MS;
        if let Some(typist) = self.typists.iter_mut().find(|typist| typist.who.id == who.id) {
            (typist.until_ms, typist.mark, typist.elsewhere) = (until_ms, mark, elsewhere);
            typist.alone &= alone;
            self.repeated |= !typist.alone;
        } else if self.typists.len() < MAX_TYPISTS {
            self.typists.push(Typist { who: who.clone(), until_ms, mark, alone, elsewhere });
        } else {
            return 0;
        }
        self.last_mark = mark;
        mark
    }

    /// Somebody has finished.
    pub fn end(&mut self, id: UserId) {
        self.typists.retain(|typist| typist.who.id != id);
    }

    /// The socket with this mark has ended.
    pub fn end_marked(&mut self, id: UserId, mark: u8) {
        let ended = self.typists.extract_if(.., |typist| typist.who.id == id && typist.mark == mark);
        self.ended.extend(ended.filter(|typist| !typist.elsewhere).map(|typist| typist.who));
    }

    /// The socket of another instance by which somebody wrote has ended.
    pub fn end_elsewhere(&mut self, id: UserId) {
        self.typists.retain(|typist| typist.who.id != id || !typist.elsewhere);
    }

    /// Whose sockets have ended while they wrote, since it was last asked: other instances are to be told.
    pub fn take_ended(&mut self) -> Vec<Sender> {
        std::mem::take(&mut self.ended)
    }

    /// Whether nobody writes and everybody knows.
    pub fn is_idle(&self) -> bool {
        self.typists.is_empty() && self.told.is_empty() && self.ended.is_empty()
    }

    /// Whether nobody writes.
    pub fn is_empty(&self) -> bool {
        self.typists.is_empty()
    }

    /// All names, if it is time to tell them.
    pub fn update(&mut self, now_ms: u64) -> Option<Vec<Sender>> {
        self.typists.retain(|typist| typist.until_ms > now_ms);
        let seen = || self.typists.iter().filter(|typist| !typist.alone).map(|typist| &typist.who);
        let changed = !seen().map(|who| who.id).eq(self.told.iter().copied());
        let pause = match (changed, self.repeated) {
            (true, _) => TOLD_EVERY_MS,
            (false, true) => REPEATED_MS,
            (false, false) => return None,
        };
        if self.told_ms.is_some_and(|told_ms| now_ms < told_ms + pause) {
            return None;
        }
        let names: Vec<Sender> = seen().cloned().collect();
        self.told = names.iter().map(|who| who.id).collect();
        self.told_ms = Some(now_ms);
        self.repeated = false;
        Some(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: i64) -> Sender {
        Sender { id: UserId(id), name: format!("p{id}") }
    }

    fn ids(told: Option<Vec<Sender>>) -> Option<Vec<i64>> {
        told.map(|told| told.iter().map(|who| who.id.0).collect())
    }

    #[test]
    fn a_name_appears_at_once_and_goes_after_six_seconds_without_a_repetition() {
        let mut typing = Typing::default();
        typing.hear(&person(1), false, 1_000);
        assert_eq!(ids(typing.update(1_000)), Some(vec![1]));
        assert_eq!(ids(typing.update(6_999)), None);
        assert_eq!(ids(typing.update(7_000)), Some(vec![]));
        assert!(typing.is_idle());
        assert_eq!(ids(typing.update(20_000)), None);
    }

    #[test]
    fn who_goes_on_is_told_again_before_clients_drop_the_name_but_not_with_every_repetition() {
        let mut typing = Typing::default();
        let mut told = Vec::new();
        for now_ms in (0..30_000).step_by(100) {
            if now_ms % 1_000 == 0 {
                typing.hear(&person(1), false, now_ms);
            }
            if typing.update(now_ms).is_some() {
                told.push(now_ms);
            }
        }
        assert_eq!(told, (0..30_000).step_by(3_000).collect::<Vec<_>>());
    }

    #[test]
    fn changes_are_told_together_and_not_too_often() {
        let mut typing = Typing::default();
        let mut told = 0;
        for now_ms in 0..10_000 {
            typing.hear(&person(now_ms as i64 % 15), false, now_ms);
            typing.end(UserId((now_ms as i64 + 7) % 15));
            told += usize::from(typing.update(now_ms).is_some());
        }
        assert!((15..=20).contains(&told), "{told}");
        typing.hear(&person(77), false, 10_000);
        typing.end(UserId(77));
        let before = typing.typists.len();
        assert!(typing.update(11_000).is_none_or(|told| told.len() == before));
    }

    #[test]
    fn twenty_names_are_kept_and_one_more_is_not() {
        let mut typing = Typing::default();
        assert!((1..=20).all(|id| typing.hear(&person(id), false, 0) != 0));
        assert_eq!(typing.hear(&person(21), false, 0), 0);
        assert_ne!(typing.hear(&person(3), false, 0), 0);
        assert_eq!(ids(typing.update(0)), Some((1..=20).collect()));
        typing.end(UserId(5));
        assert_ne!(typing.hear(&person(21), false, 0), 0);
    }

    #[test]
    fn whoever_is_alone_is_not_told_of_here_until_they_go_on_in_company() {
        let mut typing = Typing::default();
        typing.hear(&person(1), true, 0);
        assert_eq!(typing.update(0), None);
        typing.hear_elsewhere(&person(2), 100);
        assert_eq!(ids(typing.update(100)), Some(vec![2]));
        typing.hear(&person(1), false, 1_000);
        assert_eq!(ids(typing.update(1_000)), Some(vec![1, 2]));
        typing.end_elsewhere(UserId(1));
        typing.end_elsewhere(UserId(2));
        assert_eq!(ids(typing.update(1_500)), Some(vec![1]));
    }

    #[test]
    fn others_are_told_of_the_end_of_a_socket_that_wrote_here_and_of_no_other() {
        let mut typing = Typing::default();
        let alone = typing.hear(&person(1), true, 0);
        let before = typing.hear(&person(2), false, 0);
        typing.hear_elsewhere(&person(2), 0);
        typing.end_marked(UserId(1), alone);
        typing.end_marked(UserId(2), before);
        assert_eq!(typing.take_ended(), [person(1)]);
        assert_eq!(ids(typing.update(0)), Some(vec![2]));
        assert!(typing.take_ended().is_empty());
    }

    #[test]
    fn another_socket_of_the_person_ends_nothing() {
        let mut typing = Typing::default();
        let first = typing.hear(&person(1), false, 0);
        let second = typing.hear(&person(1), false, 10);
        typing.end_marked(UserId(1), first);
        assert_eq!(ids(typing.update(20)), Some(vec![1]));
        typing.end_marked(UserId(1), second);
        assert_eq!(ids(typing.update(600)), Some(vec![]));
    }
}
