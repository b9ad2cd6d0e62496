//! One shard on the device: rounds of variants that are computed together, batch by batch.

use std::thread;
use std::time::Instant;

use attribution::{Known, Origin, Pass};
use network::{Graph, sent, target};
use protocol::message::{Failure, Learned};
use sweep::group::Group;
use sweep::memory::Point;
use tch::{Device, Kind, TchError, Tensor};

use super::batch_sizes::{BatchSize, BatchSizes};
use super::delivery::Delivery;
use super::leaving::Leaving;
use super::rounds::Round;
use crate::device::lanes;
use crate::device::memory::Memory;
use crate::device::traffic::Traffic;
use crate::libtorch::numerics::kind;
use crate::libtorch::panics::caught;
use crate::stages::computed::Computed;
use crate::stages::images::{Pixels, Prefetch};
use crate::stages::reader::Shard;
use crate::unit_error::UnitError;

/// Pixels that a method with several points an image computes at once, at least. On the CPU fewer leave cores idle, and
/// more do not stay in the cache: eight images of 224 px, a hundred of 64. A GPU is busy with 64 (docs/benchmarks.md).
const LEAST_PIXELS: i64 = 100 * 64 * 64;
const LEAST_PIXELS_ON_GPU: i64 = 64 * 224 * 224;
/// Rows beyond which a CPU wins no time, however small the images are: weights are read once for so many. Each number of rows is
/// proved by itself (docs/decisions/003), and with more there would be larger ones.
const MOST_LEAST_ROWS: i64 = 100;

/// Shard on the device, and what its rounds have in common.
pub(crate) struct ShardRun<'a> {
    graph: &'a Graph,
    group: &'a Group,
    traffic: &'a Traffic,
    first: u64,
    /// Index in its split of each image, where a config chooses some.
    chosen: Option<Vec<u64>>,
    pixels: &'a Pixels,
    /// Whether the next round is to give the images away, too.
    pub(crate) images_missing: bool,
    /// Mean image of the dataset `[1, c, h, w]`, on the device.
    mean: Option<Tensor>,
    known: Known,
    /// Logits `[n, classes]` on the device, once they are known, where scores are computed in their precision.
    logits: Option<Tensor>,
    /// Images `[n, c, h, w]` of the whole shard on the device, once they have all come, where they stay.
    images: Option<Tensor>,
    /// Explained classes `[n]` on the device, once the first round is done.
    targets: Option<Tensor>,
    /// Batch sizes that the rounds have found.
    pub(crate) learned: Vec<Learned>,
}

impl<'a> ShardRun<'a> {
    pub(crate) fn new(
        graph: &'a Graph,
        group: &'a Group,
        traffic: &'a Traffic,
        shard: &'a Shard,
    ) -> Result<Self, UnitError> {
        let device = traffic.device;
        let [c, h, w] = group.shape.map(|size| size as i64);
        let mean = shard
            .mean
            .as_deref()
            .map(|mean| Tensor::f_from_slice(mean)?.f_view([1, c, h, w])?.f_to_kind(kind(group))?.f_to_device(device));
        let stored = shard
            .predictions
            .as_deref()
            .map(|logits| sent(&Tensor::f_from_slice(logits)?.f_view([-1, group.classes as i64])?, device));
        let (mean, stored) = (mean.transpose()?, stored.transpose()?);
        let targets = stored.as_ref().map(target::predicted).transpose()?;
        let range = group.range(shard.index);
        let originals: Vec<u64> = range.clone().map(|at| group.original(at)).collect();
        Ok(Self {
            graph,
            group,
            traffic,
            first: shard.pixels.first,
            // The images of a base may be chosen ones, too.
            chosen: Some(originals).filter(|originals| !originals.iter().copied().eq(range)),
            pixels: &shard.pixels,
            images_missing: false,
            mean,
            known: Known::default(),
            images: None,
            // What other weights have predicted is not what this graph answers.
            logits: stored.filter(|_| kind(group) == Kind::Float && !group.has_base()),
            targets,
            learned: Vec::new(),
        })
    }

    /// Lets the maps of each variant of `round` leave, batch by batch; predictions and images too, if they are not
    /// there yet. The last ones may still be on their way afterwards.
    pub(crate) fn round(
        &mut self,
        round: &Round<'_>,
        sizes: &mut BatchSizes,
        stop: &dyn Fn() -> bool,
        leaving: &mut Leaving<'_>,
    ) -> Result<(), UnitError> {
        if self.targets.is_some() && round.parts.is_empty() && !self.images_missing {
            return Ok(());
        }
        let keys = round.keys();
        let size = sizes.of(&self.group.model, keys.clone(), round.granted);
        let mut delivery = Delivery::new(round, self.group, leaving);
        let there = self.images.take();
        let (done, images) = thread::scope(|scope| {
            let threads = lanes(self.traffic.device);
            let make = || self.pixels.prefetch(scope, (threads, size.batch()), self.traffic);
            let mut images = there.map_or_else(make, Prefetch::of);
            let done = self.batches(&mut delivery, size, &mut images, stop);
            // Also after an error: the device may still copy them.
            delivery.leaving.hold(images.staged());
            (done, images.all())
        });
        done?;
        self.images = images;
        self.learned.extend(size.learned(&keys));
        let predicts = self.targets.is_none();
        if predicts {
            let logits = delivery.all_logits()?;
            self.targets = Some(target::predicted(&logits)?);
            self.logits = Some(logits).filter(|_| kind(self.group) == Kind::Float);
        }
        delivery.end(self.traffic.device, (std::mem::take(&mut self.images_missing), predicts))
    }

