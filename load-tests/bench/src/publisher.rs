//! What publishes: one socket, or as many HTTP connections as may wait for an answer at a time.

use crate::arguments::Failure;
use crate::crowd::Crowd;
use crate::dialect::{CALLERS, Dialect};
use std::time::{Duration, Instant};

/// Payload of a message as subscribers receive it.
const SIZE: usize = 200;

/// The publisher, whose connections the crowd holds.
pub struct Publisher<'a> {
    dialect: &'a dyn Dialect,
    lines: Vec<usize>,
    filler: usize,
    rooms: usize,
    next: usize,
}

impl<'a> Publisher<'a> {
    /// Opens the connections.
    pub fn open(dialect: &'a dyn Dialect, crowd: &mut Crowd, rooms: usize) -> Result<Self, Failure> {
        let count = if dialect.over_http() { CALLERS } else { 1 };
        let lines = (0..count).map(|_| crowd.publisher(dialect.publisher()?)).collect::<Result<_, _>>()?;
        Ok(Self { dialect, lines, filler: 0, rooms, next: 0 })
    }

    /// How many receive each message.
    pub fn readers(&self, crowd: &Crowd) -> u64 {
        crowd.audience() / self.rooms as u64
    }

    /// How many messages can leave at once, at most this many.
    pub fn room_for(&self, crowd: &Crowd, most: u64) -> u64 {
        let ready = self.lines.iter().filter(|line| crowd.ready(**line)).count() as u64;
        if self.dialect.over_http() { ready.min(most) } else { ready * most }
    }

    /// Publishes one message for each time at which one was meant to leave, as soon as each can, into rooms in turn.
    pub fn publish(&mut self, crowd: &mut Crowd, times: &[Instant]) -> Result<(), Failure> {
        for line in &mut self.lines {
            if crowd.closed(*line) {
                *line = crowd.publisher(self.dialect.publisher()?)?;
            }
        }
        let mut left = times;
        while !left.is_empty() {
            let now = self.room_for(crowd, left.len() as u64) as usize;
            if now == 0 {
                crowd.turn(Duration::from_millis(200))?;
                continue;
            }
            let mut lines =
                self.lines.iter().filter(|line| crowd.ready(**line)).copied().collect::<Vec<_>>().into_iter();
            let mut whole = Vec::new();
            for at in &left[..now] {
                let bytes = self.dialect.publication(self.next, &crowd.tally.text(*at, self.filler));
                self.next = (self.next + 1) % self.rooms;
                if self.dialect.over_http() {
                    crowd.write(lines.next().ok_or("no line is free")?, &bytes)?;
                } else {
                    whole.extend(bytes);
                }
            }
            if !whole.is_empty() {
                crowd.write(self.lines[0], &whole)?;
            }
            left = &left[now..];
        }
        Ok(())
    }

    /// Sends one and fills it up, so that what subscribers receive has the same size everywhere.
    pub fn fit(&mut self, crowd: &mut Crowd) -> Result<(), Failure> {
        for _ in 0..2 {
            let readers = self.readers(crowd);
            let before = crowd.tally.delivered;
            (crowd.tally.size, self.next) = (0, 0);
            self.publish(crowd, &[Instant::now()])?;
            if !crowd.read_until(before + readers)? {
                return Err(format!("only {} of {readers} received a message", crowd.tally.delivered - before).into());
            }
            self.filler = (self.filler + SIZE).saturating_sub(crowd.tally.size);
        }
        Ok(())
    }
}
