//! What came of a fault.

use crate::checker::{Violation, check};
use crate::fleet::Fleet;
use crate::history::{History, Op};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// How long faults last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// For every run of the tests.
    Short,
    /// As the table says.
    Full,
}

impl Length {
    /// One of two.
    pub fn of<T>(self, short: T, full: T) -> T {
        if self == Self::Short { short } else { full }
    }
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

    /// Whether nothing is wrong.
    pub fn good(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// Lets a fault take place; one that panics is a failed one.
pub async fn run(what: impl Future<Output = Report>) -> Report {
    AssertUnwindSafe(what).catch_unwind().await.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Report { wrong: vec![said.unwrap_or_else(|| "it panicked".into())], ..Report::default() }
    })
}

/// One line a fault.
pub fn table(reports: &[(&str, Report)]) -> String {
    let mut table = String::from(
        "| fault | acked | lost | doubled | reordered | worst delivery | verdict |\n|---|---:|---:|---:|---:|---:|---|\n",
    );
    for (name, report) in reports {
        let Report { acked, lost, doubled, reordered, worst, .. } = report;
        let verdict = if report.good() { "kept" } else { "BROKEN" };
        table += &format!(
            "| {name} | {acked} | {lost} | {doubled} | {reordered} | {:.1} s | {verdict} |\n",
            worst.as_secs_f64()
        );
        for wrong in &report.wrong {
            table += &format!("|   {wrong} |||||||\n");
        }
    }
    table
}
