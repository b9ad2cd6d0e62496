//! The engine: predictions and maps of shards, on the one device of this process. One thread owns the engine.

mod arriving;
mod batch_sizes;
mod computed_by;
mod delivery;
mod evaluation;
mod gpu_check;
mod leaving;
mod proofs;
mod rounds;
mod shard_run;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use network::{Graph, Weights, models};
use protocol::message::Learned;
use store::name;
use sweep::granted_batches::GrantedBatches;
use sweep::group::{Group, Numerics};
use sweep::variant::{OwnWeights, Variant};
use tch::Device;

use self::batch_sizes::BatchSizes;
use self::leaving::Leaving;
use self::proofs::ProofCache;
use self::shard_run::ShardRun;
use crate::device::host_memory;
use crate::device::traffic::Traffic;
use crate::libtorch::numerics::{self, between_layers};
use crate::stages::computed::Computed;
use crate::stages::reader::Shard;
use crate::unit_error::UnitError;

/// Time that a unit took of the device, and what computing the unit has shown.
#[derive(Debug, Default)]
pub(crate) struct Computation {
    /// Time for making images of pixels, beside the device.
    pub(crate) images: Duration,
    /// Time for rounds of variants, with the time of waiting for the next stage.
    pub(crate) computing: Duration,
    /// Number of attribution maps (images x variants).
    pub(crate) maps: u64,
    /// Batch sizes that are better than the granted sizes.
    pub(crate) learned: Vec<Learned>,
    /// Reason for which the lowered graph was given up.
    pub(crate) fell_back: Option<String>,
}

/// Device, and the model that is loaded there.
pub(crate) struct Engine {
    device: Device,
    /// Traffic with the device, once something was computed there.
    traffic: Option<Traffic>,
    loaded: Option<(Key, Graph, ProofCache)>,
    sizes: BatchSizes,
    /// Time for proofs of models that are not loaded any more.
    proving: Duration,
}

/// Key of a loaded graph: all that determines the graph.
type Key = (String, PathBuf, (String, Option<String>), Numerics);

impl Engine {
    pub(crate) fn new(device: Device) -> Self {
        Self { device, traffic: None, loaded: None, sizes: BatchSizes::default(), proving: Duration::ZERO }
    }

