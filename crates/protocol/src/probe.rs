//! Requests and answers of `worker probe`: measurements of variants on the first images of a dataset, without a store.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use sweep::group::Numerics;
use sweep::parameters::Parameters;
use sweep::semantics::Semantics;

/// Request for a measurement. Several variants are computed as the variants of one unit are, with all that they share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Model architecture.
    pub model: String,
    /// File of the weights.
    pub weights: PathBuf,
    /// Name of the set of weights in a file of several sets, where the config gives a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_set: Option<String>,
    /// Folder of datasets.
    pub data: PathBuf,
    /// Dataset flag.
    pub dataset: String,
    /// `train`, `val` or `test`.
    pub split: String,
    /// Height and width of the images.
    pub size: usize,
    /// Values of black and white in images of floats.
    #[serde(default)]
    pub float_range: Option<[f64; 2]>,
    /// Number of images, from the first on.
    pub images: u64,
    /// The mean image of the dataset, where a variant takes it as a baseline.
    pub mean: Option<PathBuf>,
    /// Precision and form of what is computed.
    pub numerics: Numerics,
    /// What is computed.
    pub variants: Vec<Asked>,
    /// Number of runs that are measured.
    pub repeats: usize,
    /// A `.safetensors` file for what the last run computed, by the names of the arrays of a store.
    pub maps: Option<PathBuf>,
}

/// A variant as a config gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Its name.
    pub key: String,
    /// The method's class.
    pub class: String,
    /// Parameters; defaults are filled in.
    pub parameters: Parameters,
    /// Whose definition of the method is followed.
    pub semantics: Semantics,
    /// Images that are attributed at once.
    pub batch: usize,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The device as the worker found it.
    pub device: String,
    /// Host memory of the process before the first run, with the model in it, in bytes.
    pub floor: u64,
    /// As `floor`, of the device's memory, as its limit counts it.
    pub base: u64,
    /// Most bytes of it that the process may hold now, what it holds included: less once others take of a GPU. `None` where
    /// nothing says so.
    pub limit: Option<u64>,
    /// Every run.
    pub runs: Vec<Run>,
}

/// One computation of all variants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Time that the run took, from images in the host's memory to maps in the host's memory.
    pub seconds: f64,
    /// Seconds of it in which the thread that waited longest could have run, and others used its core.
    pub waited: f64,
    /// Most host memory that the process had at any time of it, in bytes.
    pub peak: u64,
    /// As `peak`, of the device's memory, as its limit counts it.
    pub bytes: u64,
}
