//! What the kernel knows of a server: a process and all that it started.

use crate::arguments::Failure;
use std::fs;

/// Of `/proc/PID/stat`; Linux has counted in hundredths of a second towards user space since ever.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process and its descendants, as they were when it was looked at.
pub struct Tree(Vec<u32>);

impl Tree {
    /// Looks at the processes below this one.
    pub fn of(root: u32) -> Result<Self, Failure> {
        let mut parents = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // One that has ended meanwhile is not below anything.
            if let Ok(fields) = stat(pid) {
                parents.push((pid, fields[1]));
            }
        }
        let mut tree = vec![root];
        let mut next = 0;
        while let Some(parent) = tree.get(next).copied() {
            tree.extend(parents.iter().filter(|(_, of)| *of == u64::from(parent)).map(|(pid, _)| *pid));
            next += 1;
        }
        Ok(Self(tree))
    }

    /// This process without what it started.
    pub fn this() -> Self {
        Self(vec![std::process::id()])
    }

    /// Their ids, the first one's first.
    pub fn pids(&self) -> &[u32] {
        &self.0
    }

    /// CPU seconds, user and system, of all threads and of children that were waited for.
    pub fn cpu_seconds(&self) -> Result<f64, Failure> {
        let mut ticks = 0;
        for pid in &self.0 {
            // utime, stime, cutime and cstime.
            ticks += stat(*pid)?[11..15].iter().sum::<u64>();
        }
        Ok(ticks as f64 / TICKS_PER_SECOND)
    }

    /// Resident memory in KiB. What processes share counts once: proportional where the kernel tells it.
    pub fn resident_kib(&self) -> Result<u64, Failure> {
        if let [pid] = self.0[..] {
            return field(&format!("/proc/{pid}/status"), "VmRSS:");
        }
        self.0.iter().map(|pid| field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")).sum()
    }
}

/// The fields behind the name, from the state on; what is no number counts as nothing.
fn stat(pid: u32) -> Result<Vec<u64>, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything.
    let fields = stat.rsplit_once(')').ok_or("stat without a name")?.1;
    Ok(fields.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
}

fn field(path: &str, name: &str) -> Result<u64, Failure> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("{path} without {name}"))?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::time::{Duration, Instant};

    #[test]
    fn a_tree_holds_the_children_and_their_children() {
        let mut child = Command::new("sh").args(["-c", "sleep 60 & sleep 60; true"]).spawn().expect("sh starts");
        let mut tree = Tree::of(child.id()).expect("the tree is read");
        let begun = Instant::now();
        while tree.0.len() < 3 && begun.elapsed() < Duration::from_secs(10) {
            tree = Tree::of(child.id()).expect("the tree is read");
        }
        for pid in &tree.0[1..] {
            let _ = Command::new("kill").arg(pid.to_string()).status();
        }
        let _ = child.kill();
        let _ = child.wait();
        assert_eq!(tree.0.len(), 3);
        assert!(Tree::of(std::process::id()).is_ok_and(|tree| tree.resident_kib().is_ok_and(|kib| kib > 500)));
    }
}
