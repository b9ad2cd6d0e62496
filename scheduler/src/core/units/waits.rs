//! Dependencies among the tasks of a sweep.

use std::ops::Range;

/// Dependencies of each task, in both directions.
#[derive(Debug)]
pub(super) struct Waits {
    /// Number of tasks that each task still waits for.
    left: Vec<u32>,
    /// Tasks that wait, in the order of the task that they wait for.
    followers: Vec<u32>,
    /// Place in `followers` at which those of each task begin.
    begins: Vec<u32>,
}

impl Waits {
    /// Makes the dependencies: `after` has for each task the indices of the tasks that must be done before it.
    pub(super) fn new(after: &[&[u32]]) -> Self {
        let mut begins = vec![0; after.len() + 1];
        for before in after.iter().copied().flatten() {
            begins[*before as usize + 1] += 1;
        }
        for index in 1..begins.len() {
            begins[index] += begins[index - 1];
        }
        let mut ends = begins.clone();
        let mut followers = vec![0; after.iter().map(|before| before.len()).sum()];
        for (task, before) in after.iter().enumerate() {
            for before in *before {
                let end = &mut ends[*before as usize];
                followers[*end as usize] = task as u32;
                *end += 1;
            }
        }
        Self { left: after.iter().map(|before| before.len() as u32).collect(), followers, begins }
    }

    /// Whether another task must be done before this one.
    pub(super) fn is_blocked(&self, task: usize) -> bool {
        self.left[task] > 0
    }

    /// Tasks that wait for `task`, or did.
    pub(super) fn followers(&self, task: usize) -> impl Iterator<Item = usize> {
        self.followers[self.range(task)].iter().map(|follower| *follower as usize)
    }

    /// Notes that `task` is done, for those that wait for it.
    pub(super) fn done(&mut self, task: usize) {
        for at in self.range(task) {
            self.left[self.followers[at] as usize] -= 1;
        }
    }

    fn range(&self, task: usize) -> Range<usize> {
        self.begins[task] as usize..self.begins[task + 1] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_waits_until_the_last_of_those_before_it_is_done() {
        let mut waits = Waits::new(&[&[], &[0], &[], &[0, 1, 2]]);
        let blocked = |waits: &Waits| (0..4).filter(|task| waits.is_blocked(*task)).collect::<Vec<_>>();
        assert_eq!(blocked(&waits), [1, 3]);
        assert_eq!(waits.followers(0).collect::<Vec<_>>(), [1, 3]);
        for (done, left) in [(0, vec![3]), (2, vec![3]), (1, vec![])] {
            waits.done(done);
            assert_eq!(blocked(&waits), left);
        }
    }
}
