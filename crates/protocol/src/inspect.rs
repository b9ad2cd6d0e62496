//! The questions and answers of `worker inspect`: whether weights files fit their models, before anything is started.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sweep::variant::Variant;

/// A weights file, the model that it should fit, and what is to be computed with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Model architecture.
    pub model: String,
    /// Weights file.
    pub weights: PathBuf,
    /// Which one of several sets of weights in that file, where the config says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_set: Option<String>,
    /// Height and width of the images.
    pub size: usize,
    /// Variants that are to be tried on the model.
    pub variants: Vec<Variant>,
}

/// What one weights file holds, as a worker reads it before anything is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Input channels of the first convolution.
    pub channels: usize,
    /// Number of classes.
    pub classes: usize,
    /// `[height, width]` of an image, where the model takes no other.
    pub size: Option<[usize; 2]>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// What a person should know of how the file was read, sentence by sentence.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What is wrong with variants that cannot be computed on this model, by their keys.
    pub misfits: BTreeMap<String, String>,
    /// The layer that each variant looks at whose parameters name none.
    pub layers: BTreeMap<String, String>,
}
