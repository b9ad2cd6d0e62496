//! Processes that the kernel killed because memory was wanting. To the parent of a process that is SIGKILL, as from anybody.

use std::fs::read_to_string;
use std::path::PathBuf;

/// Number of processes that the kernel has killed for memory, on this machine and in the control group of this process (Slurm,
/// containers). A parent that sees this number rise between start and end of a child knows why the child ended. Zero where the
/// kernel does not show it.
pub fn kills() -> u64 {
    let group = read_to_string("/proc/self/cgroup").ok().and_then(|own| {
        let path = own.lines().find_map(|line| line.strip_prefix("0::"))?.trim_start_matches('/').to_owned();
        Some(PathBuf::from("/sys/fs/cgroup").join(path).join("memory.events"))
    });
    let texts = [Some(PathBuf::from("/proc/vmstat")), group].into_iter().flatten().map(read_to_string);
    texts.flatten().filter_map(|text| count(&text)).sum()
}

/// The number behind `oom_kill`, as `vmstat` and `memory.events` alike spell it.
fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read() {
        let events = include_str!("../../tests/recorded/memory.events");
        let vmstat = include_str!("../../tests/recorded/vmstat");
        assert_eq!([events, vmstat, "oom 3\n", ""].map(count), [Some(2), Some(41), None, None]);
    }
}
