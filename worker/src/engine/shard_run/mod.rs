//! One shard on the device: rounds of variants that are computed together, batch by batch.

mod batches;
mod rows;

use std::thread;

use attribution::{Known, Origin, Pass};
use network::{Graph, sent, target};
use protocol::message::Learned;
use sweep::group::Group;
use tch::{Kind, Tensor};

use super::batch_sizes::BatchSizes;
use super::delivery::Delivery;
use super::leaving::Leaving;
use super::rounds::Round;
use crate::device::lanes;
use crate::device::traffic::Traffic;
use crate::libtorch::numerics::kind;
use crate::stages::images::{Pixels, Prefetch};
use crate::stages::reader::Shard;
use crate::unit_error::UnitError;

pub(super) use rows::least_rows;

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
