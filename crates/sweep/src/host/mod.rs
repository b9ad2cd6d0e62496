//! This machine: its processor, and memory that is free.

mod control;
mod cores;

use std::fs;

pub use cores::{Cores, cores};

/// The processor's product name.
pub fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// Bytes that the system can give without swapping, and that the control groups of this process allow (Slurm, containers);
/// `None` where the system does not tell.
pub fn free() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let available = line.split_whitespace().next()?.parse::<u64>().ok()?.saturating_mul(1024);
    Some(control::free().map_or(available, |free| free.min(available)))
}
