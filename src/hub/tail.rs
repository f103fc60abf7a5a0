//! The hot tail of a log: its last entries, contiguous, within a bound in number and bytes.

use super::entry::Entry;
use crate::protocol::codec::Codec;
use bytes::{Bytes, BytesMut};
use smallvec::{SmallVec, smallvec};
use std::collections::VecDeque;
use std::sync::Arc;

/// Most bytes of one batch: what one `write(2)` takes of a socket's lag.
const BATCH_BYTES: usize = 64 * 1024;

/// Frames that follow one another, as one piece of shared bytes.
#[derive(Debug)]
pub struct Batch {
    /// All frames in a row.
    pub bytes: Bytes,
    /// Each frame, for finishing the one a short write has begun without holding on to the others.
    pub frames: SmallVec<[Bytes; 1]>,
}

impl Batch {
    /// Joins frames.
    pub fn new(frames: SmallVec<[Bytes; 1]>) -> Self {
        if frames.len() == 1 {
            return Self { bytes: frames[0].clone(), frames };
        }
        let mut bytes = BytesMut::with_capacity(frames.iter().map(Bytes::len).sum());
        for frame in &frames {
            bytes.extend_from_slice(frame);
        }
        Self { bytes: bytes.freeze(), frames }
    }

    /// What a short write leaves: how many frames are begun or written, and the rest of the begun one.
    pub fn after(&self, written: usize) -> (usize, Bytes) {
        let mut end = 0;
        for (i, frame) in self.frames.iter().enumerate() {
            if written == end {
                return (i, Bytes::new());
            }
            end += frame.len();
            if written < end {
                return (i + 1, frame.slice(frame.len() - (end - written)..));
            }
        }
        (self.frames.len(), Bytes::new())
    }
}

/// Bounds of a tail.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Entries.
    pub events: usize,
    /// Bytes, by [`Entry::len`].
    pub bytes: usize,
}

/// Whether an event of this kind takes back what was told before.
pub fn is_deletion(kind: &str) -> bool {
    matches!(kind, "comment.deleted" | "notification.deleted")
}

/// The last entries of a log.
#[derive(Debug, Default)]
pub struct Tail {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    cost: usize,
}

impl Tail {
    /// What it costs in memory.
    pub fn cost(&self) -> usize {
        self.cost
    }

    /// The seq of the oldest entry.
    pub fn start(&self) -> Option<i64> {
        self.entries.front().map(|entry| entry.seq)
    }

    /// The newest entry.
    pub fn last(&self) -> Option<&Arc<Entry>> {
        self.entries.back()
    }

    /// Appends the next entry and drops the oldest above the bounds; the last one always stays.
    pub fn push(&mut self, entry: Arc<Entry>, bounds: Bounds) {
        self.count(&entry);
        self.entries.push_back(entry);
        self.trim(bounds);
    }

