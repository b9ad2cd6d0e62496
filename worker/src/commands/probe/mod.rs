//! Measures variants on real images: the path of a sweep, without a store and without a scheduler.
//!
//! A probe may run out of memory or lose its device: it is a process of its own, which then ends.

mod error;
mod group;
mod waiting_time;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use machine::this_process;
use protocol::probe::{Measured, Request, Run};
use safetensors::{Dtype, View};
use store::{Ledger, attribution, name};
use sweep::group::Group;

use crate::device::Opened;
use crate::device::host_memory;
use crate::device::memory::Memory;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::stages::computed::Computed;
use crate::stages::reader::Reader;
use crate::unit_error::UnitError;

use self::error::ProbeError;
use self::waiting_time::Waits;

/// Measures the requests on standard input. Each request is answered before the next one is read.
pub(in crate::commands) fn answer(device: &Opened, tell: impl Fn(&Measured) -> Result<(), Exit>) -> Result<(), Exit> {
    let mut probe =
        Probe { device, reader: Reader::default(), engine: Engine::new(device.device), model: group::Model::default() };
    for request in serde_json::Deserializer::from_reader(std::io::stdin().lock()).into_iter::<Request>() {
        let request = request.map_err(|error| Exit::request(format!("standard input: {error}")))?;
        tell(&probe.measure(&request)?)?;
    }
    Ok(())
}

/// State that stays from one request to the next.
struct Probe<'a> {
    device: &'a Opened,
    reader: Reader,
    engine: Engine,
    model: group::Model,
}

impl Probe<'_> {
    fn measure(&mut self, request: &Request) -> Result<Measured, ProbeError> {
        let group = group::of(request, &mut self.model)?;
        let batches = group::batches(request);
        let device = self.device;
        let memory = Memory::of(device.device);
        let (reader, engine) = (&mut self.reader, &mut self.engine);
        let mut run = |group: Group| -> Result<(Run, BTreeMap<String, Array>), UnitError> {
            let group = Arc::new(group);
            let shard = reader.shard(&group, 0, Ledger::default(), None)?;
            let mut arrays = BTreeMap::new();
            this_process::forget_peak();
            memory.forget_peak();
            let (started, before, proving) = (Instant::now(), Waits::now(), engine.proving());
            let computation = engine.compute((&group, &shard, &batches), &|_| true, &|| false, &mut |computed| {
                if request.maps.is_some() {
                    keep(&mut arrays, computed, &group);
                }
            })?;
            // A sweep goes on with a smaller batch; here that is the answer.
            if let Some(learned) = computation.learned.iter().find(|learned| learned.ran_out) {
                let batch = learned.batch;
                return Err(UnitError::NoRoom(format!("{batch} images at once may, more do not")));
            }
            // A sweep proves a size once.
            let seconds = started.elapsed().saturating_sub(engine.proving().saturating_sub(proving)).as_secs_f64();
            let (peak, bytes) = (this_process::peak(), memory.peak());
            let waited = Waits::now().longest_since(&before).min(seconds);
            Ok((Run { seconds, waited, peak, bytes }, arrays))
        };
        // What others before it have left is not its own.
        host_memory::settle();
        // Loads the model: predictions alone.
        run(Group { variants: Vec::new(), ..group.clone() })?;
        // What they leave cached is no part of the base, and would hide what images take. Not again between repeats: to
        // take memory from a GPU anew is slow, and a sweep does it once.
        memory.release();
        let (floor, base, mut runs) = (this_process::resident(), memory.used(), Vec::new());
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
        Computed::Integers { .. } | Computed::ImagesEnd | Computed::MapsEnd { .. } | Computed::Act(_) => return,
        Computed::Floats { array, values } => (array.to_owned(), vec![n, group.classes], values),
        Computed::Image(values) => (name::IMAGES.to_owned(), of_images(), values),
        Computed::Map { key, values } => (attribution(&key), of_images(), values.into_floats()),
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
