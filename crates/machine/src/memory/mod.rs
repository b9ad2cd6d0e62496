//! Memory of this machine that is free.

mod control_groups;
pub mod oom_killer;

use std::fs;

use crate::fields;

/// Bytes that the system can give without swapping, and that the control groups of this process allow (Slurm, containers);
/// `None` where the kernel does not show them.
pub fn free() -> Option<u64> {
    let available = available(&fs::read_to_string("/proc/meminfo").ok()?)?;
    Some(control_groups::free().map_or(available, |free| free.min(available)))
}

fn available(meminfo: &str) -> Option<u64> {
    fields::bytes(meminfo, "MemAvailable:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_counts_what_the_kernel_keeps_of_files() {
        let meminfo = include_str!("../../tests/recorded/meminfo");
        assert_eq!(available(meminfo), Some(22_527_480 << 10));
        assert_eq!(available("MemTotal: 24684084 kB\nMemFree: 1411572 kB\n"), None);
        assert!(free().is_some_and(|free| free > 0));
    }
}
