//! Heartbeats without a timer per socket: sockets sit in slots, a hand goes round once per heartbeat interval.

use super::conn::Conn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Slots of the wheel: the spread of heartbeats within an interval.
const SLOTS: u64 = 64;

/// The sockets of one shard by the time of their heartbeat.
pub struct Wheel {
    slots: Vec<Vec<Arc<Conn>>>,
    step_ms: u64,
    hand: u64,
}

impl Wheel {
    /// A wheel that goes round once in `interval`, standing at `now_ms`.
    pub fn new(interval: Duration, now_ms: u64) -> Self {
        let step_ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).div_ceil(SLOTS).max(1);
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), step_ms, hand: now_ms / step_ms }
    }

    /// How often it is to be turned.
    pub fn step(&self) -> Duration {
        Duration::from_millis(self.step_ms)
    }

    /// Takes a socket up; its first heartbeat comes after a half to a whole interval, drawn by `chance`.
    pub fn add(&mut self, conn: Arc<Conn>, chance: u64) {
        let slot = (self.hand + SLOTS / 2 + 1 + chance % (SLOTS / 2 - 1)) % SLOTS;
        conn.slot.store(slot as u32, Ordering::Relaxed);
        self.slots[slot as usize].push(conn);
    }

    /// Lets a socket go.
    pub fn remove(&mut self, conn: &Arc<Conn>) {
        let slot = &mut self.slots[conn.slot.load(Ordering::Relaxed) as usize];
        if let Some(i) = slot.iter().position(|other| Arc::ptr_eq(other, conn)) {
            slot.swap_remove(i);
            if slot.len() * 4 < slot.capacity() {
                slot.shrink_to(slot.len() * 2);
            }
        }
    }

    /// Moves the hand to `now_ms` and gives the sockets it passed.
    pub fn turn(&mut self, now_ms: u64) -> impl Iterator<Item = &Arc<Conn>> {
        let from = self.hand;
        self.hand = now_ms / self.step_ms;
        let passed = (self.hand - from.min(self.hand)).min(SLOTS);
        (self.hand + 1 - passed..=self.hand).flat_map(|at| &self.slots[(at % SLOTS) as usize])
    }

    /// All sockets.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Conn>> {
        self.slots.iter().flatten()
    }
}
