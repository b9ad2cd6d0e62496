//! Measures variants on real images: the path of a sweep, without a store and without a scheduler.
//!
//! A probe may run out of memory or lose its device: it is a process of its own, which then ends.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use attribution::METHODS;
use data::mean::{self, MeanError};
use data::{DataError, formats};
use network::{NetworkError, Weights, models};
use safetensors::{Dtype, View};
use store::{Ledger, attribution, name};
use sweep::group::{Group, MeanImage, Noise};
use sweep::parameters::Parameters;
use sweep::probe::{Asked, Measured, Request, Run};
use sweep::problem::nearest;
use sweep::unit::{Part, Unit};
use sweep::variant::Variant;
use tch::{Device, Kind};

use crate::compute::{Computed, Engine};
use crate::connection::Grant;
use crate::device::Opened;
use crate::exit::Exit;
use crate::memory;
use crate::read::Reader;
use crate::unit::{Job, UnitError};

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
            error => Self::request(error.to_string()),
        }
    }
}

/// Measures what standard input asks for.
pub(crate) fn answer(device: &Opened) -> Result<Measured, Exit> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|error| Exit::request(format!("standard input: {error}")))?;
    let request = serde_json::from_str(&text).map_err(|error| Exit::request(format!("standard input: {error}")))?;
    Ok(measure(&request, device)?)
}

fn measure(request: &Request, device: &Opened) -> Result<Measured, ProbeError> {
    let group = group(request)?;
    let (mut reader, mut engine) = (Reader::default(), Engine::new(device.device));
    let mut run = |group: &Group| -> Result<(Run, Vec<Array>), UnitError> {
        let part = Part::Shard(0);
        let grant = Grant { unit: Unit { group: Arc::new(group.clone()), part }, attempt: 1, tag: String::new() };
        let shard = reader.shard(group, 0, Ledger::default(), None)?;
        let (mut job, mut arrays) = (Job::new(grant), Vec::new());
        memory::forget_peak();
        let started = Instant::now();
        engine.compute(
            &mut job,
            shard,
            || false,
            |computed| {
                if request.maps.is_some() {
                    arrays.extend(named(computed, group));
                }
            },
        )?;
        Ok((Run { seconds: started.elapsed().as_secs_f64(), peak: memory::peak() }, arrays))
    };
    // Loads the model: predictions alone.
    run(&Group { variants: Vec::new(), ..group.clone() })?;
    let (floor, mut runs) = (memory::resident(), Vec::new());
    for repeat in 1..=request.repeats {
        let (measured, arrays) = run(&group)?;
        runs.push(measured);
        if let Some(file) = request.maps.as_ref().filter(|_| repeat == request.repeats) {
            let failed = |source| ProbeError::Maps { file: file.clone(), source };
            let views = arrays.iter().map(|array| (array.name.as_str(), array));
            safetensors::serialize_to_file(views, None, file).map_err(failed)?;
        }
    }
    Ok(Measured { device: device.name.clone(), floor, runs })
}

/// The group whose only shard is what is asked for. It has no store.
fn group(request: &Request) -> Result<Group, ProbeError> {
    let Request { dataset, split, size, images: asked, .. } = request;
    let (file, format) = formats::locate(&request.data, dataset, *size).map_err(|expected| ProbeError::NoData {
        dataset: dataset.clone(),
        size: *size,
        expected,
    })?;
    let source = (format.open)(&file, split)?;
    if *asked == 0 || *asked > source.len() {
        return Err(ProbeError::Images { file, has: source.len(), asked: *asked });
    }
    let [height, width, _] = source.shape();
    let graph = models::open(&request.model, &request.weights, (Device::Cpu, Kind::Float))?;
    Ok(Group {
        dataset: dataset.clone(),
        split: split.clone(),
        images_file: file,
        format: format.name.to_owned(),
        data: source.content(),
        model: request.model.clone(),
        weights: request.weights.clone(),
        weights_sha256: Weights::sha256(&request.weights)?,
        mean: request.mean.as_ref().map(|file| mean_image(file)).transpose()?,
        noise: Noise { name: "clean".to_owned(), kind: "none".to_owned(), parameters: Parameters::default() },
        store: PathBuf::new(),
        images: *asked,
        shape: [graph.channels() as usize, height, width],
        classes: graph.classes() as usize,
        shard: *asked,
        variants: request.variants.iter().map(variant).collect::<Result<_, _>>()?,
        numerics: request.numerics,
    })
}

fn mean_image(file: &Path) -> Result<MeanImage, ProbeError> {
    Ok(MeanImage { file: file.to_owned(), sha256: mean::read(file)?.sha256() })
}

/// With defaults filled in.
fn variant(asked: &Asked) -> Result<Variant, ProbeError> {
    let Asked { key, class, parameters, semantics, batch } = asked.clone();
    let Some(entry) = METHODS.iter().find(|entry| entry.item.name == class) else {
        let hint = nearest(&class, METHODS.iter().map(|entry| entry.item.name.as_ref()));
        return Err(ProbeError::Method { class, hint });
    };
    if batch == 0 {
        return Err(ProbeError::Batch { key });
    }
    let parameters = parameters.checked(&entry.item.parameters).map_err(|mistakes| {
        let (parameter, text) = mistakes.into_iter().next().unwrap_or_default();
        ProbeError::Parameter { key: key.clone(), parameter, text }
    })?;
    Ok(Variant { key, class, parameters, semantics, complete: entry.complete, batch })
}

/// An array of a store, in single precision.
struct Array {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Images, logits or maps by the name that they have in a store.
fn named(computed: Computed, group: &Group) -> Option<Array> {
    let n = group.images as usize;
    let of_images = [&[n], group.shape.as_slice()].concat();
    Some(match computed {
        Computed::Integers { .. } => return None,
        Computed::Floats { array: name::PREDICTIONS, values } => {
            Array { name: name::PREDICTIONS.to_owned(), shape: vec![n, group.classes], values }
        }
        Computed::Floats { array, values } => Array { name: array.to_owned(), shape: of_images, values },
        Computed::Maps { key, values, .. } => Array { name: attribution(&key), shape: of_images, values },
    })
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
