//! The search for the batch of a variant: measurements in, the size to measure next out. Nothing here runs a measurement.
//!
//! The first batch has few images, and shows the bytes that each image takes. The second batch has as many images as will fit
//! by that line. So two sizes are enough where memory grows by a line and batches are short. An image that is slow by itself is
//! not waited for often: one image is compared with a few. A line that was wrong leads to a batch that runs out of memory, which
//! is one more point of the line. Where other processes take memory and give it back, the budget is what they leave at the
//! moment, and a batch that did not fit before is tried again.

pub(crate) mod bisection;
mod measured_size;
mod speed;
mod step;

use plan::batches::WORTH;
use sweep::memory::{self, Bound, Line, Point};

pub(crate) use measured_size::How;
use measured_size::MeasuredSize;
use speed::{is_enough, knee};
pub(crate) use step::{Found, Step};

/// Images of the first batch.
const FIRST: usize = 4;
/// Gain of speed below which a larger batch does not pay, on cores that other processes use too. They slow both batches down,
/// but not exactly alike.
const GAIN_DISTURBED: f64 = 1.15;
/// Seconds that a batch may take if it is more than [`STEP`] times as large as the batch before.
const LEAP: f64 = 20.0;
/// Largest ratio of a batch to the batch before, if it takes longer than [`LEAP`].
const STEP: usize = 4;
/// Number of measured sizes from which on no size between two others is tried.
const MOST_SIZES: usize = 6;
/// Share of the way by which the next size is shorter, where a size that was to leave the margin did not.
const SHORTER: f64 = 0.1;
/// Batches that may run out of memory before the line is not believed any more. From then on the largest batch that fits is
/// doubled at most.
const MOST_BURNT: u32 = 3;
/// Ratio of memory, to what there was when a batch ran out, that is worth another try.
const MORE: f64 = 1.1;
/// Number of times that such a change of the memory is believed.
const MOST_LIFTED: u32 = 2;

/// The search for the batch of one variant.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// Images of a shard: the largest batch that can ever be asked for.
    most: usize,
    /// Share of the memory above `floor` that stays free.
    margin: f64,
    /// Bytes that a batch may take, the model included; `None` where nothing limits it.
    budget: Option<u64>,
    /// Bytes of the worker with its model, before any batch.
    floor: u64,
    /// In rising order.
    sizes: Vec<MeasuredSize>,
    /// Fewest images that did not fit.
    burnt: Option<usize>,
    /// Number of batches that did not fit.
    burns: u32,
    /// Budget in bytes that was seen after the last batch that did not fit.
    little: Option<u64>,
    /// Number of times that the budget has turned out to be larger than that.
    lifted: u32,
}

impl Search {
    /// A search for at most `most` images at once within `budget` bytes. The share `margin` of the bytes that the model leaves
    /// stays free.
    pub(crate) fn new(most: usize, budget: Option<u64>, margin: f64) -> Self {
        let (burnt, little) = (None, None);
        Self { most: most.max(1), margin, budget, floor: 0, sizes: Vec::new(), burnt, burns: 0, little, lifted: 0 }
    }

    /// Sets the budget from now on: another process may have taken memory, or given it back. A batch that did not fit into less
    /// memory may fit again.
    pub(crate) fn allow(&mut self, budget: Option<u64>) {
        self.budget = budget;
        let (Some(budget), true) = (budget, self.burnt.is_some()) else { return };
        let little = *self.little.get_or_insert(budget);
        if budget as f64 > MORE * little as f64 && self.lifted < MOST_LIFTED {
            self.lifted += 1;
            (self.burnt, self.burns, self.little) = (None, 0, None);
        }
    }

    /// Notes that a batch was measured, for the first time or again, in a worker that held `floor` bytes before.
    pub(crate) fn measured(&mut self, floor: u64, point: Point, how: How) {
        self.floor = floor;
        let (at, known) = match self.sizes.binary_search_by_key(&point.batch, |size| size.point.batch) {
            Ok(at) => (at, Some(self.sizes.remove(at))),
            Err(at) => (at, None),
        };
        let before = known.map_or(point, |known| known.point);
        let point =
            Point { bytes: point.bytes.max(before.bytes), rate: point.rate.max(before.rate), batch: point.batch };
        let disturbed = how.disturbed && known.is_none_or(|known| known.disturbed);
        let times = known.map_or(0, |known| known.times) + u32::from(how.warm);
        self.sizes.insert(at, MeasuredSize { point, times, disturbed });
    }

    /// Notes that a batch did not fit.
    pub(crate) fn ran_out(&mut self, batch: usize) {
        self.burns += 1;
        self.little = None;
        self.burnt = Some(self.burnt.map_or(batch, |burnt| burnt.min(batch)));
        self.sizes.retain(|size| size.point.batch < batch);
    }

