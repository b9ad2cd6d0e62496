//! One shard on the device: rounds of variants that are computed together, batch by batch.

use std::time::Instant;

use attribution::{Attribution, Known, Origin, Pass, Together};
use network::Graph;
use store::{Completeness, name};
use sweep::group::{Group, MOST_TOGETHER};
use sweep::memory::Point;
use sweep::message::{Failure, Learned};
use sweep::variant::Variant;
use tch::{Device, Kind, Tensor};

use crate::compute::kind;
use crate::memory::Memory;
use crate::read::Shard;
use crate::sizes::{Size, Sizes};
use crate::unit::UnitError;

/// Pixels that a method with several points an image computes at once on the CPU, at least: fewer leave cores
/// idle, more do not stay in the cache. Eight images of 224 px.
const LEAST_PIXELS: i64 = 8 * 224 * 224;
/// Images of a round that has nothing to attribute.
const PREDICTED_AT_ONCE: usize = 16;

/// Variants that are computed together, batch by batch.
pub(crate) struct Round<'a> {
    /// Images at once as granted, and whether that was a guess.
    granted: (usize, bool),
    shares_pass: bool,
    parts: Vec<Together<'a>>,
}

impl<'a> Round<'a> {
    /// Its variants, in the order of their maps.
    pub(crate) fn variants(&self) -> impl Iterator<Item = &'a Variant> {
        self.parts.iter().flat_map(|part| part.variants.iter().copied())
    }

    fn keys(&self) -> Vec<String> {
        self.variants().map(|variant| variant.key.clone()).collect()
    }

    /// Takes `part`, and no more images at once than that may have.
    fn add(&mut self, part: Together<'a>, (batch, grows): (usize, bool)) {
        self.granted = (self.granted.0.min(batch), self.granted.1 && grows);
        self.parts.push(part);
    }
}

/// The maps of one variant.
#[derive(Default)]
pub(crate) struct Maps {
    /// `[n, c, h, w]`.
    pub(crate) values: Vec<f32>,
    /// Of a complete method.
    pub(crate) completeness: Option<Completeness>,
}

/// The variants in rounds: first, possibly empty, those that share the forward pass of the predictions.
pub(crate) fn rounds<'a>(variants: impl Iterator<Item = &'a Variant>) -> Result<Vec<Round<'a>>, UnitError> {
    let mut rounds: Vec<Round<'a>> = Vec::new();
    for part in Together::of(variants)? {
        let (granted, shares_pass) = ((part.batch(), part.grows()), part.shares_pass());
        let fitting = |round: &&mut Round<'_>| {
            shares_pass && round.shares_pass && round.variants().count() + part.variants.len() <= MOST_TOGETHER
        };
        match rounds.iter_mut().find(fitting) {
            Some(round) => round.add(part, granted),
            None => rounds.push(Round { granted, shares_pass, parts: vec![part] }),
        }
    }
    rounds.sort_by_key(|round| !round.shares_pass);
    if rounds.first().is_none_or(|round| !round.shares_pass) {
        let batch = rounds.first().map_or(PREDICTED_AT_ONCE, |round| round.granted.0);
        rounds.insert(0, Round { granted: (batch, false), shares_pass: true, parts: Vec::new() });
    }
    Ok(rounds)
}

