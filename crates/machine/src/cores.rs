//! Cores that this process may use, and threads that each of its workers may have.

use std::thread::available_parallelism;

/// Limits of a sweep on the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// Cores for all workers together.
    pub count: usize,
    /// Threads that one worker may have, at most.
    pub threads: Option<usize>,
    /// The variables of the environment that are the reason, as `NAME=value`.
    pub said_by: Vec<String>,
}

/// Cores that the system leaves to this process (affinity, control groups), but no more than the environment says:
/// `SLURM_CPUS_PER_TASK` counts cores of this task, `OMP_NUM_THREADS` threads of a process.
pub fn cores() -> Cores {
    of(available_parallelism().map_or(1, usize::from), |name| std::env::var(name).ok())
}

fn of(there: usize, variable: impl Fn(&str) -> Option<String>) -> Cores {
    let mut said_by = Vec::new();
    let mut limit = |name: &str, most: usize| {
        let value = variable(name)?;
        // OpenMP takes a list, a number for each level of nesting.
        let number: usize = value.split(',').next()?.trim().parse().ok().filter(|number| *number > 0)?;
        (number < most).then(|| said_by.push(format!("{name}={value}")));
        Some(number)
    };
    let count = limit("SLURM_CPUS_PER_TASK", there).map_or(there, |cores| cores.min(there));
    let threads = limit("OMP_NUM_THREADS", count);
    Cores { count, threads, said_by }
}

impl Cores {
    /// Threads of each of `workers` workers; at least one.
    pub fn shared_by(&self, workers: usize) -> Vec<usize> {
        let share = |index: usize| self.count * (index + 1) / workers - self.count * index / workers;
        (0..workers).map(|index| share(index).clamp(1, self.threads.unwrap_or(usize::MAX))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(there: usize, slurm: Option<&str>, openmp: Option<&str>) -> Cores {
        of(there, |name| if name == "OMP_NUM_THREADS" { openmp } else { slurm }.map(str::to_owned))
    }

    #[test]
    fn what_the_environment_says_is_a_limit_and_never_more_than_there_is() {
        assert_eq!(found(8, None, None), Cores { count: 8, threads: None, said_by: Vec::new() });
        let one = found(8, None, Some("1"));
        assert_eq!((one.shared_by(1), one.shared_by(3)), (vec![1], vec![1; 3]));
        assert_eq!(one.said_by, ["OMP_NUM_THREADS=1"]);
        let slurm = found(64, Some("6"), None);
        assert_eq!((slurm.shared_by(1), slurm.shared_by(4)), (vec![6], vec![1, 2, 1, 2]));
        assert_eq!(slurm.said_by, ["SLURM_CPUS_PER_TASK=6"]);
        let both = found(64, Some("16"), Some("4,2"));
        assert_eq!((both.shared_by(2), both.said_by.len()), (vec![4, 4], 2));
        assert_eq!(found(2, Some("64"), Some("32")).shared_by(1), [2]);
    }

    #[test]
    fn what_is_no_number_says_nothing() {
        for said in ["", "0", "-1", "many"] {
            assert_eq!(found(4, Some(said), Some(said)), found(4, None, None), "{said}");
        }
    }
}
