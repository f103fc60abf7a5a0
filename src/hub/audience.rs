//! Who follows a log: how many watch it, which shards have members, and which of those have been told of news.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The followers of a log, counted without a lock.
#[derive(Default)]
pub struct Audience {
    watchers: AtomicU32,
    /// Sweeps in a row that found nobody watching.
    idle: AtomicU32,
    /// Shards that have members, a bit each.
    members: AtomicU64,
    /// Shards that were told of news and have not begun to write it, a bit each.
    told: AtomicU64,
}

impl Audience {
    /// One watcher more.
    pub fn enter(&self) {
        self.watchers.fetch_add(1, Ordering::SeqCst);
    }

    /// One watcher less.
    pub fn leave(&self) {
        self.watchers.fetch_sub(1, Ordering::SeqCst);
    }

    /// Marks shards with members as told; those that were not yet are to be told now.
    pub fn tell(&self) -> u64 {
        let members = self.members.load(Ordering::SeqCst);
        members & !self.told.fetch_or(members, Ordering::SeqCst)
    }

    /// A shard begins to write what is new; what comes from now on it must be told again.
    pub fn begin_walk(&self, shard: usize) {
        self.told.fetch_and(!(1 << shard), Ordering::SeqCst);
    }

    /// A shard has members now, or none any more.
    pub fn set_members(&self, shard: usize, has: bool) {
        if has {
            self.members.fetch_or(1 << shard, Ordering::SeqCst);
        } else {
            self.members.fetch_and(!(1 << shard), Ordering::SeqCst);
        }
    }

    /// Shards with members, a bit each.
    pub fn members(&self) -> u64 {
        self.members.load(Ordering::SeqCst)
    }

    /// Counts a sweep; answers how many in a row found nobody watching.
    pub fn idle_sweeps(&self) -> u32 {
        if self.watchers.load(Ordering::SeqCst) == 0 {
            self.idle.fetch_add(1, Ordering::SeqCst) + 1
        } else {
            self.idle.store(0, Ordering::SeqCst);
            0
        }
    }

    /// How many watch.
    pub fn watchers(&self) -> u32 {
        self.watchers.load(Ordering::SeqCst)
    }

    /// Whether nobody watches.
    pub fn is_unwatched(&self) -> bool {
        self.watchers.load(Ordering::SeqCst) == 0
    }
}
