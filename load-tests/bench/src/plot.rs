//! Bars, as SVG that reads well on light and on dark pages.

use crate::peers::WAYS;
use crate::report::{burst, number, thousands};
use crate::results::{Cell, Results};
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const LEFT: f64 = 210.0;
const RIGHT: f64 = 110.0;
const TOP: f64 = 58.0;
const BAR: f64 = 18.0;
const STEP: f64 = 27.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2328}.t{font-size:15px;font-weight:600}.s{fill:#59636e}\
    .b{fill:#8c959f}.f{fill:#c8ced5}.m{fill:#0f766e}.n{font-weight:600}line{stroke:#d1d9e0}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#9198a1}.b{fill:#656c76}.f{fill:#3d444d}.m{fill:#2dd4bf}\
    line{stroke:#3d444d}}";

/// A picture's file name and its text.
pub fn all(results: &Results) -> Vec<(&'static str, String)> {
    let at = |mode| Cell { mode, subscribers: 1_000, many: false };
    let cpu = |name, title: &str, cell| {
        (name, bars(results, title, "µs of CPU per delivered message; less is better", cell, "cpu_us", number))
    };
    let burst = format!("Bursts of {}, 1,000 subscribers", burst(1_000));
    vec![
        cpu("one.svg", "One message at a time, 1,000 subscribers", at("one")),
        cpu("burst.svg", &burst, at("burst")),
        cpu(
            "rooms.svg",
            "Many rooms of 10, as fast as it goes",
            Cell { mode: "saturation", subscribers: 0, many: true },
        ),
        (
            "saturation.svg",
            bars(
                results,
                "As fast as it goes, 1,000 subscribers, one core",
                "deliveries a second; more is better",
                at("saturation"),
                "per_second",
                |value| thousands(value.unwrap_or(0.0)),
            ),
        ),
        (
            "idle.svg",
            bars(
                results,
                "An idle socket, with heartbeats",
                "KiB resident each, of the crowd that idles; less is better",
                Cell { mode: "idle", subscribers: 0, many: false },
                "kib_per_socket",
                number,
            ),
        ),
    ]
}

fn bars(
    results: &Results,
    title: &str,
    unit: &str,
    cell: Cell,
    field: &str,
    shown: impl Fn(Option<f64>) -> String,
) -> String {
    let mut found = Vec::new();
    for way in results.ways().filter_map(|name| WAYS.iter().find(|way| way.name == name)) {
        if let Some(value) = results.median(way.name, cell, field) {
            found.push((way, value));
        }
    }
    let most = found.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let height = TOP + STEP * found.len() as f64 + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n\
         <style>{STYLE}</style>\n<text class=\"t\" x=\"12\" y=\"24\">{title}</text>\n\
         <text class=\"s\" x=\"12\" y=\"43\">{unit}</text>\n"
    );
    for (index, (way, value)) in found.iter().enumerate() {
        let y = TOP + STEP * index as f64;
        let length = ((WIDTH - LEFT - RIGHT) * value / most).max(1.0);
        let class = match way.server {
            "belfry" => "m",
            "floor" => "f",
            _ => "b",
        };
        let name = if way.server == "belfry" { " class=\"n\"" } else { "" };
        let label = way.label.replace(['*', '`'], "").replace(", committed", "");
        // What idles has not been published to in any way.
        let label = label.split(',').next().filter(|_| cell.mode == "idle").unwrap_or(&label);
        let base = y + BAR - 4.0;
        let _ = writeln!(
            svg,
            "<text{name} x=\"{}\" y=\"{base}\" text-anchor=\"end\">{label}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\"/>\
             <text{name} x=\"{:.1}\" y=\"{base}\">{}</text>",
            LEFT - 10.0,
            LEFT + length + 7.0,
            shown(Some(*value)),
        );
    }
    let _ = write!(svg, "<line x1=\"{LEFT}\" y1=\"{}\" x2=\"{LEFT}\" y2=\"{}\"/>\n</svg>\n", TOP - 4.0, height - 8.0);
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bar_is_as_long_as_its_value_and_what_was_not_measured_has_none() {
        let measure = |way: &str, kib: f64| json!({"way": way, "mode": "idle", "rooms": 1, "kib_per_socket": kib});
        let found = Results(json!({
            "ways": ["belfry", "ws", "nats"], "measures": [measure("belfry", 2.0), measure("ws", 8.0)],
        }));
        let pictures = all(&found);
        let (_, idle) = pictures.iter().find(|(name, _)| *name == "idle.svg").expect("it is drawn");
        assert_eq!(idle.matches("<rect").count(), 2);
        assert!(idle.contains("width=\"100.0\"") && idle.contains("width=\"400.0\""), "{idle}");
    }
}
