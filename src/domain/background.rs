//! Work that takes long and may wait, on threads that run when those that serve sockets leave something of a processor.

use rustix::process::{getpriority_process, setpriority_process};
use tokio::task::{JoinError, spawn_blocking};

/// The niceness of these threads (POSIX `nice`: 0 is usual, 19 the lowest). At 10 Linux gives a tenth of what a usual thread
/// gets where both want to run, and lets that one go first.
const NICENESS: i32 = 10;

/// Does the work, even if whoever asked goes away meanwhile.
///
/// # Errors
/// The work panicked, or the process ends.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    spawn_blocking(move || {
        stand_back();
        work()
    })
    .await
}

/// Lowers this thread, which is not raised again: all that the runtime does on such threads may wait. Where that is not
/// possible the work is done all the same.
fn stand_back() {
    // For Linux "the calling process" is the thread.
    if getpriority_process(None).is_ok_and(|niceness| niceness < NICENESS) {
        let _ = setpriority_process(None, NICENESS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_thread_of_such_work_stands_back_and_no_other_does() {
        let before = getpriority_process(None).unwrap();
        for _ in 0..2 {
            assert_eq!(run(|| getpriority_process(None).unwrap()).await.unwrap(), before.max(NICENESS));
        }
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}
