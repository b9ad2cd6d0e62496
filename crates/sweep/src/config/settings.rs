//! The keys that the reference schema does not have, all optional.

use std::sync::Arc;

use super::experiments::{Experiment, MEANS, MeanOf};
use super::indices::indices;
use super::running::launcher::{self, Chosen};
use super::search_space::Split;
use super::weights::expect;
use super::weights::{Expectation, Normalizations, WeightSets};
use crate::group::{Dtype, Numerics, Precision};
use crate::variant::semantics::{self, Semantics};
use crate::yaml::{Fields, Value, read};

/// Values of all keys beside the reference schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Precision, seed and type of numbers.
    pub numerics: Numerics,
    /// The definition that methods follow, of papers or of Captum, where a method has no choice of its own.
    pub semantics: Semantics,
    /// Whether what the script of the reference experiment does by mistake is to be done, too.
    pub as_script: bool,
    /// Images whose mean is the mean image that variants take.
    pub mean_of: MeanOf,
    /// Layout of stores.
    pub store: StoreSettings,
    /// Names of sets of weights, for files that hold several sets.
    pub weights: WeightSets,
    /// Devices of the workers; `None` means the reference's `available_gpus`.
    pub devices: Option<Devices>,
    /// The launcher; `None` means the first launcher.
    pub launcher: Option<Chosen>,
    /// Line of shell that is run when the sweep has ended.
    pub at_end: Option<String>,
    /// Most images of each split; the first images are taken.
    pub limit: Option<u64>,
    /// Indices of the images of each split that are taken, in the order in which they are taken; `None` means all.
    pub indices: Option<Arc<[u64]>>,
    /// Images that are attributed at once, in place of the result of preflight.
    pub batch_size: Option<usize>,
    /// Bytes that a worker on the processor may take; `None` means its share of the free memory.
    pub memory: Option<u64>,
    /// Threads of each worker on the processor; `None` means its share of the cores.
    pub threads: Option<usize>,
    /// Normalizations of images, where they are not those of the datasets.
    pub normalize: Normalizations,
    /// Measurements by the authors of weights.
    pub expect: Vec<Expectation>,
}

/// Layout of stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Name of the format of finished stores, and its line; `None` means the format in which sweeps write.
    pub format: Option<(String, u64)>,
    /// Images in a shard, which is the unit of writing, and the most that a lost worker loses.
    pub shard: u64,
    /// Compression of the chunks.
    pub compression: Compression,
}

/// Compression of the chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard, level 3.
    Zstd,
    /// No compression: gradient maps shrink by some 6 % only.
    None,
}

/// Devices of the workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Devices {
    /// Every idle GPU, or else the processor.
    Auto,
    /// The processor, whose cores are divided among the workers.
    Cpu {
        /// Number of workers.
        workers: usize,
    },
    /// GPUs of these indices, as nvidia-smi counts GPUs.
    Gpus(Vec<u32>),
}

const PRECISIONS: &[(&str, Precision)] = &[
    ("float32", Precision::Float32),
    ("tf32", Precision::Tf32),
    ("bfloat16", Precision::Bfloat16),
    ("float16", Precision::Float16),
    ("float64", Precision::Float64),
];
const DTYPES: &[(&str, Dtype)] = &[("float16", Dtype::Float16), ("float32", Dtype::Float32)];
const COMPRESSIONS: &[(&str, Compression)] = &[("zstd", Compression::Zstd), ("none", Compression::None)];

