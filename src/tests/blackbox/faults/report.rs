//! What came of a fault, and the table of all.

use super::fleet::Instance;
use crate::checker::{Violation, check};
use crate::history::{History, Op};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Every fault, in the order of the table.
pub const FAULTS: [&str; 22] = [
    "`kill -9` of an instance, again and again",
    "an instance frozen for 90 s, then continued",
    "an instance frozen inside a transaction",
    "an instance without network, its sockets half open",
    "rolling restart behind a balancer",
    "the clock of an instance an hour fast",
    "`kill -9` of Redis, back empty",
    "Redis frozen for 60 s",
    "Redis out of reach of one instance",
    "Postgres crashes and comes back",
    "Postgres frozen for 20 s",
    "answers to COMMIT lost",
    "Postgres takes no writes",
    "a slow, crumbling, silent and cut way to Postgres",
    "no connection to Postgres left",
    "the disk of Postgres full",
    "the disk of an instance on SQLite full",
    "commits with a member that the database refuses",
    "an older dump restored",
    "an older cold copy restored",
    "50 readers that stop reading",
    "reconnect storm",
];

/// Its columns.
const HEAD: &str =
    "| fault | acked | lost | doubled | reordered | worst delivery | verdict |\n|---|---:|---:|---:|---:|---:|---|\n";

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
        let late = format!("an event took {worst:?} to be everywhere, and {bound:?} at most was promised");
        self.demand(worst <= bound, &late);
        self
    }

    /// Demands that instances keep nothing of those who left, and are no larger for what befell them.
    pub async fn clean(mut self, instances: &[Instance]) -> Self {
        for instance in instances.iter().filter(|instance| instance.server.is_some()) {
            self.wrong.extend(instance.left_over().await);
            self.wrong.extend(instance.grown());
        }
        self
    }

    /// Prints the line of the table, keeps it for the table, and fails the test if anything is wrong.
    pub fn verdict(self, fault: &str) {
        let Self { acked, lost, doubled, reordered, worst, wrong } = self;
        let verdict = if wrong.is_empty() { "kept" } else { "BROKEN" };
        let worst = worst.as_secs_f64();
        let line = format!("| {fault} | {acked} | {lost} | {doubled} | {reordered} | {worst:.1} s | {verdict} |\n");
        print!("{line}");
        keep(fault, &line);
        assert!(wrong.is_empty(), "{fault}: {wrong:#?}");
    }
}

/// Keeps a line; the last one missing makes the table whole.
fn keep(fault: &str, line: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults");
    fs::create_dir_all(&folder).unwrap();
    let place = |index: usize| -> PathBuf { folder.join(format!("{index:02}.line")) };
    let index = FAULTS.iter().position(|known| *known == fault).expect("a fault of the table");
    fs::write(place(index), line).unwrap();
    let lines: Vec<String> = (0..FAULTS.len()).filter_map(|index| fs::read_to_string(place(index)).ok()).collect();
    if lines.len() == FAULTS.len() {
        fs::write(folder.join("table.md"), format!("{HEAD}{}", lines.concat())).unwrap();
    }
}
