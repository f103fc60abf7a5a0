//! What every test stands on: a server as a process, a socket, REST, and patience with an end.

pub mod server;
pub mod database;
pub mod wire;
pub mod raw;
pub mod rest;

use std::future::Future;
use std::time::Duration;

/// How long a test waits for what must happen. Nothing here is expected to take a tenth of it.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Waits for what must happen, and says what did not.
pub async fn within<T>(patience: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(patience, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {patience:?} in vain for {what}"),
    }
}