    /// Whether speed has decided nothing, because other processes used the cores.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.sizes.iter().any(|size| size.disturbed && !size.is_slow())
    }

    /// The next step.
    pub(crate) fn next(&self) -> Step {
        let Some(last) = self.sizes.last() else {
            return match self.burnt {
                None => Step::Measure(FIRST.min(self.most)),
                Some(1) => Step::NoRoom,
                Some(_) => Step::Measure(1),
            };
        };
        let batch = last.point.batch;
        if self.sizes.len() == 1 && last.is_slow() && batch > 1 && batch < self.most {
            return Step::Measure(1);
        }
        let larger = (batch < self.most).then(|| self.larger(last)).flatten();
        if let Some(larger) = larger
            && !self.is_flat()
        {
            return Step::Measure(larger);
        }
        if let Some(between) = self.between() {
            return Step::Measure(between);
        }
        let end = match batch {
            batch if batch == self.most => Bound::Shard,
            // The rest of the shard would fit, and is not worth another batch.
            batch if self.fitting(batch) >= self.most => Bound::Speed,
            _ => Bound::Memory,
        };
        self.chosen(if larger.is_some() { Bound::Speed } else { end })
    }

    /// Chooses the largest of the measured sizes that fit, because of `bound`, or fewer images that are as fast.
    fn chosen(&self, bound: Bound) -> Step {
        let (Some(few), Some(many)) = (self.fitting_sizes().next(), self.fitting_sizes().next_back()) else {
            // The first few use up the margin already. One image at least is tried.
            let fewer = self.sizes.first().map_or(1, |least| self.fitting(1).min(least.point.batch - 1));
            return Step::Measure(fewer.max(1));
        };
        // More were measured than leave the margin.
        let larger = self.sizes.last().is_some_and(|last| last.point.batch > many.point.batch);
        let bound = if larger { Bound::Memory } else { bound };
        match knee(&few.point, &many.point).filter(|_| !self.is_disturbed()) {
            None => self.found(many.point.batch, many.point.rate, bound),
            // Before fewer images than would fit are taken, nothing about speed may be in doubt.
            Some((batch, rate)) => match [few, many].into_iter().find(|size| !size.is_sure()) {
                Some(unsure) => Step::Measure(unsure.point.batch),
                None => self.found(batch, rate, Bound::Speed),
            },
        }
    }

    /// The next larger size that will fit by the line, if it is so much larger that it is worth a measurement.
    fn larger(&self, last: &MeasuredSize) -> Option<usize> {
        let Point { batch, rate, .. } = last.point;
        let leap = ((LEAP * rate) as usize).max(STEP * batch).min(self.most);
        let next = leap.min(even(self.fitting(batch)));
        let believed = self.burns < MOST_BURNT;
        let next = if believed { next } else { next.min(2 * batch) };
        // Twice as many are known not to fit: what is between is not looked for by running out again and again.
        let known = !believed && self.burnt.is_some_and(|burnt| burnt <= 2 * batch);
        // A few images more are not worth another batch.
        let worth = next as f64 >= WORTH * batch as f64 && next > batch;
        (worth && !known).then_some(next)
    }

    /// The size to try where the larger of two sizes has used up the margin, because the first few images told too little. It lies
    /// on the straight line between the two. Smaller sizes do not count: one outlier among them would raise the line.
    fn between(&self) -> Option<usize> {
        let (room, few) = (self.room()?, self.fitting_sizes().next_back()?.point);
        let larger: Vec<_> = self.sizes.iter().map(|size| size.point).filter(|point| point.batch > few.batch).collect();
        let many = larger.first()?;
        let share = room.saturating_sub(few.bytes) as f64 / many.bytes.saturating_sub(few.bytes).max(1) as f64;
        let share = share.min(1.0) * (1.0 - SHORTER * (larger.len() - 1) as f64);
        let next = few.batch as f64 + share * (many.batch - few.batch) as f64;
        let next = even(next as usize).min(many.batch - 1);
        (next as f64 >= WORTH * few.batch as f64 && self.sizes.len() < MOST_SIZES).then_some(next)
    }

    /// Whether batches that are larger than all measured ones cannot be much faster. On cores that other processes use, only images
    /// that are slow by themselves can show that.
    fn is_flat(&self) -> bool {
        let [few, .., many] = &self.sizes[..] else { return false };
        if self.sizes.iter().any(|size| size.disturbed) {
            return !self.is_disturbed() && many.point.rate < GAIN_DISTURBED * few.point.rate;
        }
        is_enough(&few.point, &many.point, self.fitting(many.point.batch).min(self.most), many.is_slow())
    }

    /// Most images that will fit by the line. Where the line contradicts a batch that did not fit: half of the way to that batch.
    fn fitting(&self, last: usize) -> usize {
        let by_line = self.room().map_or(usize::MAX, |room| self.line().most(room));
        self.burnt.map_or(by_line, |burnt| if by_line < burnt { by_line } else { usize::midpoint(last, burnt) })
    }

    fn room(&self) -> Option<u64> {
        self.budget.map(|budget| memory::within(budget, self.floor, self.margin))
    }

    fn line(&self) -> Line {
        Line::above(self.floor, &self.sizes.iter().map(|size| size.point).collect::<Vec<_>>())
    }

    /// Measured sizes that leave the margin free; one image may use it up.
    fn fitting_sizes(&self) -> impl DoubleEndedIterator<Item = &MeasuredSize> {
        let room = self.room().unwrap_or(u64::MAX);
        self.sizes.iter().filter(move |size| size.point.bytes <= room || size.point.batch == 1)
    }

    fn found(&self, batch: usize, rate: f64, bound: Bound) -> Step {
        Step::Found(Found { batch, bound, line: self.line(), rate })
    }
}

/// Rounds down to an even number, which threads can share, above 16 images: for fewer images, one less is too much.
fn even(batch: usize) -> usize {
    if batch > 16 { batch & !1 } else { batch }
}

#[cfg(test)]
mod tests;
