//! The engine: predictions and maps of shards, on the one device of this process. One thread owns the engine.

mod batch_sizes;
mod computed_by;
mod delivery;
mod gpu_check;
mod leaving;
mod proof_cache;
mod rounds;
mod shard_run;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use network::{Graph, Weights, models};
use protocol::message::Learned;
use store::name;
use sweep::granted_batches::GrantedBatches;
use sweep::group::{Group, Numerics};
use sweep::variant::Variant;
use tch::Device;

use self::batch_sizes::BatchSizes;
use self::leaving::Leaving;
use self::proof_cache::ProofCache;
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
    loaded: Option<(Key, Graph, ProofCache)>,
    sizes: BatchSizes,
    /// Time for proofs of models that are not loaded any more.
    proving: Duration,
}

/// Key of a loaded graph: all that determines the graph.
type Key = (String, PathBuf, (String, Option<String>), Numerics);

impl Engine {
    pub(crate) fn new(device: Device) -> Self {
        Self { device, loaded: None, sizes: BatchSizes::default(), proving: Duration::ZERO }
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
        let rounds = rounds::rounds(group.variants.iter().filter(to_do), batches)?;
        let traffic = Traffic::of(self.device);
        self.load(group)?;
        let mut done = Computation::default();
        let Self { loaded: Some((_, graph, proofs)), sizes, .. } = self else { return Ok(done) };
        let mut run = ShardRun::new(graph, group, &traffic, shard)?;
        run.images_missing = missing(name::IMAGES);
        let (started, mut leaving) = (Instant::now(), Leaving::new(&traffic, emit));
        // A round begins before the last one has left the device.
        let asked = rounds.iter().try_for_each(|round| {
            done.maps += (range.end - range.start) * round.variants().count() as u64;
            run.round(round, sizes, stop, &mut leaving)
        });
        leaving.end(asked)?;
        done.computing = started.elapsed();
        done.learned = run.learned;
        proofs.keep(graph);
        (done.fell_back, done.images) = (graph.disproof(), shard.pixels.took());
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

#[cfg(test)]
mod tests;