/// A shard, and what its rounds have in common.
pub(crate) struct Work<'a> {
    graph: &'a Graph,
    group: &'a Group,
    device: Device,
    first: u64,
    /// `[n, c, h, w]`, in the host's memory.
    images: Tensor,
    /// The mean image of the dataset `[1, c, h, w]`, on the device.
    mean: Option<Tensor>,
    known: Known,
    /// `[n]` on the device, once the first round is done.
    targets: Option<Tensor>,
    /// Logits `[n, k]` that the store does not have yet.
    pub(crate) new_predictions: Option<Vec<f32>>,
    /// Of the batches of its rounds.
    pub(crate) learned: Vec<Learned>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(graph: &'a Graph, group: &'a Group, device: Device, shard: &Shard) -> Result<Self, UnitError> {
        let [c, h, w] = group.shape.map(|size| size as i64);
        let images = Tensor::f_from_slice(&shard.images)?.f_view([-1, c, h, w])?;
        let mean = shard
            .mean
            .as_deref()
            .map(|mean| Tensor::f_from_slice(mean)?.f_view([1, c, h, w])?.f_to_kind(kind(group))?.f_to_device(device));
        let stored = shard.predictions.as_deref().map(|logits| argmax(logits, group.classes));
        let (mean, targets) = (mean.transpose()?, stored.transpose()?);
        let first = group.range(shard.index).start;
        Ok(Self {
            graph,
            group,
            device,
            first,
            images,
            mean,
            known: Known::default(),
            targets,
            new_predictions: None,
            learned: Vec::new(),
        })
    }

    /// The maps of each variant of `round`; predictions too, if they are not there yet.
    pub(crate) fn round(
        &mut self,
        round: &Round<'_>,
        sizes: &mut Sizes,
        stop: &impl Fn() -> bool,
    ) -> Result<Vec<Maps>, UnitError> {
        let mut maps: Vec<Maps> = round.variants().map(|_| Maps::default()).collect();
        let mut logits = Vec::new();
        if self.targets.is_some() && round.parts.is_empty() {
            return Ok(maps);
        }
        let keys = round.keys();
        let size = sizes.of(&self.group.model, keys.clone(), round.granted);
        let (n, mut start) = (self.images.size4()?.0, 0);
        while start < n {
            if stop() {
                return Err(UnitError::Stopped);
            }
            let here = (size.batch() as i64).min(n - start);
            match self.batch(round, size, (start, here), (&mut maps, &mut logits)) {
                Ok(()) => start += here,
                Err(error) if error.class() == Failure::OutOfMemory => {
                    if !size.ran_out(here as usize, self.least_rows()) {
                        return Err(UnitError::NoRoom(error.text()));
                    }
                    Memory::of(self.device).release();
                    Memory::of(self.device).forget_peak();
                    tracing::warn!(keys = keys.join(", "), batch = here, error = error.text(), "half of it is tried");
                }
                Err(error) => return Err(error),
            }
        }
        self.learned.extend(size.learned(&keys));
        if self.targets.is_none() {
            self.targets = Some(argmax(&logits, self.group.classes)?);
            self.new_predictions = Some(logits);
        }
        Ok(maps)
    }

    /// Computes `here` images from `start` on, and appends what comes out only once all of it is there.
    fn batch(
        &self,
        round: &Round<'_>,
        size: &mut Size,
        (start, here): (i64, i64),
        (maps, logits): (&mut [Maps], &mut Vec<f32>),
    ) -> Result<(), UnitError> {
        let memory = Memory::of(self.device);
        // A last batch that is smaller tells little.
        let measures = size.is_growing() && here as usize == size.batch();
        let floor = if measures { memory.used() } else { 0 };
        if measures {
            memory.forget_peak();
        }
        let started = Instant::now();
        let first = self.first + start as u64;
        let (pass, predicted) = self.pass(start, here, size.rows(self.least_rows()))?;
        let attributed = round.parts.iter().map(|part| part.attribute(&pass)).collect::<Result<Vec<_>, _>>()?;
        if let Some(predicted) = predicted {
            append(logits, &predicted, || name::PREDICTIONS.to_owned(), first)?;
        }
        for (attribution, (variant, maps)) in attributed.iter().flatten().zip(round.variants().zip(maps)) {
            append(&mut maps.values, &attribution.map, || variant.key.clone(), first)?;
            complete(&mut maps.completeness, attribution, || variant.key.clone(), first)?;
        }
        if measures {
            let rate = here as f64 / started.elapsed().as_secs_f64();
            size.measured(Point { batch: here as usize, bytes: memory.peak(), rate }, floor, memory.limit());
        } else {
            size.done();
        }
        Ok(())
    }

    /// Rows that a method with several points an image computes at once, where there is memory for them.
    fn least_rows(&self) -> i64 {
        let [_, height, width] = self.group.shape;
        if self.device == Device::Cpu { LEAST_PIXELS / ((height * width).max(1) as i64) } else { 0 }
    }

    /// The images from `start` on, `size` of them; their logits too, where targets are not known yet.
    fn pass(&self, start: i64, size: i64, rows: i64) -> Result<(Pass<'_>, Option<Tensor>), UnitError> {
        let images = self.images.f_narrow(0, start, size)?.f_to_device(self.device)?.f_to_kind(kind(self.group))?;
        let first = self.first + start as u64;
        let dataset = (self.group.dataset.as_str(), self.group.split.as_str());
        let origin = Origin {
            seed: self.group.numerics.seed,
            dataset,
            first,
            mean: self.mean.as_ref(),
            known: Some(&self.known),
        };
        if let Some(targets) = &self.targets {
            let targets = targets.f_narrow(0, start, size)?.f_to_device(self.device)?;
            return Ok((Pass::new(self.graph, images, targets, rows, origin), None));
        }
        let trace = self.graph.trace(&images)?;
        let logits = trace.logits().shallow_clone();
        Ok((Pass::predicted(self.graph, images, trace, rows, origin)?, Some(logits)))
    }
}

/// Index of the largest logit of each image, as libtorch finds it.
fn argmax(logits: &[f32], classes: usize) -> Result<Tensor, UnitError> {
    Ok(Tensor::f_from_slice(logits)?.f_view([-1, classes as i64])?.f_argmax(1, false)?)
}

/// Appends what the maps of one batch miss to `all`.
fn complete(
    all: &mut Option<Completeness>,
    attribution: &Attribution,
    what: impl Fn() -> String,
    first: u64,
) -> Result<(), UnitError> {
    let (Some(delta), Some(change)) = (attribution.delta()?, &attribution.change) else { return Ok(()) };
    let all = all.get_or_insert_default();
    append(&mut all.deltas, &delta, || format!("the convergence delta of {}", what()), first)?;
    append(&mut all.changes, change, || format!("the change that {} explains", what()), first)
}

/// Appends `values` `[n, ..]` to `all` in single precision, refusing what is not finite.
fn append(all: &mut Vec<f32>, values: &Tensor, what: impl Fn() -> String, first: u64) -> Result<(), UnitError> {
    let values = values.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let start = all.len();
    let count = values.numel();
    all.resize(start + count, 0.0);
    values.f_copy_data(&mut all[start..], count)?;
    let per_image = count / values.size()[0].max(1) as usize;
    match all[start..].iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(UnitError::NotFinite { what: what(), image: first + (at / per_image) as u64 }),
    }
}
