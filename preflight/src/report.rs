//! Reports of preflight: a line for each variant, and the cost of the search compared with plain bisection.

use std::fmt::Write as _;

use sweep::memory::{self, Bound};

use crate::search::Found;
use crate::search::bisection::bisection;
use crate::task::Task;

/// Cost of measuring.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Workers that were started.
    pub(crate) processes: u32,
    /// Sizes of a batch that were tried.
    pub(crate) batches: u32,
    /// Seconds from the start of a worker to its first batch, summed over all workers.
    pub(crate) starting: f64,
}

impl Cost {
    pub(crate) fn add(&mut self, other: &Self) {
        self.processes += other.processes;
        self.batches += other.batches;
        self.starting += other.starting;
    }
}

/// The result of preflight.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Number of batch sizes that were found: one for each variant and kind of device.
    pub found: usize,
    /// Number of batch sizes that a profile knew already.
    pub known: usize,
    /// Variants that could not be measured, with the reason of each.
    pub failed: Vec<(String, String)>,
    /// Seconds from the beginning to the end.
    pub seconds: f64,
    pub(crate) cost: Cost,
    /// Number of batches, each in a process of its own, and seconds that plain bisection would have taken for the same results.
    bisection: (usize, f64),
}

impl Summary {
    /// Counts a result, and the cost of finding it by bisection.
    pub(crate) fn found(&mut self, task: &Task, found: &Found) {
        self.found += 1;
        let starting = self.cost.starting / f64::from(self.cost.processes.max(1));
        let fits = task.budget(task.memory()).map_or(usize::MAX, |budget| found.line.most(budget)).max(1);
        let tried = bisection(fits, task.most());
        self.bisection.1 += tried.iter().map(|batch| starting + *batch as f64 / found.rate).sum::<f64>();
        self.bisection.0 += tried.len();
    }

    /// The text for a person.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} batch sizes found, {} known before, {} not found.\n",
            self.found,
            self.known,
            self.failed.len()
        );
        if self.found > 0 {
            let Cost { processes, batches, .. } = self.cost;
            let (of_bisection, its_seconds) = self.bisection;
            let _ = writeln!(
                text,
                "Took {:.1} s, {processes} processes and {batches} sizes of a batch. Bisection (doubling until a batch does \
                 not fit, then halving, a process for each size) takes {of_bisection} processes and sizes, and about \
                 {its_seconds:.0} s.",
                self.seconds
            );
        }
        for (what, why) in &self.failed {
            let _ = writeln!(text, "  {what}: {why}");
        }
        text
    }
}

/// The line of a task's result.
pub(crate) fn line(task: &Task, found: &Found) -> String {
    let bound = match found.bound {
        Bound::Speed => "more is hardly faster",
        Bound::Memory => "more does not fit",
        Bound::Shard => "a whole shard",
    };
    let (base, each) = (memory::text(found.line.base), found.line.per_image as f64 / f64::from(1 << 20));
    let (name, device, batch, rate) = (task.name(), &task.device, found.batch, found.rate);
    format!("{name}: {batch} images at once ({bound}), {base} + {each:.1} MiB an image, {rate:.1} images/s on {device}")
}