    /// Computes what the store lacks of `shard` and of its `wanted` variants, and gives it to `emit`; ends early once `stop`
    /// says so between two batches.
    pub(crate) fn compute(
        &mut self,
        (group, shard, batches): (&Group, &Shard, &GrantedBatches),
        wanted: &dyn Fn(&Variant) -> bool,
        stop: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Computed),
    ) -> Result<Computation, UnitError> {
        let missing = |array: &str| !shard.ledger.has(array, shard.index);
        let range = group.range(shard.index);
        if missing(name::LABELS) {
            emit(Computed::Integers { array: name::LABELS, values: shard.labels.clone() });
        }
        if missing(name::INDICES) {
            emit(Computed::Integers {
                array: name::INDICES,
                values: range.clone().map(|at| group.original(at) as i64).collect(),
            });
        }
        let to_do = |variant: &&Variant| wanted(variant) && !shard.ledger.has_variant(group, variant, shard.index);
        if let Some(logits) = shard.predictions.as_ref().filter(|_| shard.predictions_missing) {
            emit(Computed::Floats { array: name::PREDICTIONS, values: logits.clone() });
        }
        let (mut done, mut images_missing) = (Computation::default(), missing(name::IMAGES));
        let now = self.loaded.as_ref().map(|((_, file, ..), ..)| file.clone());
        for (weights, variants) in by_weights(group, group.variants.iter().filter(to_do), now.as_deref()) {
            let rounds = rounds::rounds(variants.into_iter(), batches)?;
            let group = group.with_weights(weights);
            self.load(&group)?;
            let Self { loaded: Some((_, graph, proofs)), sizes, traffic, device, .. } = &mut *self else {
                return Ok(done);
            };
            let traffic = &*traffic.get_or_insert_with(|| Traffic::of(*device));
            let mut run = ShardRun::new(graph, &group, traffic, shard)?;
            run.images_missing = images_missing;
            let (started, mut leaving) = (Instant::now(), Leaving::new(traffic, emit));
            // A round begins before the last one has left the device.
            let asked = rounds.iter().try_for_each(|round| {
                done.maps += (range.end - range.start) * round.variants().count() as u64;
                run.round(round, sizes, stop, &mut leaving)
            });
            leaving.end(asked)?;
            done.computing += started.elapsed();
            images_missing = run.images_missing;
            done.learned.extend(run.learned);
            proofs.keep(graph);
            done.fell_back = done.fell_back.or_else(|| graph.disproof());
        }
        done.images = shard.pixels.took();
        Ok(done)
    }

    /// Time for proofs of models so far.
    pub(crate) fn proving(&self) -> Duration {
        self.proving + self.loaded.as_ref().map_or(Duration::ZERO, |(_, graph, _)| graph.proving())
    }

    /// Model of the group, which is kept between units.
    pub(crate) fn graph(&mut self, group: &Group) -> Result<&Graph, UnitError> {
        self.load(group)?;
        let changed = || UnitError::Changed { file: group.input.weights.display().to_string() };
        self.loaded.as_ref().map(|(_, graph, _)| graph).ok_or_else(changed)
    }

    /// Keeps what was proved of the model that is loaded.
    fn keep_proofs(&self) {
        if let Some((_, graph, proofs)) = &self.loaded {
            proofs.keep(graph);
        }
    }

    /// Loads the model of the group, unless the unit before had the same model.
    fn load(&mut self, group: &Group) -> Result<(), UnitError> {
        let of_file = (group.input.weights_sha256.clone(), group.input.weights_set.clone());
        let key = (group.model.clone(), group.input.weights.clone(), of_file, group.numerics);
        if self.loaded.as_ref().is_none_or(|(loaded, ..)| *loaded != key) {
            // The old model goes first: two may not fit.
            self.proving = self.proving();
            self.loaded = None;
            if Weights::sha256(&group.input.weights)? != group.input.weights_sha256 {
                return Err(UnitError::Changed { file: group.input.weights.display().to_string() });
            }
            numerics::set(group.numerics.precision);
            let mut graph =
                models::open_set(&group.model, group.weights_and_set(), (self.device, between_layers(group)))?;
            if group.numerics.fold_batch_norm {
                graph = graph.folded()?;
            }
            if self.device != Device::Cpu && numerics::on_tensor_cores(group.numerics.precision) {
                graph = graph.channels_last()?;
            }
            gpu_check::processor(&graph, group, self.device)?;
            if let Some(reason) = graph.refused() {
                tracing::warn!(
                    reason,
                    "no kernels of ours on this GPU: passes run on the plain graph, which takes longer"
                );
            }
            let proofs = ProofCache::of(&graph, group, self.device);
            self.loaded = Some((key, graph, proofs));
            host_memory::settle();
        }
        Ok(())
    }
}

/// Weights that variants have for themselves, or those of their group, and the variants.
type Part<'a> = (Option<&'a OwnWeights>, Vec<&'a Variant>);

/// `variants` of `group` by their weights; one part with no variant where nothing but predictions is to do. Those whose weights are loaded
/// `now` come first.
fn by_weights<'a>(group: &'a Group, variants: impl Iterator<Item = &'a Variant>, now: Option<&Path>) -> Vec<Part<'a>> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    for variant in variants {
        let weights = variant.weights.as_ref();
        match parts.iter_mut().find(|(known, _)| *known == weights) {
            Some((_, part)) => part.push(variant),
            None => parts.push((weights, vec![variant])),
        }
    }
    if parts.is_empty() {
        parts.push((None, Vec::new()));
    }
    let is_loaded = |(weights, _): &Part<'_>| {
        let file = weights.map_or(group.input.weights.as_path(), |own| own.file.as_path());
        now == Some(file)
    };
    parts.sort_by_key(|part| !is_loaded(part));
    parts
}

#[cfg(test)]
mod tests;
