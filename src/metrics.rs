//! Metrics: every name once.

use std::time::Duration;

/// Counts an answered request.
pub fn http_request(route: &str, method: &str, status: u16, duration: Duration) {
    let _ = (route, method, status, duration);
}