    /// Batch after batch. One that runs out of memory is done again: first without what the model has made of its weights for
    /// other variants, and without passes of baselines, which from then on goes before such a round begins, then in halves.
    fn batches(
        &self,
        delivery: &mut Delivery<'_, '_>,
        size: &mut BatchSize,
        images: &mut Prefetch,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), UnitError> {
        let (n, mut start) = (self.pixels.len() as i64, 0);
        self.known.begin(!size.is_alone());
        if size.is_alone() {
            self.graph.forget();
        }
        while start < n {
            if stop() {
                return Err(UnitError::Stopped);
            }
            let here = delivery.even((size.batch() as i64).min(n - start), start);
            let outcome = caught(|| self.batch(delivery, size, images, (start, here)));
            match outcome.unwrap_or_else(|panic| Err(TchError::Torch(panic).into())) {
                Ok(()) => {
                    images.done(here);
                    start += here;
                }
                Err(error) if error.is_disproof() => tracing::error!(
                    keys = delivery.round.keys().join(", "),
                    batch = here,
                    error = error.text(),
                    "the same images are computed again, on the plain graph"
                ),
                Err(error) if error.class() == Failure::OutOfMemory => {
                    let (keys, error) = (delivery.round.keys().join(", "), error.text());
                    let freed = self.graph.forget() | self.known.begin(false);
                    if !size.is_alone() && freed {
                        size.be_alone();
                        tracing::info!(keys, batch = here, error, "what can be made again is given back");
                    } else if size.ran_out(here as usize, self.least_rows()) {
                        tracing::warn!(keys, batch = here, error, "half of it is tried");
                    } else {
                        return Err(UnitError::NoRoom(error));
                    }
                    Memory::of(self.traffic.device).release();
                    Memory::of(self.traffic.device).forget_peak();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Computes `here` images from `start` on. Maps of a part are given away before the maps of the next part are made.
    fn batch(
        &self,
        delivery: &mut Delivery<'_, '_>,
        size: &mut BatchSize,
        images: &mut Prefetch,
        (start, here): (i64, i64),
    ) -> Result<(), UnitError> {
        let memory = Memory::of(self.traffic.device);
        // A last batch that is smaller tells little.
        let measures = size.is_measured() && here as usize == size.batch();
        if measures {
            // What was asked for before is no part of its time.
            delivery.leaving.deliver_all()?;
        }
        delivery.leaving.begin_batch();
        let taken = images.next(here, |image| {
            if self.images_missing {
                delivery.leaving.give(Computed::Image(image));
            }
        });
        delivery.leaving.hold(images.staged());
        let images = taken?;
        let floor = if measures { memory.used() } else { 0 };
        if measures {
            memory.forget_peak();
        }
        let (started, waited, proving) = (Instant::now(), delivery.leaving.waited, self.graph.proving());
        let pass = self.pass(&images, (start, here), size.rows(self.least_rows()), delivery)?;
        for part in 0..delivery.round.parts.len() {
            delivery.part(part, &pass, (start, here), self.first)?;
            delivery.paths.insert(self.graph.path());
        }
        if measures {
            delivery.leaving.deliver_all()?;
            let others = delivery.leaving.waited.saturating_sub(waited) + self.graph.proving().saturating_sub(proving);
            let computing = started.elapsed().saturating_sub(others);
            let rate = here as f64 / computing.as_secs_f64();
            size.measured(Point { batch: here as usize, bytes: memory.peak(), rate }, floor, memory.limit());
        } else {
            size.done();
        }
        Ok(())
    }

    /// Number of rows that a method with several points an image computes at once, where memory allows so many rows.
    fn least_rows(&self) -> i64 {
        least_rows(self.group, self.traffic.device)
    }

    /// Makes the pass of `images`, `size` images from `start` on, and predicts them where their targets are not known.
    fn pass(
        &self,
        images: &Tensor,
        (start, size): (i64, i64),
        rows: i64,
        delivery: &mut Delivery<'_, '_>,
    ) -> Result<Pass<'_>, UnitError> {
        let images = images.f_to_kind(kind(self.group))?;
        let first = self.first + start as u64;
        let dataset = (self.group.dataset.as_str(), self.group.split.as_str());
        let origin = Origin {
            seed: self.group.numerics.seed,
            dataset,
            first,
            chosen: self.chosen.as_ref().map(|chosen| &chosen[start as usize..(start + size) as usize]),
            mean: self.mean.as_ref(),
            known: Some(&self.known),
        };
        // A batch that is tried again explains the logits of the first try: some of its maps may be on their way.
        let again = if self.targets.is_none() { delivery.logits((start, size))? } else { None };
        let again = again.map(|logits| target::predicted(&logits)).transpose()?;
        let targets = self.targets.as_ref().map(|targets| targets.f_narrow(0, start, size)).transpose()?;
        if let Some(targets) = targets.or(again) {
            let pass = Pass::new(self.graph, images, targets, rows, origin);
            return Ok(match &self.logits {
                Some(logits) => pass.with_logits(&logits.f_narrow(0, start, size)?)?,
                None => pass,
            });
        }
        let trace = self.graph.trace(&images)?;
        let logits = trace.logits().shallow_clone();
        let pass = Pass::predicted(self.graph, images, trace, rows, origin)?;
        delivery.predicted(&logits, first)?;
        Ok(pass)
    }
}

/// Number of images of `group` that `device` computes at once where memory allows so many: with fewer it is not busy.
pub(super) fn least_rows(group: &Group, device: Device) -> i64 {
    let [_, height, width] = group.shape;
    let rows = |pixels: i64| pixels / ((height * width).max(1) as i64);
    if device == Device::Cpu { rows(LEAST_PIXELS).min(MOST_LEAST_ROWS) } else { rows(LEAST_PIXELS_ON_GPU) }
}
