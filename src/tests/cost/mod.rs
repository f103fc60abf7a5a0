//! The gate: what a socket, a delivered message and a commit cost, in allocations, bytes and writes, beside what they
//! cost when that was last looked at (`measured.txt`). More than a tenth more is a failure, and so is a tenth less: the
//! number is then to be set anew, so that it is not lost again.
//!
//! Seconds tell of the machine; counts of instructions need a processor's counters, which neither a container nor most CI
//! lets one read, or an emulator that takes minutes. What is asked of the allocator and of the kernel is the same on every
//! machine, idle or busy, and is where a wasteful change to this server shows: an encode, a copy or a buffer a socket.
//!
//! Everything is in one thread but the database: the instance, its only shard, and clients that allocate nothing while
//! something is counted. The time of the runtime stands still, so nothing happens that was not asked for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod counted;
mod figures;
mod house;
mod room;
mod wire;

use figures::Figures;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

// The only test of this binary: another one would allocate beside it.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "the numbers are those of a build without optimisation")]
fn nothing_costs_a_tenth_more_or_less_than_it_did() {
    let mut figures = Figures::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(room::measure(&mut figures));
    figures.judge(include_str!("measured.txt"));
}
