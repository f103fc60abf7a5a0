//! What was counted, beside what was counted before.

use crate::ALLOCATOR;
use stats_alloc::Stats;
use std::fmt::Write;

/// How far a figure may move.
const MARGIN: f64 = 0.1;
/// Figures are written with so many decimals; less than half of the last is no difference.
const DECIMALS: usize = 2;

/// What was asked of the allocator meanwhile.
#[derive(Clone, Copy)]
pub struct Asked {
    /// Times.
    pub times: f64,
    /// Bytes.
    pub bytes: f64,
    /// Bytes that are still held.
    pub held: f64,
}

/// A moment to count from.
pub struct Since(Stats);

impl Since {
    pub fn now() -> Self {
        Self(ALLOCATOR.stats())
    }

    pub fn asked(&self) -> Asked {
        let stats = ALLOCATOR.stats() - self.0;
        let times = (stats.allocations + stats.reallocations) as f64;
        let bytes = stats.bytes_allocated as f64;
        Asked { times, bytes, held: bytes - stats.bytes_deallocated as f64 }
    }
}

/// Figures in the order taken.
#[derive(Default)]
pub struct Figures(Vec<(String, f64)>);

impl Figures {
    pub fn add(&mut self, name: &str, figure: f64) {
        self.0.push((name.to_owned(), figure));
    }

    /// Times and bytes of the cheapest of several rounds, each of so many units.
    pub fn add_rounds(&mut self, name: &str, unit: &str, units: f64, rounds: &[Asked]) {
        self.add(&format!("{name}: allocations {unit}"), least(rounds, |asked| asked.times) / units);
        self.add(&format!("{name}: bytes {unit}"), least(rounds, |asked| asked.bytes) / units);
    }

    /// Compares with lines of a name, an equals sign and a number.
    pub fn judge(&self, measured: &str) {
        let lines = measured.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let mut before: Vec<(&str, f64)> = lines
            .map(|line| line.split_once(" = ").unwrap_or_else(|| panic!("no number: {line}")))
            .map(|(name, number)| (name, number.parse().unwrap_or_else(|_| panic!("no number: {number}"))))
            .collect();
        let (mut now, mut wrong) = (String::new(), String::new());
        for (name, figure) in &self.0 {
            let _ = writeln!(now, "{name} = {figure:.DECIMALS$}");
            let known = before.iter().position(|(known, _)| known == name).map(|at| before.remove(at).1);
            if let Some(complaint) = known.map_or(Some("is not there yet"), |known| complaint(*figure, known)) {
                let known = known.map_or("nothing".into(), |known| format!("{known:.DECIMALS$}"));
                let _ = writeln!(wrong, "  {name}: {known} before, {figure:.DECIMALS$} now: {complaint}");
            }
        }
        before.iter().for_each(|(name, _)| wrong += &format!("  {name} is no longer measured\n"));
        println!("{now}");
        assert!(
            wrong.is_empty(),
            "src/tests/cost/measured.txt and what is measured differ:\n{wrong}\nAll of it now:\n{now}"
        );
    }
}

/// The least of several rounds: what the moment adds, the doubling of a buffer or a wait for the database's thread, is
/// never less than nothing.
pub fn least(rounds: &[Asked], figure: fn(&Asked) -> f64) -> f64 {
    rounds.iter().map(figure).fold(f64::INFINITY, f64::min)
}

/// What is wrong with a figure beside the one before.
fn complaint(figure: f64, before: f64) -> Option<&'static str> {
    let slack = before * MARGIN + 0.5 / 10_f64.powi(DECIMALS as i32);
    match figure - before {
        more if more > slack => Some("worse, find out why"),
        less if less < -slack => Some("better, write it down"),
        _ => None,
    }
}
