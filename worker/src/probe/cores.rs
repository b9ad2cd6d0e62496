//! How long threads of this process waited for a core: others compute on the machine, too.

use std::fs;

/// Seconds that threads which are alive have waited, all together; 0 where the system does not tell.
pub(super) fn waited() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of_tasks = tasks.filter_map(|task| of_task(&fs::read_to_string(task.path().join("schedstat")).ok()?));
    of_tasks.sum::<u64>() as f64 / 1e9
}

/// Nanoseconds of `schedstat`: time on a core, time waiting for one, number of turns.
fn of_task(text: &str) -> Option<u64> {
    text.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_number_is_the_time_that_was_waited() {
        assert_eq!((of_task("12 34 5\n"), of_task("")), (Some(34), None));
    }
}
