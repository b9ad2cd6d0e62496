//! The search for a batch: what was measured in, what to measure next out. Nothing here runs anything.
//!
//! A few images tell what each takes; then as many are measured as will fit by that line, at once. So two sizes are enough
//! where the line is right and a batch of few images is short, and no image that is slow by itself is waited for often:
//! there one image is compared with a few. Only a line that was wrong runs out of memory, which is one more point. Of a
//! memory in which others come and go only what they leave counts, and what did not fit then may fit now.

use plan::batches::WORTH;
use sweep::memory::{self, Bound, Line, Point};

use crate::pace::{is_enough, knee};
use crate::size::{How, Size};

/// Images of the first batch.
const FIRST: usize = 4;
/// On cores that others use too, a larger batch that gains less does not pay: what is slow is slowed down alike, but not
/// exactly.
const GAIN_DISTURBED: f64 = 1.15;
/// Seconds that one batch may take that is many times as large as the one before.
const LEAP: f64 = 20.0;
/// Each batch beyond that is at most so many times the one before.
const STEP: usize = 4;
/// Sizes beyond which none is looked for between others.
const MOST_SIZES: usize = 6;
/// Where a size that was to leave the margin did not, the next one goes so much less of the way.
const SHORTER: f64 = 0.1;
/// Batches that may run out of memory before the line is not believed any more, and what did fit is doubled at most.
const MOST_BURNT: u32 = 3;
/// So many times as much memory as there was when a batch ran out of it is worth another try; and how often that is believed.
const MORE: f64 = 1.1;
const MOST_LIFTED: u32 = 2;

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
    /// In rising order.
    sizes: Vec<Size>,
    /// Fewest images that did not fit, and how many sizes did not.
    burnt: Option<usize>,
    burns: u32,
    /// The budget that was seen after the last one did not, and how often it has turned out that this was little.
    little: Option<u64>,
    lifted: u32,
}

impl Search {
    /// Up to `most` images at once within `budget` bytes, of which the share `margin` of what the model leaves is kept.
    pub(crate) fn new(most: usize, budget: Option<u64>, margin: f64) -> Self {
        let (burnt, little) = (None, None);
        Self { most: most.max(1), margin, budget, floor: 0, sizes: Vec::new(), burnt, burns: 0, little, lifted: 0 }
    }

    /// The budget from now on: another process may have taken memory, or given it back. What did not fit while there was less
    /// may fit again.
    pub(crate) fn allow(&mut self, budget: Option<u64>) {
        self.budget = budget;
        let (Some(budget), true) = (budget, self.burnt.is_some()) else { return };
        let little = *self.little.get_or_insert(budget);
        if budget as f64 > MORE * little as f64 && self.lifted < MOST_LIFTED {
            self.lifted += 1;
            (self.burnt, self.burns, self.little) = (None, 0, None);
        }
    }

    /// A batch was measured, in a worker that held `floor` bytes before, for the first time or again.
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
        self.sizes.insert(at, Size { point, times, disturbed });
    }

    /// A batch did not fit.
    pub(crate) fn ran_out(&mut self, batch: usize) {
        self.burns += 1;
        self.little = None;
        self.burnt = Some(self.burnt.map_or(batch, |burnt| burnt.min(batch)));
        self.sizes.retain(|size| size.point.batch < batch);
    }

    /// Whether speed decided nothing because others used the cores.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.sizes.iter().any(|size| size.disturbed && !size.is_slow())
    }

    /// What to do next.
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

    /// Of what was measured and fits the most images, because of `bound`, or fewer that are as fast.
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

    /// The next larger size that will fit, by what is known, and is worth it.
    fn larger(&self, last: &Size) -> Option<usize> {
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

    /// The size that will fit where a larger one has used up the margin, as the first few images told too little: between the
    /// two, whatever smaller sizes took, which one outlier would put above all others.
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

    /// Whether more images than were measured cannot be much faster. On cores that others use only what is slow can tell.
    fn is_flat(&self) -> bool {
        let [few, .., many] = &self.sizes[..] else { return false };
        if self.sizes.iter().any(|size| size.disturbed) {
            return !self.is_disturbed() && many.point.rate < GAIN_DISTURBED * few.point.rate;
        }
        is_enough(&few.point, &many.point, self.fitting(many.point.batch).min(self.most), many.is_slow())
    }

    /// Most images that will fit, by what is known; half of the way to what did not where that says nothing.
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

    /// What was measured and leaves the margin; one image may use it up.
    fn fitting_sizes(&self) -> impl DoubleEndedIterator<Item = &Size> {
        let room = self.room().unwrap_or(u64::MAX);
        self.sizes.iter().filter(move |size| size.point.bytes <= room || size.point.batch == 1)
    }

    fn found(&self, batch: usize, rate: f64, bound: Bound) -> Step {
        Step::Found(Found { batch, bound, line: self.line(), rate })
    }
}

/// The same number or one less: threads share an even number of images. Of a few images one less is too much.
fn even(batch: usize) -> usize {
    if batch > 16 { batch & !1 } else { batch }
}

/// The batches that plain bisection runs to find that `fits` of at most `most` images fit, each in a process of its own:
/// doubled until one does not fit or there are no more images, then halved between the last two.
pub(crate) fn bisection(fits: usize, most: usize) -> Vec<usize> {
    let (mut good, mut tried) = (0, vec![1_usize.min(most)]);
    while let Some(&last) = tried.last().filter(|last| **last <= fits) {
        good = last;
        if last == most {
            return tried;
        }
        tried.push((2 * last).min(most));
    }
    let mut bad = tried[tried.len() - 1];
    while bad - good > 1 {
        let middle = usize::midpoint(good, bad);
        tried.push(middle);
        if middle <= fits { good = middle } else { bad = middle }
    }
    tried
}

#[cfg(test)]
mod tests;
