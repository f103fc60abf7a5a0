//! Rounds through the members of logs. Rooms take turns slice by slice, and each has at most three rounds under way: one
//! for its log, one for its roster, one for signals.

use super::conn::Conn;
use super::inbox::Signal;
use super::log::ChannelLog;
use super::news::News;
use crate::protocol::codec::Codec;
use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// What a round is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Bringing members up to the head.
    Log,
    /// Telling them the roster.
    Roster,
    /// Handing out signals.
    Signals,
}

/// One round through the members of a log.
pub struct Walk {
    /// Whose members.
    pub log: Arc<ChannelLog>,
    /// What for.
    pub purpose: Purpose,
    /// The next member's place.
    pub at: usize,
    /// Members still to be visited.
    pub left: usize,
    /// The roster that is told in this round.
    pub news: Option<Arc<News>>,
    /// What is handed out in this round.
    pub signals: Vec<Arc<Signal>>,
    /// The sockets that sent them, each once; found when the first member is visited.
    senders: SmallVec<[u64; 2]>,
    /// What has come since this round began.
    next: Vec<Arc<Signal>>,
    /// All of them in each codec, once a member wants that.
    joined: [Option<Bytes>; 2],
    /// Those of others, for a member who has sent some of them.
    others: Bytes,
}

/// The rounds of a shard.
#[derive(Default)]
pub struct Walks {
    turns: VecDeque<(usize, Purpose)>,
    walks: HashMap<(usize, Purpose), Walk>,
}

/// A log's address: what names it while somebody follows it.
pub fn key(log: &Arc<ChannelLog>) -> usize {
    Arc::as_ptr(log) as usize
}

/// A codec's place in a pair.
pub fn index(codec: Codec) -> usize {
    match codec {
        Codec::Json => 0,
        Codec::MsgPack => 1,
    }
}

impl Walks {
    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// There is something new in a log with so many members: a round that is under way goes on to where it was told.
    pub fn news(&mut self, log: Arc<ChannelLog>, members: usize) {
        self.walk(log, Purpose::Log, members).left = members;
    }

    /// There is news of a roster: a round that is under way goes on with them to where it was told.
    pub fn roster(&mut self, log: Arc<ChannelLog>, news: Arc<News>, members: usize) {
        let walk = self.walk(log, Purpose::Roster, members);
        walk.news = Some(news);
        walk.left = members;
    }

    /// A signal is to be handed out to so many members.
    pub fn signal(&mut self, log: Arc<ChannelLog>, signal: Arc<Signal>, members: usize) {
        let walk = self.walk(log, Purpose::Signals, members);
        if walk.at == 0 {
            walk.signals.push(signal);
        } else {
            walk.next.push(signal);
        }
    }

    fn walk(&mut self, log: Arc<ChannelLog>, purpose: Purpose, members: usize) -> &mut Walk {
        let name = (key(&log), purpose);
        self.walks.entry(name).or_insert_with(|| {
            self.turns.push_back(name);
            let (signals, next) = (Vec::new(), Vec::new());
            let (senders, joined, others) = (SmallVec::new(), [None, None], Bytes::new());
            Walk { log, purpose, at: 0, left: members, news: None, signals, senders, next, joined, others }
        })
    }

    /// The round whose turn it is.
    pub fn take(&mut self) -> Option<Walk> {
        self.walks.remove(&self.turns.pop_front()?)
    }

    /// Gives a round back that has had its turn, unless it is done.
    pub fn give_back(&mut self, mut walk: Walk, members: usize) {
        if walk.left == 0 && !walk.next.is_empty() {
            walk.signals = std::mem::take(&mut walk.next);
            walk.senders.clear();
            walk.joined = [None, None];
            walk.at = 0;
            walk.left = members;
        }
        if walk.left > 0 {
            let name = (key(&walk.log), walk.purpose);
            self.turns.push_back(name);
            self.walks.insert(name, walk);
        }
    }
}

impl Walk {
    /// The end of the members: most rounds go on from the first, but signals are handed to nobody twice.
    pub fn begin_again(&mut self) {
        self.at = 0;
        if self.purpose == Purpose::Signals {
            self.left = 0;
        }
    }

    /// The signals of this round for a socket: not its own.
    pub fn signal_frames(&mut self, conn: &Conn) -> &Bytes {
        if self.senders.is_empty() {
            self.senders = self.signals.iter().map(|signal| signal.from).collect();
            self.senders.sort_unstable();
            self.senders.dedup();
        }
        if self.senders.contains(&conn.id) {
            self.others = join(self.signals.iter().filter(|signal| signal.from != conn.id), conn.codec);
            return &self.others;
        }
        let signals = &self.signals;
        self.joined[index(conn.codec)].get_or_insert_with(|| join(signals.iter(), conn.codec))
    }
}

fn join<'a>(signals: impl Iterator<Item = &'a Arc<Signal>>, codec: Codec) -> Bytes {
    let mut joined = BytesMut::new();
    signals.for_each(|signal| joined.extend_from_slice(signal.frame(codec)));
    joined.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Channel, EpochCell, PostId};

    fn log(post: i64) -> Arc<ChannelLog> {
        Arc::new(ChannelLog::new(Channel::Post(PostId(post)), EpochCell::default(), Arc::default()))
    }

    /// Has the next room visit so many of its members; which room that was.
    fn visit(walks: &mut Walks, members: usize, most: usize) -> Option<Channel> {
        let mut walk = walks.take()?;
        let channel = walk.log.channel;
        walk.left -= most.min(walk.left);
        walks.give_back(walk, members);
        Some(channel)
    }

    #[test]
    fn a_small_room_has_its_turn_after_one_slice_of_a_huge_one_however_much_is_said_there() {
        let (mut walks, huge, small) = (Walks::default(), log(1), log(2));
        walks.news(huge.clone(), 10_000);
        assert_eq!(visit(&mut walks, 10_000, 128), Some(huge.channel));
        for _ in 0..100 {
            walks.news(huge.clone(), 10_000);
            walks.news(small.clone(), 3);
            let turns = [visit(&mut walks, 10_000, 128), visit(&mut walks, 3, 128)];
            assert!(turns.contains(&Some(small.channel)), "{turns:?}");
        }
    }

    #[test]
    fn a_room_has_one_round_a_purpose_and_rooms_take_turns() {
        let (mut walks, rooms) = (Walks::default(), [log(1), log(2), log(3)]);
        for room in rooms.iter().chain(&rooms) {
            walks.news(room.clone(), 1_000);
        }
        let turns: Vec<_> = std::iter::from_fn(|| visit(&mut walks, 1_000, 500)).collect();
        let all = rooms.each_ref().map(|room| room.channel);
        assert_eq!(turns, [all, all].concat());
        assert!(walks.is_empty());
    }
}
