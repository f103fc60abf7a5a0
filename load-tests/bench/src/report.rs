//! Tables of a run, as Markdown, and their place in the README.

use crate::arguments::{Arguments, Failure};
use crate::peers::WAYS;
use crate::plot;
use crate::results::{Cell, Results};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- bench:begin -->";
const END: &str = "<!-- bench:end -->";

/// Draws `--results` anew, into `--readme` and `--plots` where those are given.
pub fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let results = Results::read(&arguments.need::<PathBuf>("results")?)?;
    let (readme, plots) = (arguments.take::<PathBuf>("readme")?, arguments.take::<PathBuf>("plots")?);
    arguments.done()?;
    publish(&results, readme.as_deref(), plots.as_deref())
}

/// Prints the tables, draws the plots, and rewrites the marked block of a README.
pub fn publish(results: &Results, readme: Option<&Path>, plots: Option<&Path>) -> Result<(), Failure> {
    let tables = tables(results);
    if let Some(plots) = plots {
        std::fs::create_dir_all(plots)?;
        for (name, svg) in plot::all(results) {
            std::fs::write(plots.join(name), svg)?;
        }
    }
    if let Some(readme) = readme {
        let text = std::fs::read_to_string(readme)?;
        std::fs::write(readme, replaced(&text, &tables)?)?;
    }
    println!("{tables}");
    Ok(())
}

/// Messages of a burst to a crowd of this size.
pub fn burst(subscribers: usize) -> u64 {
    if subscribers < 10_000 { 64 } else { 16 }
}

/// The text with what stands between the marks replaced.
fn replaced(text: &str, block: &str) -> Result<String, Failure> {
    let (before, rest) = text.split_once(BEGIN).ok_or("no mark where the block begins")?;
    let (_, after) = rest.split_once(END).ok_or("no mark where the block ends")?;
    Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", block.trim_end()))
}

fn tables(results: &Results) -> String {
    let machine = |name: &str| results.0["machine"][name].as_str().unwrap_or_default().to_owned();
    let mut text = format!(
        "{}, {}, {} cores, Linux {}, {}; {}.\n\n",
        machine("date"),
        machine("cpu"),
        results.0["machine"]["cores"],
        machine("kernel"),
        machine("system"),
        if results.0["rounds"] == 1 {
            "one round".into()
        } else {
            format!("medians of {} rounds", results.0["rounds"])
        },
    );
    let sizes = results.sizes();
    let one = sizes.iter().map(|size| Cell { mode: "one", subscribers: *size, many: false });
    let bursts = sizes.iter().map(|size| Cell { mode: "burst", subscribers: *size, many: false });
    let many = Cell { mode: "saturation", subscribers: 0, many: true };
    let columns: Vec<Cell> = one.chain(bursts).chain([many]).collect();
    text += "CPU of the server's processes, user and system, in µs per delivered message (and times the floor):\n\n|";
    let heads = columns.iter().map(|cell| match cell.mode {
        "one" => format!(" {} one by one |", thousands(cell.subscribers as f64)),
        "burst" => format!(" {}, bursts of {} |", thousands(cell.subscribers as f64), burst(cell.subscribers as usize)),
        _ => " many rooms of 10 |".to_owned(),
    });
    text.extend([" |".to_owned()].into_iter().chain(heads));
    let _ = write!(text, "\n|---|{}\n", "---:|".repeat(columns.len()));
    row_each(results, &mut text, |way| columns.iter().map(|cell| costs(results, way, *cell)).collect());
    text += "\n1,000 subscribers but for the memory, which is of the crowd that idles:\n\n";
    text += "| | saturated: deliveries a second | p50, p99 ms | ";
    let rate = format!("rate:{}", results.0["rate"]);
    let _ = writeln!(
        text,
        "{} messages a second: µs | p50, p99, p99.9 ms | KiB an idle socket | lost |",
        results.0["rate"]
    );
    text += "|---|---:|---:|---:|---:|---:|---:|\n";
    row_each(results, &mut text, |way| {
        let full = Cell { mode: "saturation", subscribers: 1_000, many: false };
        let paced = Cell { mode: &rate, subscribers: 1_000, many: false };
        let idle = Cell { mode: "idle", subscribers: 0, many: false };
        let times = |cell, fields: &[&str]| {
            let each = fields.iter().map(|field| number(results.median(way, cell, field)));
            each.collect::<Vec<_>>().join(", ")
        };
        vec![
            results.median(way, full, "per_second").map_or("–".into(), thousands),
            times(full, &["p50_ms", "p99_ms"]),
            number(results.median(way, paced, "cpu_us")),
            times(paced, &["p50_ms", "p99_ms", "p999_ms"]),
            number(results.median(way, idle, "kib_per_socket")),
            thousands(results.lost(way) as f64),
        ]
    });
    let comments = Cell { mode: &rate, subscribers: 1_000, many: false };
    if let Some(p99) = results.median("belfry-comment", comments, "p99_ms") {
        let p50 = results.median("belfry-comment", comments, "p50_ms");
        let _ = write!(
            text,
            "\n{} comments a second over a socket, committed, rendered and seen by 1,000 viewers: p50 {} ms, p99 {} ms, {} lost.\n",
            results.0["rate"],
            number(p50),
            number(Some(p99)),
            results.lost("belfry-comment"),
        );
    }
    for failure in results.0["failures"].as_array().into_iter().flatten() {
        let _ = write!(text, "\nNot measured: {}.\n", failure.as_str().unwrap_or_default());
    }
    text += &versions(results);
    text
}

