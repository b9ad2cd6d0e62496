//! Measures variants on real images: the path of a sweep, without a store and without a scheduler.
//!
//! A probe may run out of memory or lose its device: it is a process of its own, which then ends.

mod cores;
mod group;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use data::DataError;
use data::mean::MeanError;
use network::NetworkError;
use safetensors::{Dtype, View};
use store::{Ledger, attribution, name};
use sweep::group::Group;
use sweep::message::Failure;
use sweep::probe::{Measured, Request, Run};
use sweep::unit::{Part, Unit};
use sweep::unit_id::UNNAMED;

use crate::compute::{Computed, Engine};
use crate::connection::Grant;
use crate::counted;
use crate::device::Opened;
use crate::exit::Exit;
use crate::memory::{self, Memory};
use crate::read::Reader;
use crate::unit::{Job, UnitError};

use cores::Waits;

/// Why there is nothing to measure.
#[derive(Debug, thiserror::Error)]
enum ProbeError {
    #[error("no data for `{dataset}` at {size} px: expected `{}`", expected.display())]
    NoData { dataset: String, size: usize, expected: PathBuf },
    #[error("`{}` has {has} images, {asked} were asked for; at least one is needed", file.display())]
    Images { file: PathBuf, has: u64, asked: u64 },
    #[error("unknown method `{class}`, {hint}")]
    Method { class: String, hint: String },
    #[error("variant `{key}`: parameter `{parameter}`: {text}")]
    Parameter { key: String, parameter: String, text: String },
    #[error("variant `{key}`: a batch of 0 images was asked for; at least one is needed")]
    Batch { key: String },
    #[error("cannot write maps to `{}`: {source}", file.display())]
    Maps { file: PathBuf, source: safetensors::SafeTensorError },
    #[error("{}", .0.text())]
    Unit(#[from] UnitError),
}

impl From<DataError> for ProbeError {
    fn from(error: DataError) -> Self {
        Self::Unit(error.into())
    }
}

impl From<MeanError> for ProbeError {
    fn from(error: MeanError) -> Self {
        Self::Unit(error.into())
    }
}

impl From<NetworkError> for ProbeError {
    fn from(error: NetworkError) -> Self {
        Self::Unit(error.into())
    }
}

impl From<ProbeError> for Exit {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Unit(unit) if unit.is_sticky() => Self::sticky(unit.text()),
            ProbeError::Unit(unit) if unit.class() == Failure::OutOfMemory => Self::memory(unit.text()),
            error => Self::request(error.to_string()),
        }
    }
}

/// Measures what standard input asks for, request by request; each is answered before the next one is read.
pub(crate) fn answer(device: &Opened, tell: impl Fn(&Measured) -> Result<(), Exit>) -> Result<(), Exit> {
    let mut probe =
        Probe { device, reader: Reader::default(), engine: Engine::new(device.device), model: group::Model::default() };
    for request in serde_json::Deserializer::from_reader(std::io::stdin().lock()).into_iter::<Request>() {
        let request = request.map_err(|error| Exit::request(format!("standard input: {error}")))?;
        tell(&probe.measure(&request)?)?;
    }
    Ok(())
}

/// What stays from one request to the next.
struct Probe<'a> {
    device: &'a Opened,
    reader: Reader,
    engine: Engine,
    model: group::Model,
}

impl Probe<'_> {
    fn measure(&mut self, request: &Request) -> Result<Measured, ProbeError> {
        let group = group::of(request, &mut self.model)?;
        let device = self.device;
        let memory = Memory::of(device.device);
        let (reader, engine) = (&mut self.reader, &mut self.engine);
        let mut run = |group: Group| -> Result<(Run, BTreeMap<String, Array>), UnitError> {
            let (group, part) = (Arc::new(group), Part::Shard(0));
            let grant = Grant { unit: Unit::of(Arc::clone(&group), UNNAMED, part), attempt: 1, tag: String::new() };
            let shard = reader.shard(&group, 0, Ledger::default(), None)?;
            let (mut job, mut arrays) = (Job::new(grant), BTreeMap::new());
            memory::forget_peak();
            memory.forget_peak();
            let (started, before, proving) = (Instant::now(), Waits::now(), engine.proving());
            engine.compute(&mut job, &shard, &|| false, &mut |computed| {
                if request.maps.is_some() {
                    keep(&mut arrays, computed, &group);
                }
            })?;
            // A sweep goes on with a smaller batch; here that is the answer.
            if let Some(learned) = job.learned.iter().find(|learned| learned.ran_out) {
                let batch = learned.batch;
                return Err(UnitError::NoRoom(format!("{batch} images at once may, more do not")));
            }
            // A sweep proves a size once.
            let seconds = started.elapsed().saturating_sub(engine.proving().saturating_sub(proving)).as_secs_f64();
            let (peak, bytes) = (memory::peak(), memory.peak());
            let waited = Waits::now().longest_since(&before).min(seconds);
            Ok((Run { seconds, waited, peak, bytes }, arrays))
        };
        // What others before it have left is not its own.
        counted::settle();
        // Loads the model: predictions alone.
        run(Group { variants: Vec::new(), ..group.clone() })?;
        // What they leave cached is no part of the base, and would hide what images take. Not again between repeats: to
        // take memory from a GPU anew is slow, and a sweep does it once.
        memory.release();
        let (floor, base, mut runs) = (memory::resident(), memory.used(), Vec::new());
        for repeat in 1..=request.repeats {
            let (measured, arrays) = run(group.clone())?;
            runs.push(measured);
            if let Some(file) = request.maps.as_ref().filter(|_| repeat == request.repeats) {
                let failed = |source| ProbeError::Maps { file: file.clone(), source };
                let views = arrays.iter().map(|(name, array)| (name.as_str(), array));
                safetensors::serialize_to_file(views, None, file).map_err(failed)?;
            }
        }
        Ok(Measured { device: device.name.clone(), floor, base, limit: memory.limit(), runs })
    }
}

/// An array of a store, in single precision.
struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Adds images, logits or maps to the array of the name that they have in a store.
fn keep(arrays: &mut BTreeMap<String, Array>, computed: Computed, group: &Group) {
    let n = group.images as usize;
    let of_images = || [&[n], group.shape.as_slice()].concat();
    let (name, shape, more) = match computed {
        Computed::Integers { .. } | Computed::ImagesEnd | Computed::MapsEnd { .. } => return,
        Computed::Floats { array, values } => (array.to_owned(), vec![n, group.classes], values),
        Computed::Image(values) => (name::IMAGES.to_owned(), of_images(), values),
        Computed::Map { key, values } => (attribution(&key), of_images(), values),
    };
    arrays.entry(name).or_insert_with(|| Array { shape, values: Vec::new() }).values.extend(more);
}

impl View for &Array {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values.as_slice())
    }
}