    /// Drops the oldest above the bounds; the last one always stays.
    pub fn trim(&mut self, bounds: Bounds) {
        while self.entries.len() > 1 && (self.entries.len() > bounds.events || self.bytes > bounds.bytes) {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.len();
                self.cost -= oldest.cost();
            }
        }
    }

    /// Puts older entries before what it holds, newest first, as far as they are contiguous and within the bounds.
    /// `head` is the log's, for an empty tail.
    pub fn prepend(&mut self, older: Vec<Arc<Entry>>, head: i64, bounds: Bounds) {
        for entry in older.into_iter().rev() {
            let start = self.start().unwrap_or(head + 1);
            if entry.seq >= start {
                continue;
            }
            let fits = self.entries.len() < bounds.events && self.bytes + entry.len() <= bounds.bytes;
            if entry.seq != start - 1 || !fits {
                break;
            }
            self.count(&entry);
            self.entries.push_front(entry);
        }
    }

    /// Entries after `since`, or `None` if some of them are not here. `head` is the log's.
    pub fn after(&self, since: i64, head: i64) -> Option<impl Iterator<Item = &Arc<Entry>>> {
        let start = self.start().unwrap_or(head + 1);
        let skip = usize::try_from(since.checked_add(1)? - start).ok()?;
        (since <= head).then(|| self.entries.iter().skip(skip))
    }

    /// The next frames after `since`, joined up to the bound of a batch; `None` if some are not here.
    pub fn batch(&self, since: i64, head: i64, codec: Codec) -> Option<Batch> {
        let mut frames = smallvec![];
        let mut bytes = 0;
        for entry in self.after(since, head)? {
            let frame = entry.frame(codec);
            bytes += frame.len();
            if bytes > BATCH_BYTES && !frames.is_empty() {
                break;
            }
            frames.push(frame.clone());
        }
        Some(Batch::new(frames))
    }

    /// Replaces what earlier entries tell of the comment or notification that `deleted` tells is gone.
    pub fn clean(&mut self, deleted: &Entry) {
        for entry in self.entries.iter_mut().filter(|e| e.seq < deleted.seq && e.subject == deleted.subject) {
            if let Some(clean) = entry.told_as(deleted) {
                self.bytes = self.bytes + clean.len() - entry.len();
                self.cost = self.cost + clean.cost() - entry.cost();
                *entry = Arc::new(clean);
            }
        }
    }

    /// Entries that tell of a deletion.
    pub fn deletions(&self) -> Vec<Arc<Entry>> {
        self.entries.iter().filter(|entry| is_deletion(&entry.kind)).cloned().collect()
    }

    /// The entry with this seq.
    pub fn at(&self, seq: i64) -> Option<&Arc<Entry>> {
        let at = usize::try_from(seq - self.start()?).ok()?;
        self.entries.get(at)
    }

    /// Halves it.
    pub fn halve(&mut self) {
        let bytes = self.bytes / 2;
        self.trim(Bounds { events: usize::MAX, bytes });
    }

    fn count(&mut self, entry: &Entry) {
        self.bytes += entry.len();
        self.cost += entry.cost();
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::EventData;
    use crate::model::{Channel, PostId, Timestamp};

    const WIDE: Bounds = Bounds { events: 1_024, bytes: 1 << 20 };

    fn entry(seq: i64) -> Arc<Entry> {
        Arc::new(Entry::new(EventData::Void.at(Channel::Post(PostId(1)), seq, Timestamp(0)), 0))
    }

    fn tail(range: std::ops::RangeInclusive<i64>, bounds: Bounds) -> Tail {
        let mut tail = Tail::default();
        range.for_each(|seq| tail.push(entry(seq), bounds));
        tail
    }

    fn after(tail: &Tail, since: i64, head: i64) -> Option<Vec<i64>> {
        tail.after(since, head).map(|entries| entries.map(|e| e.seq).collect())
    }

    #[test]
    fn it_gives_all_that_came_after_or_nothing() {
        let tail = tail(11..=14, WIDE);
        assert_eq!(after(&tail, 12, 14), Some(vec![13, 14]));
        assert_eq!(after(&tail, 14, 14), Some(vec![]));
        assert_eq!(after(&tail, 10, 14), Some(vec![11, 12, 13, 14]));
        assert_eq!(after(&tail, 9, 14), None);
        assert_eq!(after(&tail, 15, 14), None);
        assert_eq!(after(&Tail::default(), 14, 14), Some(vec![]));
        assert_eq!(after(&Tail::default(), 13, 14), None);
    }

    #[test]
    fn it_keeps_the_newest_within_its_bounds_and_always_the_last() {
        assert_eq!(tail(1..=10, Bounds { events: 3, bytes: 1 << 20 }).start(), Some(8));
        assert_eq!(tail(1..=10, Bounds { events: 3, bytes: 1 }).start(), Some(10));
    }

    #[test]
    fn older_entries_are_put_before_it_only_as_far_as_they_are_contiguous_and_fit() {
        let mut held = tail(11..=12, WIDE);
        held.prepend([7, 8, 10, 11].map(entry).to_vec(), 12, WIDE);
        assert_eq!(held.start(), Some(10));
        let mut empty = Tail::default();
        empty.prepend([3, 4, 5].map(entry).to_vec(), 5, Bounds { events: 2, bytes: 1 << 20 });
        assert_eq!(after(&empty, 3, 5), Some(vec![4, 5]));
    }

    #[test]
    fn a_short_write_leaves_the_rest_of_the_begun_frame_only() {
        let batch = Batch::new(smallvec![Bytes::from("abc"), Bytes::from("de"), Bytes::from("fgh")]);
        assert_eq!(batch.after(0), (0, Bytes::new()));
        assert_eq!(batch.after(1), (1, Bytes::from("bc")));
        assert_eq!(batch.after(3), (1, Bytes::new()));
        assert_eq!(batch.after(4), (2, Bytes::from("e")));
        assert_eq!(batch.after(7), (3, Bytes::from("h")));
        assert_eq!(batch.after(8), (3, Bytes::new()));
    }
}