/// A line for each way; one whose server is missing says why instead.
fn row_each(results: &Results, text: &mut String, cells: impl Fn(&str) -> Vec<String>) {
    for way in results.ways().filter_map(|name| WAYS.iter().find(|way| way.name == name)) {
        let why = results.0["missing"][way.server].as_str();
        let cells = why.map_or_else(|| cells(way.name).join(" | "), |why| format!("not here: {why}"));
        let _ = writeln!(text, "| {} | {cells} |", way.label);
    }
}

fn costs(results: &Results, way: &str, cell: Cell) -> String {
    let Some(cpu) = results.median(way, cell, "cpu_us") else { return "–".into() };
    match results.times_floor(way, cell) {
        Some(ratio) if way != "floor" => format!("{} ({}×)", number(Some(cpu)), number(Some(ratio))),
        _ => number(Some(cpu)),
    }
}

fn versions(results: &Results) -> String {
    let versions = results.0["versions"].as_object().into_iter().flatten();
    let named = versions.map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("?")));
    format!("\nVersions: {}.\n", named.collect::<Vec<_>>().join(", "))
}

/// Three digits that count, whatever the size.
pub fn number(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(value) if value >= 100.0 => thousands(value),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) if value >= 1.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.3}"),
    }
}

/// A whole number with commas.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_stands_between_the_marks_is_rewritten() {
        let text = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = replaced(&text, "new\n\n").expect("the marks are there");
        assert_eq!(new, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(replaced(&new, "new").expect("still there"), new);
        assert!(replaced("no marks", "new").is_err());
    }

    #[test]
    fn a_table_has_costs_beside_the_floor_and_says_what_is_not_here() {
        let measure = |way: &str, cpu: f64| json!({"way": way, "mode": "one", "subscribers": 100, "rooms": 1, "round": 1, "cpu_us": cpu, "lost": 0});
        let tables = tables(&Results(json!({
            "ways": ["floor", "ws", "nats"], "rounds": 1, "rate": 50, "versions": {"ws": "8"},
            "missing": {"nats": "no apt"}, "failures": ["ws, 10000 sockets: it broke"],
            "measures": [measure("floor", 2.0), measure("ws", 3.0)],
        })));
        for line in [
            "| floor: a loop of `send(2)` | 2.00 | – | – |",
            "| ws | 3.00 (1.50×) | – | – |",
            "| NATS | not here: no apt |",
            "Not measured: ws, 10000 sockets: it broke.",
            "Versions: ws 8.",
        ] {
            assert!(tables.lines().any(|found| found == line), "{line} in {tables}");
        }
    }

    #[test]
    fn numbers_have_three_digits_that_count_and_commas() {
        assert_eq!(
            ["0.039", "1.86", "12.5", "1,234", "13,046,129"].map(str::to_owned),
            [
                number(Some(0.0391)),
                number(Some(1.857)),
                number(Some(12.49)),
                number(Some(1234.4)),
                thousands(13_046_129.0),
            ]
        );
    }
}
