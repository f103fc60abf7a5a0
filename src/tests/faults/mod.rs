//! What befalls a fleet, one fault after the other, beneath clients that write, react and read all the while. After each:
//! nothing that was acknowledged is lost, doubled or reordered, every client stands at every head, and nothing is left over.
//!
//! `cargo test --test faults -- NAME…` takes those whose names contain a word. `BELFRY_FAULTS=full` takes all of them at
//! full length, as `make faults` does; else a short cut is taken. Needs Postgres and Redis on this machine.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test fails the test where it stands")]

#[path = "../blackbox/support/mod.rs"]
mod support;
#[path = "../blackbox/history.rs"]
mod history;
#[path = "../blackbox/checker/mod.rs"]
mod checker;
#[path = "../blackbox/client.rs"]
mod client;
#[path = "../blackbox/mind.rs"]
mod mind;
#[path = "../blackbox/traffic.rs"]
mod traffic;
mod services;
mod proxy;
mod balancer;
mod fleet;
mod report;
mod instances;

use report::{Length, Report};
use std::process::ExitCode;

/// A fault: its name, whether the short cut has it, and what happens.
type Row = (&'static str, bool, fn(Length) -> std::pin::Pin<Box<dyn Future<Output = Report>>>);

macro_rules! rows {
    ($($name:literal $short:literal $what:path,)+) => { [$(($name, $short, |length| Box::pin($what(length)))),+] };
}

fn main() -> ExitCode {
    let rows: &[Row] = &rows![
        "kill -9 of an instance" true instances::killed,
    ];
    let length =
        if std::env::var("BELFRY_FAULTS").is_ok_and(|value| value == "full") { Length::Full } else { Length::Short };
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |(name, short, _): &&Row| match words.is_empty() {
        true => *short || length == Length::Full,
        false => words.iter().any(|word| name.contains(word.as_str())),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut reports = Vec::new();
    for (name, _, what) in rows.iter().filter(wanted) {
        eprintln!("{name} …");
        // A row that fails to take place is a failed row, and the others go on.
        let report =
            runtime.block_on(async { tokio::task::LocalSet::new().run_until(report::run(what(length))).await });
        eprintln!("{name}: {report:?}");
        reports.push((*name, report));
    }
    print!("{}", report::table(&reports));
    let failed = reports.iter().filter(|(_, report)| !report.good()).count();
    println!("faults: {} passed, {failed} failed", reports.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
