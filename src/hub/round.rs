//! What a slice of a walk makes once for all its members.

use super::conn::{Conn, Visit};
use super::log::{ChannelLog, Owed};
use super::tail::Batch;
use super::writer::Writer;
use crate::protocol::codec::Codec;
use smallvec::SmallVec;
use std::sync::Arc;

/// A slice of a log's walk.
pub struct Round<'a> {
    log: &'a Arc<ChannelLog>,
    generation: u16,
    /// What comes after this is told again.
    head: i64,
    /// The channel has had its last event.
    ending: bool,
    now_ms: u64,
    batches: SmallVec<[(Codec, i64, Option<Batch>); 4]>,
}

impl<'a> Round<'a> {
    /// A slice that begins now.
    pub fn new(log: &'a Arc<ChannelLog>, now_ms: u64) -> Self {
        let (generation, head) = (log.generation(), log.head().unwrap_or(0));
        Self { log, generation, head, ending: log.is_missing(), now_ms, batches: SmallVec::new() }
    }

    /// Brings one socket up to the head: by a batch made for its cursor if it can be, else by a visit of its own.
    pub fn bring_up(&mut self, conn: &Arc<Conn>, writer: &mut Writer, sub: usize) -> Visit {
        // A cursor of another database is compared with nothing: its socket is told to resync first.
        let stale = writer.subs[sub].generation != self.generation;
        if !self.ending && (stale || writer.subs[sub].cursor >= self.head) {
            return Visit::default();
        }
        let first = if stale { Visit::default() } else { self.offer(conn, writer, sub) };
        let done = first.again || first.leaving || (!self.ending && writer.subs[sub].cursor >= self.head);
        if done {
            return first;
        }
        let rest = conn.visit(writer, self.now_ms, None);
        Visit { events: first.events + rest.events, bytes: first.bytes + rest.bytes, ..rest }
    }

    fn offer(&mut self, conn: &Arc<Conn>, writer: &mut Writer, sub: usize) -> Visit {
        let cursor = writer.subs[sub].cursor;
        let made = self.batches.iter().position(|(codec, from, _)| *codec == conn.codec && *from == cursor);
        let made = made.unwrap_or_else(|| {
            let batch = match self.log.owed(cursor, self.generation, conn.codec) {
                Owed::Batch(batch) => Some(batch),
                Owed::Nothing | Owed::Lost(_) => None,
            };
            self.batches.push((conn.codec, cursor, batch));
            self.batches.len() - 1
        });
        let batch = self.batches[made].2.as_ref();
        batch.and_then(|batch| conn.offer(writer, sub, batch, self.now_ms)).unwrap_or_default()
    }
}
