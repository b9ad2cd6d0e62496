//! Second stage: predictions and maps. One thread owns the device.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use network::{Graph, Weights, models};
use store::{Completeness, name};
use sweep::group::{Group, Numerics, Precision};
use sweep::variant::Variant;
use tch::{Device, Kind};

use crate::counted;
use crate::proofs::Proofs;
use crate::read::Shard;
use crate::sizes::Sizes;
use crate::unit::{Job, UnitError};
use crate::work::Work;
use crate::{against, maker, numerics, rounds};

/// Values of a shard on their way to the store. Images and maps go one by one, in order, and then their end.
pub(crate) enum Computed {
    Floats {
        array: &'static str,
        values: Vec<f32>,
    },
    Integers {
        array: &'static str,
        values: Vec<i64>,
    },
    Image(Vec<f32>),
    ImagesEnd,
    Map {
        key: String,
        values: Vec<f32>,
    },
    /// Of a complete method, with how far each map is from summing to what it should.
    MapsEnd {
        key: String,
        completeness: Option<Completeness>,
    },
}

impl Computed {
    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = match self {
            Self::Floats { values, .. } | Self::Image(values) | Self::Map { values, .. } => size_of_val(&values[..]),
            Self::Integers { values, .. } => size_of_val(&values[..]),
            Self::ImagesEnd | Self::MapsEnd { .. } => 0,
        };
        bytes as u64
    }
}

/// The device, and the model that it holds.
pub(crate) struct Engine {
    device: Device,
    loaded: Option<(Key, Graph, Proofs)>,
    sizes: Sizes,
    /// Time that models took to prove themselves which are not loaded any more.
    proving: Duration,
}

/// What determines a graph.
type Key = (String, PathBuf, (String, Option<String>), Numerics);

impl Engine {
    pub(crate) fn new(device: Device) -> Self {
        Self { device, loaded: None, sizes: Sizes::default(), proving: Duration::ZERO }
    }

    /// Computes what is missing of `shard`, unless told to `stop` between two batches, and gives it to `emit`.
    pub(crate) fn compute(
        &mut self,
        job: &mut Job,
        shard: &Shard,
        stop: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Computed),
    ) -> Result<(), UnitError> {
        let unit = job.grant.unit.clone();
        let group = unit.group.clone();
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
        let to_do = |variant: &&Variant| unit.has(variant) && !shard.ledger.has_variant(&group, variant, shard.index);
        let rounds = rounds::rounds(group.variants.iter().filter(to_do))?;
        let device = self.device;
        self.load(&group)?;
        let Self { loaded: Some((_, graph, proofs)), sizes, .. } = self else { return Ok(()) };
        let first = maker::of(graph, device);
        let mut work = Work::new(graph, &group, device, shard)?;
        work.images_missing = missing(name::IMAGES);
        for round in rounds {
            let started = Instant::now();
            work.round(&round, sizes, stop, emit)?;
            job.computing += started.elapsed();
            job.maps += (range.end - range.start) * round.variants().count() as u64;
        }
        job.learned = work.learned;
        proofs.keep(graph);
        if job.maps > 0 {
            job.computed_by.push(first);
            let last = maker::of(graph, device);
            if !job.computed_by.contains(&last) {
                job.computed_by.push(last);
            }
        }
        job.fell_back = graph.disproof();
        Ok(())
    }

    /// Time that models have taken to prove themselves.
    pub(crate) fn proving(&self) -> Duration {
        self.proving + self.loaded.as_ref().map_or(Duration::ZERO, |(_, graph, _)| graph.proving())
    }

    /// The group's model, kept between units.
    pub(crate) fn graph(&mut self, group: &Group) -> Result<&Graph, UnitError> {
        self.load(group)?;
        let changed = || UnitError::Changed { file: group.weights.display().to_string() };
        self.loaded.as_ref().map(|(_, graph, _)| graph).ok_or_else(changed)
    }

    /// Loads the group's model, unless it is that of the unit before.
    fn load(&mut self, group: &Group) -> Result<(), UnitError> {
        let of_file = (group.weights_sha256.clone(), group.weights_set.clone());
        let key = (group.model.clone(), group.weights.clone(), of_file, group.numerics);
        if self.loaded.as_ref().is_none_or(|(loaded, ..)| *loaded != key) {
            // The old model goes first: two may not fit.
            self.proving = self.proving();
            self.loaded = None;
            if Weights::sha256(&group.weights)? != group.weights_sha256 {
                return Err(UnitError::Changed { file: group.weights.display().to_string() });
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
            against::processor(&graph, group, self.device)?;
            let proofs = Proofs::of(&graph, group);
            self.loaded = Some((key, graph, proofs));
            counted::settle();
        }
        Ok(())
    }
}

/// The type of images, logits and gradients.
pub(crate) fn kind(group: &Group) -> Kind {
    if group.numerics.precision == Precision::Float64 { Kind::Double } else { Kind::Float }
}

/// The type of the values between the layers of the network.
fn between_layers(group: &Group) -> Kind {
    match group.numerics.precision {
        Precision::Float32 | Precision::Tf32 => Kind::Float,
        Precision::Float64 => Kind::Double,
        Precision::Bfloat16 => Kind::BFloat16,
        Precision::Float16 => Kind::Half,
    }
}
