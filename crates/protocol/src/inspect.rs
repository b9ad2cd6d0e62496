//! Questions and answers of `worker inspect`: whether weights files fit their models, before anything is started.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sweep::variant::Variant;

/// Weights file, the model that the file should fit, and what is to be computed with the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Model architecture.
    pub model: String,
    /// Weights file.
    pub weights: PathBuf,
    /// Name of the set of weights in a file of several sets, where the config gives a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_set: Option<String>,
    /// Height and width of the images.
    pub size: usize,
    /// Variants that are to be tried on the model.
    pub variants: Vec<Variant>,
}

/// Content of a weights file.
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
    /// Sentences for a person on how the file was read.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Reasons for which variants cannot be computed on this model, by key.
    pub misfits: BTreeMap<String, String>,
    /// Layer that was chosen for each variant whose parameters name none, by key.
    pub layers: BTreeMap<String, String>,
}
