//! What a run found, as it is kept in a file, and its medians.

use crate::arguments::Failure;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// A run.
pub struct Results(pub Value);

/// A column of a table: what was measured, and of which crowd.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// `one`, `burst`, `idle`, `saturation`, `rate:N`.
    pub mode: &'a str,
    /// Sockets; 0: any.
    pub subscribers: u64,
    /// Whether they are in many rooms.
    pub many: bool,
}

impl Results {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        Ok(Self(serde_json::from_slice(&std::fs::read(path)?)?))
    }

    /// Writes a file, a measure a line.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut head = self.0.clone();
        let measures = head["measures"].take();
        let lines: Vec<String> = measures.as_array().into_iter().flatten().map(Value::to_string).collect();
        let mark = "\"measures\": null";
        let text = serde_json::to_string_pretty(&head)?;
        let text = text.replace(mark, &format!("\"measures\": [\n    {}\n  ]", lines.join(",\n    ")));
        Ok(std::fs::write(path, text + "\n")?)
    }

    /// The ways that were asked for.
    pub fn ways(&self) -> impl Iterator<Item = &str> {
        self.0["ways"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// The sizes of crowds in one room.
    pub fn sizes(&self) -> Vec<u64> {
        let ones = self.measures().filter(|measure| measure["mode"] == "one");
        let mut sizes: Vec<u64> = ones.filter_map(|measure| measure["subscribers"].as_u64()).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// The median of a field over the rounds.
    pub fn median(&self, way: &str, cell: Cell, field: &str) -> Option<f64> {
        median(self.of(way, cell).filter_map(|measure| measure[field].as_f64()).collect())
    }

    /// The median of the CPU beside the floor's of the same round.
    pub fn times_floor(&self, way: &str, cell: Cell) -> Option<f64> {
        let ratio = |measure: &Value| {
            let floor = self.of("floor", cell).find(|floor| floor["round"] == measure["round"])?;
            Some(measure["cpu_us"].as_f64()? / floor["cpu_us"].as_f64()?)
        };
        median(self.of(way, cell).filter_map(ratio).collect())
    }

    /// Deliveries that did not come, in all rounds and modes.
    pub fn lost(&self, way: &str) -> u64 {
        let mine = self.measures().filter(|measure| measure["way"] == way);
        mine.filter_map(|measure| measure["lost"].as_u64()).sum()
    }

    fn measures(&self) -> impl Iterator<Item = &Value> {
        self.0["measures"].as_array().into_iter().flatten()
    }

    fn of(&self, way: &str, cell: Cell) -> impl Iterator<Item = &Value> {
        self.measures().filter(move |measure| {
            measure["way"] == way
                && measure["mode"] == cell.mode
                && (cell.subscribers == 0 || measure["subscribers"] == cell.subscribers)
                && (measure["rooms"] != 1) == cell.many
        })
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().saturating_sub(1) / 2)?, values.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}

/// Where and when this is.
pub fn machine() -> Value {
    let line = |path: &str, name: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches([' ', '\t', ':', '=']).trim_matches('"').trim().to_owned()
    };
    let date = Command::new("date").arg("+%F").output().map(|output| output.stdout).unwrap_or_default();
    json!({
        "date": String::from_utf8_lossy(&date).trim(), "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "cpu": line("/proc/cpuinfo", "model name"), "system": line("/etc/os-release", "PRETTY_NAME"),
        "kernel": line("/proc/sys/kernel/osrelease", "").split('-').next(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_median_of_rounds_each_beside_its_own_floor() {
        let measure = |way: &str, round: u64, cpu: f64| json!({"way": way, "mode": "one", "subscribers": 100, "rooms": 1, "round": round, "cpu_us": cpu, "lost": 1});
        let found = Results(json!({"measures": [
            measure("floor", 1, 2.0), measure("floor", 2, 4.0), measure("floor", 3, 2.0),
            measure("ws", 1, 3.0), measure("ws", 2, 6.4), measure("ws", 3, 10.0),
        ]}));
        let cell = Cell { mode: "one", subscribers: 100, many: false };
        assert_eq!(found.times_floor("ws", cell), Some(1.6));
        assert_eq!(found.median("ws", cell, "cpu_us"), Some(6.4));
        assert_eq!(found.median("nats", cell, "cpu_us"), None);
        assert_eq!((found.lost("ws"), found.sizes()), (3, vec![100]));
        assert_eq!(median(vec![3.0, 1.0]), Some(2.0));
    }
}
