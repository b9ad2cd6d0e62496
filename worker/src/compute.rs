//! Second stage: predictions and maps. One thread owns the device.

use std::path::PathBuf;
use std::time::Instant;

use attribution::{Method, Pass};
use network::{Graph, Weights, models};
use store::{attribution as attribution_path, name};
use sweep::group::{Group, Numerics, Precision};
use sweep::variant::Variant;
use tch::{Device, Kind, Tensor};

use crate::read::Shard;
use crate::unit::{Job, UnitError};

/// Fewest images that a method with several points an image computes at once on the CPU: fewer leave cores idle.
const LEAST_ROWS: usize = 16;

/// Values of one array of a shard on their way to the store.
pub(crate) enum Computed {
    Floats { array: &'static str, values: Vec<f32> },
    Integers { array: &'static str, values: Vec<i64> },
    Maps { key: String, values: Vec<f32> },
}

/// The device, and the model that it holds.
pub(crate) struct Engine {
    device: Device,
    loaded: Option<(Key, Graph)>,
}

/// What determines a graph.
type Key = (String, PathBuf, String, Numerics);

/// Variants that are computed together, batch by batch.
struct Round<'a> {
    batch: usize,
    shares_pass: bool,
    variants: Vec<(&'a Variant, Box<dyn Method>)>,
}

impl Engine {
    pub(crate) fn new(device: Device) -> Self {
        Self { device, loaded: None }
    }

    /// Computes what is missing of `shard`, unless told to `stop` between two batches; each array is
    /// given to `emit` as soon as it is whole.
    pub(crate) fn compute(
        &mut self,
        job: &mut Job,
        shard: Shard,
        stop: impl Fn() -> bool,
        mut emit: impl FnMut(Computed),
    ) -> Result<(), UnitError> {
        let group = job.grant.unit.group.clone();
        let missing = |array: &str| !shard.ledger.has(array, shard.index);
        let range = group.range(shard.index);
        if missing(name::LABELS) {
            emit(Computed::Integers { array: name::LABELS, values: shard.labels.clone() });
        }
        if missing(name::INDICES) {
            emit(Computed::Integers {
                array: name::INDICES,
                values: range.clone().map(|index| index as i64).collect(),
            });
        }
        let rounds = rounds(group.variants.iter().filter(|variant| missing(&attribution_path(&variant.key))))?;
        let device = self.device;
        let graph = self.graph(&group)?;
        let mut work = Work::new(graph, &group, range.start, &shard)?;
        if missing(name::IMAGES) {
            emit(Computed::Floats { array: name::IMAGES, values: shard.images });
        }
        for round in rounds {
            let started = Instant::now();
            let maps = work.round(&round, device, &stop)?;
            job.computing += started.elapsed();
            if let Some(values) = work.new_predictions.take() {
                emit(Computed::Floats { array: name::PREDICTIONS, values });
            }
            for ((variant, _), values) in round.variants.iter().zip(maps) {
                job.maps += range.end - range.start;
                emit(Computed::Maps { key: variant.key.clone(), values });
            }
        }
        Ok(())
    }

    /// The group's model, kept between units.
    fn graph(&mut self, group: &Group) -> Result<&Graph, UnitError> {
        let key = (group.model.clone(), group.weights.clone(), group.weights_sha256.clone(), group.numerics);
        if self.loaded.as_ref().is_none_or(|(loaded, _)| *loaded != key) {
            // The old model goes first: two may not fit.
            self.loaded = None;
            if Weights::sha256(&group.weights)? != group.weights_sha256 {
                return Err(UnitError::Changed { file: group.weights.display().to_string() });
            }
            let mut graph = models::open(&group.model, &group.weights, (self.device, kind(group)))?;
            if group.numerics.fold_batch_norm {
                graph = graph.folded()?;
            }
            self.loaded = Some((key, graph));
        }
        let changed = || UnitError::Changed { file: group.weights.display().to_string() };
        self.loaded.as_ref().map(|(_, graph)| graph).ok_or_else(changed)
    }
}

fn kind(group: &Group) -> Kind {
    match group.numerics.precision {
        Precision::Float32 => Kind::Float,
        Precision::Float64 => Kind::Double,
    }
}

/// The variants in rounds: first, possibly empty, those that share the forward pass of the predictions.
fn rounds<'a>(variants: impl Iterator<Item = &'a Variant>) -> Result<Vec<Round<'a>>, UnitError> {
    let mut rounds: Vec<Round<'a>> = Vec::new();
    for variant in variants {
        let method = attribution::build(&variant.class, &variant.parameters)?;
        let shares_pass = method.shares_pass();
        let fitting = |round: &&mut Round<'_>| shares_pass && round.shares_pass && round.batch == variant.batch;
        match rounds.iter_mut().find(fitting) {
            Some(round) => round.variants.push((variant, method)),
            None => rounds.push(Round { batch: variant.batch, shares_pass, variants: vec![(variant, method)] }),
        }
    }
    rounds.sort_by_key(|round| !round.shares_pass);
    if rounds.first().is_none_or(|round| !round.shares_pass) {
        let batch = rounds.first().map_or(LEAST_ROWS, |round| round.batch);
        rounds.insert(0, Round { batch, shares_pass: true, variants: Vec::new() });
    }
    Ok(rounds)
}