impl Settings {
    pub(super) fn read(fields: &mut Fields<'_>, experiment: Option<&Experiment>) -> Self {
        let precision = experiment.map_or(Precision::Float32, |experiment| experiment.precision);
        let mean_of = experiment.map_or(MeanOf::Split(Split::Train), |experiment| experiment.mean_of);
        let (semantics, as_script) = semantics(fields, experiment.is_some());
        let (store, dtype) = fields.section("store", store).unwrap_or((DEFAULT_STORE, Dtype::Float16));
        Self {
            numerics: Numerics {
                seed: fields.optional("seed", read::integer(0, u64::MAX)).unwrap_or(0),
                precision: fields.optional("precision", read::choice(PRECISIONS)).unwrap_or(precision),
                dtype,
                fold_batch_norm: fields.optional("fold_batch_norm", read::boolean).unwrap_or(false),
            },
            semantics,
            as_script,
            mean_of: fields.optional("mean_of", read::choice(MEANS)).unwrap_or(mean_of),
            store,
            weights: fields.section("weights", WeightSets::read).unwrap_or_default(),
            devices: fields.optional("devices", devices),
            launcher: launcher::chosen(fields),
            at_end: fields.optional("at_end", read::text),
            limit: fields.optional("limit", read::integer(1, u64::MAX)),
            indices: indices(fields),
            batch_size: fields.optional("batch_size", read::integer(1, 1 << 20)).map(|n| n as usize),
            memory: fields.optional("memory", read::size),
            threads: fields.optional("threads", read::integer(1, 4096)).map(|threads| threads as usize),
            normalize: Normalizations::read(fields),
            expect: expect::expectations(fields),
        }
    }
}

/// Word for what the script of the reference experiment computes, with Captum and with its own slips.
const OF_SCRIPT: &str = "reference";

/// Reads `semantics`: the definition, and whether the slips of a script are wanted, which needs an experiment.
fn semantics(fields: &mut Fields<'_>, has_script: bool) -> (Semantics, bool) {
    let word = |value: &Value| match read::text(value) {
        Ok(word) if word == OF_SCRIPT => Ok(None),
        _ => read::choice(semantics::WORDS)(value).map(Some).map_err(|words| format!("{words} or `{OF_SCRIPT}`")),
    };
    match fields.optional("semantics", word) {
        Some(None) => {
            if !has_script {
                let text = "found `reference`, and the config is of no reference experiment; name one with the key `reference`";
                fields.problem("semantics", text);
            }
            (Semantics::Captum, true)
        }
        word => (word.flatten().unwrap_or_default(), false),
    }
}

const DEFAULT_STORE: StoreSettings = StoreSettings { format: None, shard: 64, compression: Compression::Zstd };

fn store(mut fields: Fields<'_>) -> (StoreSettings, Dtype) {
    let settings = StoreSettings {
        format: fields.optional("format", read::text).map(|name| (name, fields.line_of("format"))),
        shard: fields.optional("shard", read::integer(1, 1 << 16)).unwrap_or(DEFAULT_STORE.shard),
        compression: fields.optional("compression", read::choice(COMPRESSIONS)).unwrap_or(DEFAULT_STORE.compression),
    };
    let dtype = fields.optional("dtype", read::choice(DTYPES)).unwrap_or(Dtype::Float16);
    fields.finish();
    (settings, dtype)
}

fn devices(value: &Value) -> Result<Devices, String> {
    let expected = || "`auto`, `cpu`, `{cpu: N}` or a list of GPU indices".to_owned();
    match value {
        Value::Text(word) if word == "auto" => Ok(Devices::Auto),
        Value::Text(word) if word == "cpu" => Ok(Devices::Cpu { workers: 1 }),
        Value::Map(entries) if entries.len() == 1 && entries[0].0.name == "cpu" => {
            let workers = read::integer(1, 1024)(&entries[0].1.value).map_err(|_| expected())?;
            Ok(Devices::Cpu { workers: workers as usize })
        }
        Value::List(items) if !items.is_empty() => {
            let index = |item: &crate::yaml::Node| read::integer(0, 1023)(&item.value).map(|index| index as u32);
            let gpus = items.iter().map(index).collect::<Result<Vec<_>, _>>().map_err(|_| expected())?;
            let twice = gpus.iter().enumerate().any(|(at, gpu)| gpus[..at].contains(gpu));
            if twice { Err("each GPU once".to_owned()) } else { Ok(Devices::Gpus(gpus)) }
        }
        _ => Err(expected()),
    }
}
