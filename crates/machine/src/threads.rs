//! Threads of the process that calls.

use std::collections::HashMap;
use std::fs;

/// Nanoseconds for which each thread, by its id, was ready and waited for a core, since its start. Empty where the kernel does
/// not show them.
pub fn waits_for_cores() -> HashMap<String, u64> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of_task = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        Some((task.file_name().to_string_lossy().into_owned(), waited(&text)?))
    };
    tasks.filter_map(of_task).collect()
}

/// The second number of `schedstat`: time on a core, time waiting for a core, number of turns.
fn waited(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_the_second_number_of_three() {
        assert_eq!(waited(include_str!("../tests/recorded/schedstat")), Some(349_274_491));
        assert_eq!((waited("12"), waited("")), (None, None));
        assert!(!waits_for_cores().is_empty());
    }
}