/// A shard on the device.
struct Work<'a> {
    graph: &'a Graph,
    group: &'a Group,
    first: u64,
    /// `[n, c, h, w]`, in the host's memory.
    images: Tensor,
    /// `[n]` on the device, once the first round is done.
    targets: Option<Tensor>,
    new_predictions: Option<Vec<f32>>,
}

impl<'a> Work<'a> {
    fn new(graph: &'a Graph, group: &'a Group, first: u64, shard: &Shard) -> Result<Self, UnitError> {
        let [c, h, w] = group.shape.map(|size| size as i64);
        let images = Tensor::f_from_slice(&shard.images)?.f_view([-1, c, h, w])?;
        let stored = shard.predictions.as_deref().map(|logits| argmax(logits, group.classes));
        Ok(Self { graph, group, first, images, targets: stored.transpose()?, new_predictions: None })
    }

    /// The maps of each variant of `round`, `[n, c, h, w]`; predictions too, if they are not there yet.
    fn round(
        &mut self,
        round: &Round<'_>,
        device: Device,
        stop: &impl Fn() -> bool,
    ) -> Result<Vec<Vec<f32>>, UnitError> {
        let mut maps = vec![Vec::new(); round.variants.len()];
        let mut logits = Vec::new();
        let known = self.targets.take();
        if known.is_some() && round.variants.is_empty() {
            self.targets = known;
            return Ok(maps);
        }
        let n = self.images.size4()?.0;
        for start in (0..n).step_by(round.batch) {
            if stop() {
                return Err(UnitError::Stopped);
            }
            let size = (round.batch as i64).min(n - start);
            let images = self.images.f_narrow(0, start, size)?.f_to_device(device)?.f_to_kind(kind(self.group))?;
            let rows = if device == Device::Cpu { round.batch.max(LEAST_ROWS) } else { round.batch } as i64;
            let first = self.first + start as u64;
            let pass = if let Some(targets) = &known {
                Pass::new(self.graph, images, targets.f_narrow(0, start, size)?.f_to_device(device)?, rows)
            } else {
                let trace = self.graph.trace(&images)?;
                append(&mut logits, trace.logits(), || name::PREDICTIONS.to_owned(), first)?;
                Pass::predicted(self.graph, images, trace, rows)?
            };
            for ((variant, method), maps) in round.variants.iter().zip(&mut maps) {
                append(maps, &method.attribute(&pass)?, || variant.key.clone(), first)?;
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
}

/// Index of the largest logit of each image, as libtorch finds it.
fn argmax(logits: &[f32], classes: usize) -> Result<Tensor, UnitError> {
    Ok(Tensor::f_from_slice(logits)?.f_view([-1, classes as i64])?.f_argmax(1, false)?)
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
