//! What an instance says of itself in numbers, and what it must say once everybody has left.

use super::fleet::Instance;
use std::time::Duration;

/// Time for what is left behind to be let go: a channel lingers for a second, and a sweep finds that it has.
const REST: Duration = Duration::from_secs(10);

/// What may be kept when nobody is there: the log of revocations, which every instance follows.
const AT_REST: [(&str, f64); 5] = [
    ("belfry_sockets", 0.0),
    ("belfry_channels", 1.0),
    ("belfry_rosters", 0.0),
    ("belfry_tail_bytes", 0.0),
    ("belfry_bus_channels", 1.0),
];

impl Instance {
    /// A number of its metrics, all its series together unless one is named.
    pub async fn metric(&self, name: &str) -> f64 {
        let metrics = self.server().started.iter().find_map(|line| line.strip_prefix("metrics at ")).expect("metrics");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let text = client.get(metrics).send().await.unwrap().text().await.unwrap();
        let own = text.lines().filter_map(|line| line.strip_prefix(name));
        own.filter(|rest| rest.starts_with([' ', '{']) || name.ends_with('}'))
            .filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Waits for it to keep nothing of those who left; says what it still keeps.
    pub async fn left_over(&self) -> Vec<String> {
        let mut left = vec![String::new()];
        let rest = async {
            let mut looks = tokio::time::interval(Duration::from_millis(50));
            while !left.is_empty() {
                looks.tick().await;
                let mut now = Vec::new();
                for (gauge, most) in AT_REST {
                    let value = self.metric(gauge).await;
                    if value > most {
                        now.push(format!("{gauge} is {value} when nobody is there"));
                    }
                }
                left = now;
            }
        };
        let _ = tokio::time::timeout(REST, rest).await;
        left
    }
}
