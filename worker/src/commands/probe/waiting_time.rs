//! Time for which threads of this process waited for a core: others compute on the machine, too.

use std::collections::HashMap;

use machine::threads::waits_for_cores;

/// Nanoseconds that each thread has waited so far; empty where the system does not report them.
pub(super) struct Waits(HashMap<String, u64>);

impl Waits {
    pub(super) fn now() -> Self {
        Self(waits_for_cores())
    }

    /// Longest time in seconds that a thread waited since `before`: all other threads waited for this thread.
    pub(super) fn longest_since(&self, before: &Self) -> f64 {
        let since = |(task, now): (&String, &u64)| now.saturating_sub(before.0.get(task).copied().unwrap_or(0));
        self.0.iter().map(since).max().unwrap_or(0) as f64 / 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_since_then_counts_also_of_a_thread_that_was_not_there() {
        let waits = |list: &[(&str, u64)]| Waits(list.iter().map(|(task, ns)| ((*task).to_owned(), *ns)).collect());
        let before = waits(&[("1", 9_000_000_000), ("2", 0)]);
        let now = waits(&[("1", 10_000_000_000), ("2", 500_000_000), ("3", 2_000_000_000)]);
        assert_eq!((now.longest_since(&before), waits(&[]).longest_since(&before)), (2.0, 0.0));
    }
}
