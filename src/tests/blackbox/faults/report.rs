//! What came of a fault.

use super::fleet::Fleet;
use crate::checker::{Violation, check};
use crate::history::{History, Op};
use std::time::Duration;

/// How long, or how often: the first wherever tests run, the second where faults have their full length.
pub fn lasts<T>(short: T, full: T) -> T {
    if std::env::var("BELFRY_FAULTS").is_ok_and(|value| value == "full") { full } else { short }
}

/// What came of one fault.
#[derive(Debug, Default)]
pub struct Report {
    /// Writes acknowledged.
    pub acked: usize,
    /// Of those, not there in the end.
    pub lost: usize,
    /// There more than once.
    pub doubled: usize,
    /// Not where they must be, holes and repetitions included.
    pub reordered: usize,
    /// Everything else that is wrong.
    pub wrong: Vec<String>,
    /// Longest time from the first sight of an event to the last view's.
    pub worst: Duration,
}

impl Report {
    /// Holds a history to the promises.
    pub fn of(history: &History, worst: Duration) -> Self {
        let mut report = Self { worst, ..Self::default() };
        report.acked = history.ops.iter().filter(|op| matches!(op, Op::Ok { .. })).count();
        for violation in check(history) {
            use Violation::{
                Changed, Doubled, DoubledToggle, Hole, Lost, LostRead, LostToggle, OverNotified, Reordered, Repeated,
                Unnotified,
            };
            match violation {
                Lost { .. } | LostToggle { .. } | LostRead { .. } | Unnotified { .. } => report.lost += 1,
                Doubled { .. } | DoubledToggle { .. } | Changed { .. } | OverNotified { .. } => report.doubled += 1,
                Reordered { .. } | Hole { .. } | Repeated { .. } => report.reordered += 1,
                _ => {}
            }
            report.wrong.push(format!("{violation:?}"));
        }
        report.wrong.truncate(20);
        report
    }

    /// Demands something besides.
    pub fn demand(&mut self, is_so: bool, what: &str) {
        if !is_so {
            self.wrong.push(what.to_owned());
        }
    }

    /// Demands that all had all within a time.
    pub fn within(mut self, bound: Duration) -> Self {
        let worst = self.worst;
        self.demand(
            worst <= bound,
            &format!("an event took {worst:?} to be everywhere, and {bound:?} at most was promised"),
        );
        self
    }

    /// Demands that instances keep nothing of those who left.
    pub async fn clean(mut self, fleet: &Fleet) -> Self {
        for instance in fleet.instances.iter().filter(|instance| instance.server.is_some()) {
            let left = instance.sockets_left().await;
            self.demand(left == 0, &format!("{left} sockets are left over"));
        }
        self
    }

    /// Prints the line of the table, and fails the test if anything is wrong.
    pub fn verdict(self, fault: &str) {
        let Self { acked, lost, doubled, reordered, worst, wrong } = self;
        let verdict = if wrong.is_empty() { "kept" } else { "BROKEN" };
        let worst = worst.as_secs_f64();
        println!("| {fault} | {acked} | {lost} | {doubled} | {reordered} | {worst:.1} s | {verdict} |");
        assert!(wrong.is_empty(), "{fault}: {wrong:#?}");
    }
}
