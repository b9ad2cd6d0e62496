//! Forecast of the end of a sweep: by the profile of preflight at first, by what the run itself has taken as soon as units are done.
//!
//! Units that cost the same for each map are a *class*: the same model on the same data, the same kind of work, the same variants. A
//! class that has been computed has its own speed. One that has not is taken from the profile, corrected by the factor by which the
//! profile was wrong elsewhere in this run; without a profile a map costs what maps have cost so far. The first unit of a worker
//! counts for as long as there is no other, as the worker has loaded a model meanwhile.

mod class;
#[cfg(test)]
mod tests;
mod work;
mod works;

use std::collections::{HashMap, HashSet, VecDeque};

use sweep::unit::UnitId;

use class::Class;
pub(crate) use work::Work;
pub(crate) use works::works;

/// Time that is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Left {
    /// Seconds until the units whose time is known are done.
    pub(crate) seconds: f64,
    /// Number of units whose time nobody knows yet.
    pub(crate) unknown: usize,
}

/// Worker of a slot.
#[derive(Clone, Debug, Default)]
struct Worker {
    /// Units that the worker holds: the first is under way.
    held: VecDeque<UnitId>,
    /// Time at which the first of them became the first.
    since: f64,
    /// Whether the worker has finished a unit.
    is_warm: bool,
    /// Whether there is a worker.
    works: bool,
}

/// Forecast of one run. Times are seconds of any clock.
#[derive(Debug)]
pub(crate) struct Forecast {
    open: HashMap<UnitId, Work>,
    /// Units that were given up: nobody does them, unless they are tried again.
    given_up: HashMap<UnitId, Work>,
    classes: Vec<Class>,
    workers: Vec<Worker>,
}

/// Number of units up to which the last ones are dealt out to devices one by one: the end of a sweep is as late as its last device.
const FEW: usize = 500;

impl Forecast {
    /// Forecast of `works` on so many slots.
    pub(crate) fn new(works: Vec<Work>, slots: usize) -> Self {
        let mut classes = vec![Class::default(); works.iter().map(|work| work.class + 1).max().unwrap_or(0)];
        for work in &works {
            classes[work.class].add(work);
        }
        let open = works.into_iter().map(|work| (work.unit.clone(), work)).collect();
        let given_up = HashMap::new();
        Self { open, given_up, classes, workers: vec![Worker::default(); slots] }
    }

    /// Notes that a worker has called from `slot`.
    pub(crate) fn connected(&mut self, slot: usize) {
        if let Some(worker) = self.workers.get_mut(slot) {
            worker.works = true;
        }
    }

    /// Notes that a worker holds `unit` from `now` on.
    pub(crate) fn granted(&mut self, slot: usize, unit: &UnitId, now: f64) {
        let Some(worker) = self.workers.get_mut(slot).filter(|worker| !worker.held.contains(unit)) else { return };
        if worker.held.is_empty() {
            worker.since = now;
        }
        worker.held.push_back(unit.clone());
    }

    /// Notes that the worker of `slot` has finished `unit`.
    pub(crate) fn done(&mut self, slot: usize, unit: &UnitId, now: f64) {
        let Some(work) = self.open.remove(unit) else { return self.dropped(slot, unit, now) };
        self.classes[work.class].remove(&work);
        let Some(worker) = self.workers.get_mut(slot).filter(|worker| worker.held.contains(unit)) else { return };
        // A worker that ends units in another order than they were granted is only asked for the time since its last one.
        let seconds = now - worker.since;
        self.classes[work.class].measure(&work, seconds, worker.is_warm);
        worker.held.retain(|held| held != unit);
        (worker.since, worker.is_warm) = (now, true);
    }

    /// Notes that the worker of `slot` holds `unit` no more, and has not finished the unit.
    pub(crate) fn dropped(&mut self, slot: usize, unit: &UnitId, now: f64) {
        let Some(worker) = self.workers.get_mut(slot) else { return };
        if worker.held.front() == Some(unit) {
            worker.since = now;
        }
        worker.held.retain(|held| held != unit);
    }

    /// Notes that `unit` is given up.
    pub(crate) fn given_up(&mut self, unit: &UnitId) {
        if let Some(work) = self.open.remove(unit) {
            self.classes[work.class].remove(&work);
            self.given_up.insert(unit.clone(), work);
        }
    }

    /// Notes that `unit`, which was given up, is tried again.
    pub(crate) fn tried_again(&mut self, unit: &UnitId) {
        if let Some(work) = self.given_up.remove(unit) {
            self.classes[work.class].add(&work);
            self.open.insert(unit.clone(), work);
        }
    }

    /// Notes that the worker of `slot` is gone.
    pub(crate) fn vacated(&mut self, slot: usize) {
        if let Some(worker) = self.workers.get_mut(slot) {
            *worker = Worker::default();
        }
    }

    /// Time that is left at `now`; `None` before anything is known.
    pub(crate) fn left(&self, now: f64) -> Option<Left> {
        let costs = class::costs(&self.classes);
        let unknown: usize =
            self.classes.iter().zip(&costs).filter(|(_, c)| c.is_none()).map(|(class, _)| class.units).sum();
        if unknown == self.open.len() && unknown > 0 {
            return None;
        }
        let seconds = |work: &Work| costs[work.class].map(|seconds| seconds * work.size);
        // What each worker still has to do of the units that it holds.
        let mut ends: Vec<f64> = self.workers.iter().filter(|worker| worker.works).map(|_| 0.0).collect();
        let (mut held, mut size_held) = (0, vec![0.0; self.classes.len()]);
        for (end, worker) in ends.iter_mut().zip(self.workers.iter().filter(|worker| worker.works)) {
            for (at, work) in worker.held.iter().filter_map(|unit| self.open.get(unit)).enumerate() {
                let elapsed = if at == 0 { now - worker.since } else { 0.0 };
                *end += seconds(work).map_or(0.0, |seconds| (seconds - elapsed).max(0.0));
                size_held[work.class] += work.size;
                held += 1;
            }
        }
        if ends.is_empty() {
            ends = vec![0.0; self.workers.len().max(1)];
        }
        if self.open.len() - held.min(self.open.len()) <= FEW {
            let granted: HashSet<&UnitId> =
                self.workers.iter().filter(|worker| worker.works).flat_map(|worker| &worker.held).collect();
            let waiting = self.open.values().filter(|work| !granted.contains(&work.unit));
            deal(&mut ends, waiting.filter_map(seconds).collect());
            return Some(Left { seconds: ends.into_iter().fold(0.0, f64::max), unknown });
        }
        let waiting: f64 = self
            .classes
            .iter()
            .zip(&costs)
            .zip(&size_held)
            .map(|((class, c), held)| c.unwrap_or(0.0) * (class.size - held))
            .sum();
        let mean = (ends.iter().sum::<f64>() + waiting) / ends.len() as f64;
        Some(Left { seconds: ends.into_iter().fold(mean, f64::max), unknown })
    }
}

/// Gives each of `units`, the longest first, to the device that is free first; `ends` says when each device is free.
fn deal(ends: &mut [f64], mut units: Vec<f64>) {
    units.sort_by(|a, b| b.total_cmp(a));
    for seconds in units {
        if let Some(first) = ends.iter_mut().min_by(|a, b| a.total_cmp(b)) {
            *first += seconds;
        }
    }
}
