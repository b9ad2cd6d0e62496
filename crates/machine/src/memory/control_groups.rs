//! Memory that control groups leave to this process: those of a Slurm job, of a container, of a login session.
//!
//! Both versions of the kernel's interface: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.

use std::fs;
use std::path::Path;

/// File names of one version of the kernel's interface.
struct Interface {
    /// Folders below the root of all groups at which the tree of this version may begin.
    tops: &'static [&'static str],
    limits: &'static [&'static str],
    usage: &'static str,
    /// Lines of `memory.stat` that count cached files, of a group and of all groups below it.
    cache: [&'static str; 2],
}

/// Version 2. Above `memory.high` the kernel does not refuse memory: it stops the process that asks for memory.
const SECOND: Interface = Interface {
    tops: &["", "unified"],
    limits: &["memory.max", "memory.high"],
    usage: "memory.current",
    cache: ["inactive_file", "active_file"],
};
/// Version 1.
const FIRST: Interface = Interface {
    tops: &["memory"],
    limits: &["memory.limit_in_bytes"],
    usage: "memory.usage_in_bytes",
    cache: ["total_inactive_file", "total_active_file"],
};

/// Bytes that the tightest group leaves, from the group of this process up to the root; `None` where no group has a limit.
pub(crate) fn free() -> Option<u64> {
    free_of(Path::new("/sys/fs/cgroup"), &fs::read_to_string("/proc/self/cgroup").ok()?)
}

/// Bytes that the groups in `own` leave, which are lines of `id:controllers:path`. In a container the path may be a path of the
/// host, of which the container sees only the root.
fn free_of(root: &Path, own: &str) -> Option<u64> {
    let least = |line: &str| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let interface = match controllers {
            "" => SECOND,
            list if list.split(',').any(|name| name == "memory") => FIRST,
            _ => return None,
        };
        let path = path.trim_start_matches('/');
        interface.tops.iter().filter_map(|top| interface.least(&root.join(top), path)).min()
    };
    own.lines().filter_map(least).min()
}

impl Interface {
    /// Bytes that the tightest group leaves, from `path` below `top` upwards.
    fn least(&self, top: &Path, path: &str) -> Option<u64> {
        let folder = top.join(path);
        folder.ancestors().take_while(|folder| folder.starts_with(top)).filter_map(|folder| self.left(folder)).min()
    }

    /// Bytes that the group leaves. Cached files count as free: the kernel drops them for a process that asks for memory.
    fn left(&self, folder: &Path) -> Option<u64> {
        let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let number = |name: &str| text(name)?.trim().parse::<u64>().ok();
        let limit = self.limits.iter().filter_map(|name| number(name)).min()?;
        let stat = text("memory.stat").unwrap_or_default();
        let cached = |line: &str| {
            let (name, bytes) = line.split_once(' ')?;
            self.cache.contains(&name).then(|| bytes.parse::<u64>().ok())?
        };
        let cache = stat.lines().filter_map(cached).sum();
        Some(limit.saturating_sub(number(self.usage)?.saturating_sub(cache)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of groups, and what a process in `own` finds.
    fn found(own: &str, files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{text}\n")).unwrap();
        }
        free_of(root.path(), own)
    }

    #[test]
    fn the_tightest_group_on_the_way_to_the_root_decides_and_cached_files_are_free() {
        let job = [
            ("memory.stat", "inactive_file 5"),
            ("slurm/job_7/memory.max", "1000"),
            ("slurm/job_7/memory.high", "900"),
            ("slurm/job_7/memory.current", "700"),
            ("slurm/job_7/memory.stat", "anon 300\nactive_file 100\ninactive_file 300\nslab 7"),
            ("slurm/job_7/step_0/memory.max", "max"),
            ("slurm/job_7/step_0/memory.current", "650"),
        ];
        // 900 less the 300 that are not cached.
        assert_eq!(found("0::/slurm/job_7/step_0\n", &job), Some(600));
        // Another job's limit is not ours.
        assert_eq!(found("0::/slurm/job_8\n", &job), None);
    }

    #[test]
    fn the_first_version_is_read_where_it_has_the_memory() {
        let job = [
            ("memory/slurm/job_7/memory.limit_in_bytes", "1000"),
            ("memory/slurm/job_7/memory.usage_in_bytes", "700"),
            ("memory/slurm/job_7/memory.stat", "inactive_file 1\ntotal_inactive_file 200\ntotal_active_file 100"),
            ("memory/memory.limit_in_bytes", "9223372036854771712"),
            ("memory/memory.usage_in_bytes", "5000"),
        ];
        let own = "12:cpuset:/\n9:memory,hugetlb:/slurm/job_7\n0::/init.scope\n";
        assert_eq!(found(own, &job), Some(600));
        // In a container only the root of its own is there.
        let container = [("memory/memory.limit_in_bytes", "800"), ("memory/memory.usage_in_bytes", "200")];
        assert_eq!(found("9:memory:/docker/0123\n", &container), Some(600));
    }

    #[test]
    fn a_group_that_holds_more_than_it_may_leaves_nothing() {
        let job = [("a/memory.max", "100"), ("a/memory.current", "150")];
        assert_eq!(found("0::/a", &job), Some(0));
    }
}
