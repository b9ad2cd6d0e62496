//! Whether the kernel ended processes because memory was wanting: to their parent that is SIGKILL, as from anybody.

use std::fs::read_to_string;
use std::path::PathBuf;

/// Processes that the kernel has ended so, on this machine and in the control group of this process (Slurm, containers):
/// whoever sees this rise between the start and the end of a process knows why that ended. Zero where nothing is told.
pub(crate) fn kills() -> u64 {
    let group = read_to_string("/proc/self/cgroup").ok().and_then(|own| {
        let path = own.lines().find_map(|line| line.strip_prefix("0::"))?.trim_start_matches('/').to_owned();
        Some(PathBuf::from("/sys/fs/cgroup").join(path).join("memory.events"))
    });
    let texts = [Some(PathBuf::from("/proc/vmstat")), group].into_iter().flatten().map(read_to_string);
    texts.flatten().filter_map(|text| told(&text)).sum()
}

/// The number behind `oom_kill`, as both files spell it.
fn told(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read() {
        let events = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n";
        let vmstat = "nr_free_pages 7\noom_kill 41\npswpin 0\n";
        assert_eq!([events, vmstat, "oom 3\n", ""].map(told), [Some(2), Some(41), None, None]);
    }
}
