//! One shard on the device: rounds of variants that are computed together, batch by batch.

use attribution::{Attribution, Origin, Pass, Together};
use network::Graph;
use store::{Completeness, name};
use sweep::group::Group;
use sweep::variant::Variant;
use tch::{Device, Kind, Tensor};

use crate::compute::kind;
use crate::read::Shard;
use crate::unit::UnitError;

/// Pixels that a method with several points an image computes at once on the CPU, at least: fewer leave cores
/// idle, more do not stay in the cache. Eight images of 224 px.
const LEAST_PIXELS: i64 = 8 * 224 * 224;
/// Images of a round that has nothing to attribute.
const PREDICTED_AT_ONCE: usize = 16;

/// Variants that are computed together, batch by batch.
pub(crate) struct Round<'a> {
    batch: usize,
    shares_pass: bool,
    parts: Vec<Together<'a>>,
}

impl<'a> Round<'a> {
    /// Its variants, in the order of their maps.
    pub(crate) fn variants(&self) -> impl Iterator<Item = &'a Variant> {
        self.parts.iter().flat_map(|part| part.variants.iter().copied())
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
        let (batch, shares_pass) = (part.batch(), part.shares_pass());
        let fitting = |round: &&mut Round<'_>| shares_pass && round.shares_pass && round.batch == batch;
        match rounds.iter_mut().find(fitting) {
            Some(round) => round.parts.push(part),
            None => rounds.push(Round { batch, shares_pass, parts: vec![part] }),
        }
    }
    rounds.sort_by_key(|round| !round.shares_pass);
    if rounds.first().is_none_or(|round| !round.shares_pass) {
        let batch = rounds.first().map_or(PREDICTED_AT_ONCE, |round| round.batch);
        rounds.insert(0, Round { batch, shares_pass: true, parts: Vec::new() });
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
    /// `[n]` on the device, once the first round is done.
    targets: Option<Tensor>,
    /// Logits `[n, k]` that the store does not have yet.
    pub(crate) new_predictions: Option<Vec<f32>>,
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
        Ok(Self { graph, group, device, first, images, mean, targets, new_predictions: None })
    }

    /// The maps of each variant of `round`; predictions too, if they are not there yet.
    pub(crate) fn round(&mut self, round: &Round<'_>, stop: &impl Fn() -> bool) -> Result<Vec<Maps>, UnitError> {
        let mut maps: Vec<Maps> = round.variants().map(|_| Maps::default()).collect();
        let mut logits = Vec::new();
        let known = self.targets.take();
        if known.is_some() && round.parts.is_empty() {
            self.targets = known;
            return Ok(maps);
        }
        let n = self.images.size4()?.0;
        for start in (0..n).step_by(round.batch) {
            if stop() {
                return Err(UnitError::Stopped);
            }
            let size = (round.batch as i64).min(n - start);
            let first = self.first + start as u64;
            let pass = self.pass(start, size, round.batch, known.as_ref(), &mut logits)?;
            let mut variants = round.variants().zip(&mut maps);
            for part in &round.parts {
                for (attribution, (variant, maps)) in part.attribute(&pass)?.iter().zip(&mut variants) {
                    append(&mut maps.values, &attribution.map, || variant.key.clone(), first)?;
                    complete(&mut maps.completeness, attribution, || variant.key.clone(), first)?;
                }
            }
        }
        self.targets = if let Some(targets) = known {
            Some(targets)
        } else {
            let targets = argmax(&logits, self.group.classes)?;
            self.new_predictions = Some(logits);
            Some(targets)
        };
        Ok(maps)
    }

    /// The images from `start` on, `size` of them; without `known` targets their `logits` are computed.
    fn pass(
        &self,
        start: i64,
        size: i64,
        batch: usize,
        known: Option<&Tensor>,
        logits: &mut Vec<f32>,
    ) -> Result<Pass<'_>, UnitError> {
        let images = self.images.f_narrow(0, start, size)?.f_to_device(self.device)?.f_to_kind(kind(self.group))?;
        let (_, _, height, width) = images.size4()?;
        let rows =
            if self.device == Device::Cpu { LEAST_PIXELS / (height * width).max(1) } else { 0 }.max(batch as i64);
        let first = self.first + start as u64;
        let dataset = (self.group.dataset.as_str(), self.group.split.as_str());
        let origin = Origin { seed: self.group.numerics.seed, dataset, first, mean: self.mean.as_ref() };
        if let Some(targets) = known {
            let targets = targets.f_narrow(0, start, size)?.f_to_device(self.device)?;
            return Ok(Pass::new(self.graph, images, targets, rows, origin));
        }
        let trace = self.graph.trace(&images)?;
        append(logits, trace.logits(), || name::PREDICTIONS.to_owned(), first)?;
        Ok(Pass::predicted(self.graph, images, trace, rows, origin)?)
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
