//! What waits to be published. Nobody ever waits to put something in; what does not fit is left out, and the others find
//! it by looking.

use crate::bus::Message;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};

/// Most messages that wait.
pub const MOST: usize = 8_192;
/// Most bytes of data that wait.
pub const MOST_BYTES: usize = 16 << 20;
/// Messages sent in one go: while these are on their way the next gather.
pub const AT_ONCE: usize = 256;

/// Something to be published.
pub enum Letter {
    /// A message of the database with this epoch.
    Message(Arc<str>, Message),
    /// A word to oneself, sent at this time.
    Probe(u64),
    /// Nothing: whoever waits is told that all before it was sent, or dropped.
    Mark(oneshot::Sender<()>),
}

impl Letter {
    /// Whether others wait for it.
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Message(..))
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Message(_, Message::Event(event)) => event.data.get().len(),
            Self::Message(_, Message::Signal { data, .. }) => data.get().len(),
            Self::Message(_, Message::Seats { seats, .. }) => seats.bytes(),
            Self::Message(..) | Self::Probe(_) | Self::Mark(_) => 0,
        }
    }
}

/// Why something was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is no connection: what waited for one would come too late to be of use.
    Down,
    /// Redis does not keep up.
    Full,
}

#[derive(Default)]
struct Waiting {
    open: bool,
    letters: VecDeque<Letter>,
    bytes: usize,
}

/// The queue in front of the publisher; closed at first.
#[derive(Default)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    notify: Notify,
}

impl Outbox {
    /// Puts something in.
    pub fn put(&self, letter: Letter) -> Result<(), Refused> {
        let bytes = letter.bytes();
        {
            let mut waiting = self.waiting.lock();
            if !waiting.open {
                return Err(Refused::Down);
            }
            // A word to oneself always fits: there are a few of them at most, and they tell whether anything moves.
            let full = waiting.letters.len() >= MOST || waiting.bytes + bytes > MOST_BYTES;
            if full && letter.is_message() {
                return Err(Refused::Full);
            }
            waiting.bytes += bytes;
            waiting.letters.push_back(letter);
        }
        self.notify.notify_one();
        Ok(())
    }

    /// The next letters, in the order put in; waits for one.
    pub async fn take(&self) -> Vec<Letter> {
        loop {
            {
                let mut waiting = self.waiting.lock();
                let some = waiting.letters.len().min(AT_ONCE);
                if some > 0 {
                    let taken: Vec<Letter> = waiting.letters.drain(..some).collect();
                    waiting.bytes -= taken.iter().map(Letter::bytes).sum::<usize>();
                    return taken;
                }
            }
            self.notify.notified().await;
        }
    }

    /// Whether nothing waits.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.waiting.lock().letters.is_empty()
    }

    /// From now on letters are taken.
    pub fn open(&self) {
        self.waiting.lock().open = true;
    }

    /// From now on none are; how many messages had waited and are thrown away.
    pub fn close(&self) -> usize {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        waiting.letters.iter().filter(|letter| letter.is_message()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::conformance::{event, room};
    use crate::model::event::EventData;
    use crate::model::{Channel, PostId, Timestamp};

    fn letter(seq: i64) -> Letter {
        Letter::Message("e".into(), event(room(1), seq))
    }

    #[tokio::test]
    async fn letters_leave_in_order_and_no_more_at_once_than_there_may() {
        let outbox = Outbox::default();
        assert_eq!(outbox.put(letter(0)), Err(Refused::Down));
        outbox.open();
        let sent = AT_ONCE as i64 + 1;
        (1..=sent).for_each(|seq| outbox.put(letter(seq)).unwrap());
        let mut taken = outbox.take().await;
        assert_eq!(taken.len(), AT_ONCE);
        taken.extend(outbox.take().await);
        let seqs = taken.iter().map(|letter| match letter {
            Letter::Message(_, Message::Event(event)) => event.seq,
            _ => panic!("not an event"),
        });
        assert!(seqs.eq(1..=sent));
    }

    #[tokio::test]
    async fn it_takes_so_many_and_not_one_more() {
        let outbox = Outbox::default();
        outbox.open();
        (0..MOST as i64).for_each(|seq| outbox.put(letter(seq)).unwrap());
        assert_eq!(outbox.put(letter(0)), Err(Refused::Full));
        outbox.take().await;
        assert_eq!(outbox.put(letter(0)), Ok(()));
        assert_eq!((outbox.close(), outbox.put(letter(0))), (MOST - AT_ONCE + 1, Err(Refused::Down)));
    }

    #[tokio::test]
    async fn it_takes_so_many_bytes_and_not_one_more() {
        let outbox = Outbox::default();
        outbox.open();
        let of = |bytes: usize| {
            let text = format!("\"{}\"", "x".repeat(bytes - 2));
            let data = serde_json::from_str(&text).unwrap();
            let custom = EventData::Custom("custom.big", data);
            Letter::Message("e".into(), Message::Event(custom.at(Channel::Post(PostId(1)), 1, Timestamp(0))))
        };
        assert_eq!(outbox.put(of(MOST_BYTES - 10)), Ok(()));
        assert_eq!(outbox.put(of(11)), Err(Refused::Full));
        assert_eq!(outbox.put(of(10)), Ok(()));
        outbox.take().await;
        assert_eq!(outbox.put(of(11)), Ok(()));
    }
}
