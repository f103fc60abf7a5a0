//! What the kernel knows of a process.

use crate::arguments::Failure;
use std::fs;

/// Of `/proc/PID/stat`; Linux has counted in hundredths of a second towards user space since ever.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds, user and system, of all threads and of children that were waited for.
pub fn cpu_seconds(pid: u32) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; utime is the twelfth field behind it.
    let fields: Vec<&str> = stat.rsplit_once(')').ok_or("stat without a name")?.1.split_whitespace().collect();
    let ticks: u64 = fields[11..15].iter().map(|ticks| ticks.parse::<u64>()).sum::<Result<_, _>>()?;
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// Resident memory in KiB.
pub fn resident_kib(pid: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("status without VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
