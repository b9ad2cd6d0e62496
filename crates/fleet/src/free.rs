//! Memory that is free for workers now.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Slot;
use crate::health::nvml::driver;

/// Share of the host's free memory that workers may take together: the scheduler and others need some too.
const SHARE: f64 = 0.9;

/// Bytes of the GPU called `uuid`: free now, and all.
fn of_gpu(uuid: &str) -> Option<u64> {
    let memory = driver().ok()?.device_by_uuid(uuid).ok()?.memory_info().ok()?;
    Some(memory.free)
}

/// Bytes that the worker of each of `slots` may take: of its GPU what is free, of the host an equal share of what is.
pub fn budgets(slots: &[Slot]) -> Vec<Option<u64>> {
    let host = slots.iter().filter(|slot| slot.gpu.is_none()).count().max(1) as u64;
    let share = host_free().map(|free| (free as f64 * SHARE) as u64 / host);
    slots.iter().map(|slot| slot.gpu.as_deref().map_or(share, of_gpu)).collect()
}

/// What the system can give without swapping, and the control groups of this process allow (Slurm, containers).
fn host_free() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let available = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.split_whitespace().next()?.parse::<u64>().ok())?;
    Some(group_free().map_or(available * 1024, |free| free.min(available * 1024)))
}

/// The least that any control group from this process's up to the root has left.
fn group_free() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let folder = PathBuf::from("/sys/fs/cgroup").join(path.trim_start_matches('/'));
    folder.ancestors().take_while(|folder| folder.starts_with("/sys/fs/cgroup")).filter_map(left).min()
}

fn left(folder: &Path) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_on_the_cpu_share_what_is_free() {
        let slot = |index: usize| Slot {
            name: format!("cpu:{index}"),
            model: String::new(),
            threads: 1,
            gpu: None,
            memory: None,
        };
        let (one, two) = (budgets(&[slot(0)]), budgets(&[slot(0), slot(1)]));
        let (one, two) = (one[0].unwrap(), two[1].unwrap());
        // What is free changes between the two calls.
        assert!(one > two && (1.5..2.5).contains(&(one as f64 / two as f64)), "{one} {two}");
    }
}
