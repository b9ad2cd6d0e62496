//! Batch sizes of rounds: the granted size, a smaller one where memory runs out, and a larger one where the grant was a guess.
//!
//! A worker begins with what it is granted. Where nothing was measured before, it doubles for as long as the next
//! batch will fit, by what the last ones took, and is faster. Where memory runs out it halves and does the same images
//! again; once it has been calm for a while, as another user's process may have left, it doubles again, up to what was
//! good before.

use std::collections::HashMap;

use protocol::message::Learned;
use sweep::granted_batches::GrantedBatch;
use sweep::memory::{Bound, Line, Point};

/// Least gain in speed, as a ratio, for which a doubled batch is worth its memory.
const GAIN: f64 = 1.03;
/// Share of the memory limit that a batch must leave free to be tried.
const SPARE: f64 = 0.1;
/// Number of batches after which a size that ran out of memory is tried again.
const CALM: u32 = 16;

/// Batch size of every round that this worker has computed, by model and the keys of the variants.
#[derive(Debug, Default)]
pub(crate) struct BatchSizes(HashMap<(String, Vec<String>), BatchSize>);

impl BatchSizes {
    /// Batch size of a round, to which `granted` was granted.
    pub(crate) fn of(&mut self, model: &str, keys: Vec<String>, granted: GrantedBatch) -> &mut BatchSize {
        let GrantedBatch { images, grows } = granted;
        let size = self.0.entry((model.to_owned(), keys)).or_insert_with(|| BatchSize::new(images, grows));
        size.grant(images, grows);
        size
    }
}

/// Batch size of one round.
#[derive(Debug)]
pub(crate) struct BatchSize {
    batch: usize,
    granted: usize,
    /// Batch size to come back to after memory ran out: the granted size, or the largest that was good.
    good: usize,
    growing: bool,
    /// Reason for which the batch is not larger.
    bound: Bound,
    /// Batches of rising sizes that were computed while the size grew.
    points: Vec<Point>,
    /// Bytes that were held before the first of these batches.
    floor: u64,
    /// Largest batch that was tried and did not fit, in images.
    burnt: Option<usize>,
    /// Number of batches since memory last ran out.
    calm: u32,
    /// Number of times that the least rows of methods with several points an image were halved.
    squeezed: u32,
    /// Whether the memory that other rounds have made of the weights does not fit beside this round's memory.
    alone: bool,
    changed: bool,
}

impl BatchSize {
    fn new(granted: usize, grows: bool) -> Self {
        let batch = granted.max(1);
        Self {
            batch,
            granted,
            good: batch,
            growing: grows,
            bound: Bound::Shard,
            points: Vec::new(),
            floor: 0,
            burnt: None,
            calm: 0,
            squeezed: 0,
            alone: false,
            changed: false,
        }
    }

    /// Takes another grant, whose size was learned from this worker or from another worker.
    fn grant(&mut self, granted: usize, grows: bool) {
        if granted != self.granted && !grows {
            let burnt = self.burnt.filter(|burnt| granted >= *burnt);
            // As many ran out of memory here: it comes to them once it has been calm.
            let batch = if burnt.is_some() { self.batch } else { granted.max(1) };
            *self = Self { batch, burnt, calm: self.calm, ..Self::new(granted, false) };
        }
    }

    /// Images in a batch.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// Whether the next batch is to be measured.
    ///
    /// After memory ran out the first batch that fits is, where nothing was: the next sweep must know what it takes.
    pub(crate) fn is_measured(&self) -> bool {
        self.growing || (self.burnt.is_some() && self.points.is_empty())
    }

    /// Takes the measurement of a batch of the whole size. `floor` bytes were held before, and `limit` bytes may be held.
    pub(crate) fn measured(&mut self, point: Point, floor: u64, limit: Option<u64>) {
        let slower = self.points.last().is_some_and(|last| point.batch > last.batch && point.rate < GAIN * last.rate);
        // The first batch of all warms up: one of the same size replaces it.
        self.points.retain(|earlier| earlier.batch != point.batch);
        self.points.push(point);
        (self.floor, self.changed) = (floor, true);
        if !self.growing {
            return self.done();
        }
        if slower {
            self.batch = self.points[self.points.len() - 2].batch;
            (self.growing, self.bound) = (false, Bound::Speed);
            return;
        }
        self.good = self.good.max(self.batch);
        let next = 2 * self.batch;
        let room = limit.map_or(u64::MAX, |limit| (limit as f64 * (1.0 - SPARE)) as u64);
        if self.burnt.is_some_and(|burnt| next >= burnt) || Line::above(floor, &self.points).at(next) > room {
            (self.growing, self.bound) = (false, Bound::Memory);
        } else {
            self.batch = next;
        }
    }

    /// A batch was computed that is not to be measured. What was given up comes back, the last of it first; where one
    /// step back was good, the next one waits no longer.
    pub(crate) fn done(&mut self) {
        self.calm = self.calm.saturating_add(1);
        if self.calm < CALM {
            return;
        }
        if self.burnt.is_some() && self.batch < self.good {
            self.batch = (2 * self.batch).min(self.good);
            self.changed = true;
        } else {
            self.squeezed = self.squeezed.saturating_sub(1);
        }
    }

    /// Whether the memory that other rounds have made of the weights does not fit beside this round's memory.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone
    }

    /// Notes that what other rounds have made of the weights does not fit beside this round.
    pub(crate) fn be_alone(&mut self) {
        self.alone = true;
    }

    /// Number of rows that methods with several points an image may compute at once, of `least` where memory allows so many.
    pub(crate) fn rows(&self, least: i64) -> i64 {
        (least >> self.squeezed).max(self.batch as i64)
    }

    /// Notes that a batch of `size` images, with at least `least` rows at once, did not fit. Returns false if nothing smaller can be tried.
    pub(crate) fn ran_out(&mut self, size: usize, least: i64) -> bool {
        self.calm = 0;
        // A grant may be of more images than there are: what ran out is what is made smaller.
        let rows = self.rows(least);
        self.batch = self.batch.min(size.max(1));
        if self.rows(least) < rows {
            (self.growing, self.changed) = (false, true);
            return true;
        }
        if self.rows(least) > size as i64 {
            self.squeezed += 1;
            return true;
        }
        self.burnt = Some(size);
        (self.growing, self.changed) = (false, true);
        self.bound = Bound::Memory;
        self.points.retain(|point| point.batch < size);
        self.batch = (size / 2).max(1);
        size > 1
    }

    /// New facts for the scheduler, if there are some.
    pub(crate) fn learned(&mut self, keys: &[String]) -> Option<Learned> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let rate = self.points.iter().find(|point| point.batch == self.batch).or(self.points.last());
        let (rate, line) = (rate.map_or(0.0, |point| point.rate), Line::above(self.floor, &self.points));
        // A size that was not computed yet is not known to be good.
        let batch = self.points.last().filter(|_| self.growing).map_or(self.batch, |point| point.batch);
        Some(Learned { keys: keys.to_vec(), batch, bound: self.bound, line, rate, ran_out: self.burnt.is_some() })
    }
}

#[cfg(test)]
mod tests;
