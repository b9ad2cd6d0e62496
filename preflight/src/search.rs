//! The search for a batch: what was measured in, what to measure next out. Nothing here runs anything.
//!
//! Batches quadruple from one image on, for as long as that is faster and the next one will fit by the line through what
//! was measured. So nothing is run that is known not to fit, and nothing beyond the size that pays; only a line that
//! was wrong runs out of memory, which is one more point.

use sweep::memory::{self, Bound, Line, Point};

/// The fewest images are taken that are no slower than this share of the fastest that was measured, so that they are
/// within 3 % of what the search has not seen ([`GAIN`]); where memory ends the search, the
/// fastest of all is beyond the margin, and less is given away.
const NEAR: f64 = 0.98;
const NEAR_THE_MARGIN: f64 = 0.99;
/// Each batch is so many times the one before.
const STEP: usize = 4;
/// A step that gains less ends the search: where the cost of a batch is spread over its images, all further steps
/// together gain no more than a third of what the last one did.
const GAIN: f64 = 1.02;
/// Seconds of a batch whose rate is beyond doubt.
const LONG: f64 = 1.0;
/// Batches that may run out of memory before the search is content with what did fit.
const MOST_BURNT: u32 = 3;

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Measure so many images at once.
    Measure(usize),
    /// It is known.
    Found(Found),
    /// One image does not fit.
    NoRoom,
}

/// The batch, and what it takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) batch: usize,
    pub(crate) bound: Bound,
    pub(crate) line: Line,
    pub(crate) rate: f64,
}

/// The search for the batch of one variant.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// Images of a shard: more at once are never there.
    most: usize,
    /// Share of the memory above `floor` that is to stay free.
    margin: f64,
    /// Bytes that a batch may take, the model included; `None` where nothing limits it.
    budget: Option<u64>,
    /// Bytes of the worker with its model, before any batch.
    floor: u64,
    points: Vec<Point>,
    /// Fewest images that did not fit, and how many sizes did not.
    burnt: Option<usize>,
    burns: u32,
}

impl Search {
    /// Up to `most` images at once within `budget` bytes, of which the share `margin` of what the model leaves is kept.
    pub(crate) fn new(most: usize, budget: Option<u64>, margin: f64) -> Self {
        Self { most: most.max(1), margin, budget, floor: 0, points: Vec::new(), burnt: None, burns: 0 }
    }

    /// Another budget from now on: another process has taken memory, or given it back.
    pub(crate) fn allow(&mut self, budget: Option<u64>) {
        self.budget = budget;
    }

    /// A batch was measured, in a worker that held `floor` bytes before.
    pub(crate) fn measured(&mut self, floor: u64, point: Point) {
        self.floor = floor;
        self.points.push(point);
    }

    /// A batch did not fit.
    pub(crate) fn ran_out(&mut self, batch: usize) {
        self.burns += 1;
        self.burnt = Some(self.burnt.map_or(batch, |burnt| burnt.min(batch)));
        self.points.retain(|point| point.batch < batch);
    }

    /// What to do next.
    pub(crate) fn next(&self) -> Step {
        let Some(last) = self.points.last() else {
            return if self.burnt == Some(1) { Step::NoRoom } else { Step::Measure(1) };
        };
        if self.is_slower() {
            return self.found(Bound::Speed);
        }
        if last.batch == self.most {
            return self.found(Bound::Shard);
        }
        let larger = (STEP * last.batch).min(self.most);
        let fitting = self.fitting(last.batch);
        let next = if larger <= fitting { larger } else { even(fitting) };
        // A few images more are not worth another batch.
        let worth = next as f64 >= 1.1 * last.batch as f64 && next > last.batch;
        if worth && self.burns < MOST_BURNT { Step::Measure(next) } else { self.found(Bound::Memory) }
    }

    /// Whether larger batches do not pay any more: two steps that gain nothing, as one may have met a busy machine;
    /// one is enough where it took so long that such moments are averaged.
    fn is_slower(&self) -> bool {
        let flat = |length: usize| {
            let (before, last) = self.points.split_at(self.points.len().saturating_sub(length));
            let best = |points: &[Point]| points.iter().map(|point| point.rate).fold(0.0, f64::max);
            !before.is_empty() && best(last) < GAIN * best(before)
        };
        let long = self.points.last().is_some_and(|last| last.batch as f64 > LONG * last.rate);
        flat(2) || (long && flat(1))
    }

    /// Most images that will fit, by what is known; half of the way to what did not.
    fn fitting(&self, last: usize) -> usize {
        let by_line = self.room().map_or(usize::MAX, |room| self.line().most(room));
        self.burnt.map_or(by_line, |burnt| by_line.min(usize::midpoint(last, burnt)))
    }

    fn room(&self) -> Option<u64> {
        self.budget.map(|budget| memory::within(budget, self.floor, self.margin))
    }

    fn line(&self) -> Line {
        Line::above(self.floor, &self.points)
    }

    /// The fewest images within [`NEAR`] of the fastest, of those that leave the margin; one image may use it up.
    fn found(&self, bound: Bound) -> Step {
        let room = self.room().unwrap_or(u64::MAX);
        let fits = |point: &&Point| point.bytes <= room || point.batch == 1;
        let best = self.points.iter().filter(fits).map(|point| point.rate).fold(0.0, f64::max);
        let share = if bound == Bound::Memory { NEAR_THE_MARGIN } else { NEAR };
        let near = self.points.iter().filter(fits).find(|point| point.rate >= share * best);
        let Some(point) = near else { return Step::NoRoom };
        // Fewer images than were tried are enough: it is speed that decides.
        let fewer = self.points.iter().filter(fits).any(|other| other.batch > point.batch);
        let bound = if fewer { Bound::Speed } else { bound };
        Step::Found(Found { batch: point.batch, bound, line: self.line(), rate: point.rate })
    }
}

/// The same number or one less: threads share an even number of images. Of a few images one less is too much.
fn even(batch: usize) -> usize {
    if batch > 16 { batch & !1 } else { batch }
}

/// Batches that plain bisection runs to find the most of 1 to `most` that fit, each in a process of its own.
pub(crate) fn bisection(most: usize) -> u32 {
    usize::BITS - most.leading_zeros()
}

#[cfg(test)]
mod tests;
