//! Groups: dataset x model x noise x split, each with one store.

pub mod computed_by;
mod numerics;
pub mod preprocessing;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::evaluation::Evaluation;
use crate::parameters::Parameters;
use crate::variant::{OwnWeights, Variant};
pub use numerics::{Dtype, Numerics, Precision};
use preprocessing::Preprocessing;

/// Variants that share the forward pass of a batch, at most: more are computed in several rounds.
pub const MOST_TOGETHER: usize = 6;

/// Bytes of images that are made ready while others are computed, at most; one image always is.
pub const AHEAD: u64 = 4 << 20;

/// Bytes of maps and images that wait to be written, at most; one always may.
pub const BEHIND: u64 = 24 << 20;

/// Bytes that reading, writing and speaking to the scheduler take, whatever the size of an image: 22 MB were measured.
const PIPELINE: u64 = 32 << 20;

/// Bytes that decoders of pictures take on all threads together, beside the images. A single picture that takes more is decoded alone.
pub const DECODING: u64 = 48 << 20;

/// Copies of one image or map that reading, encoding and sums of images hold beside what waits.
const COPIES: u64 = 8;

/// Group with everything that a worker needs to compute any part of the group: what the group is, which files are read for it,
/// where its maps go, and how its numbers are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Dataset flag (`bloodmnist`).
    pub dataset: String,
    /// `train`, `val` or `test`.
    pub split: String,
    /// Model architecture (`resnet18`).
    pub model: String,
    /// The noise of the images.
    pub noise: Noise,
    /// Ending of the name of the store, behind the split; mostly empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suffix: String,
    /// Preprocessing of the images.
    #[serde(default)]
    pub preprocessing: Preprocessing,
    /// Number of images N (the split's, or `limit`).
    pub images: u64,
    /// `[channels, height, width]` as the model sees an image.
    pub shape: [usize; 3],
    /// Number of classes K.
    pub classes: usize,
    /// Every attribution of the group, in the order of the config.
    pub variants: Vec<Variant>,
    /// Files that are read.
    pub input: Input,
    /// The folder of the store.
    pub store: PathBuf,
    /// Images in a shard.
    pub shard: u64,
    /// Precision and seed: how numbers are computed and stored.
    pub numerics: Numerics,
    /// Measurements and scores of the maps. They are no facts of the maps: a store may be evaluated at any time.
    #[serde(default, skip_serializing_if = "Evaluation::is_empty")]
    pub evaluation: Evaluation,
}

/// Files that are read for a group, with digests of their content: a worker refuses files that have changed since the sweep was
/// checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// File of the images.
    pub images_file: PathBuf,
    /// Format of the images, by the name of its entry in `data::formats`.
    pub format: String,
    /// Digest of images and labels.
    pub data: serde_json::Value,
    /// File of the weights.
    pub weights: PathBuf,
    /// Digest of the weights.
    pub weights_sha256: String,
    /// Set of weights in the file, where the file holds several and the config names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_set: Option<String>,
    /// Mean image of the dataset, where a variant takes the mean image as a baseline.
    pub mean: Option<MeanImage>,
    /// Masks of objects, where a metric compares maps with them. They are no facts of the maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masks: Option<Masks>,
}

/// Masks of the objects of a dataset, which are a dataset themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Masks {
    /// File of the masks.
    pub file: PathBuf,
    /// Format of the masks, by the name of its entry in `data::formats`.
    pub format: String,
    /// Digest of the masks: a worker refuses masks that have changed since the sweep was checked.
    pub content: serde_json::Value,
}

/// A mean image of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeanImage {
    /// The file that holds it.
    pub file: PathBuf,
    /// Digest of its shape and values: a worker refuses a file that has changed since the sweep was checked.
    pub sha256: String,
}

/// A noise condition of the config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Name of the noise in stores (`gaussian_std_0.15`).
    pub name: String,
    /// Kind of noise (`gaussian`).
    pub kind: String,
    /// Parameters, with defaults filled in.
    pub parameters: Parameters,
}

impl Group {
    /// File of the weights, and the set of weights in the file.
    pub fn weights_and_set(&self) -> (&Path, Option<&str>) {
        (&self.input.weights, self.input.weights_set.as_deref())
    }

    /// Name of the store without its extension; also the group's id.
    pub fn name(&self) -> String {
        let name = store_name(&self.dataset, &self.model, &self.noise.name, &self.split);
        name + &self.suffix
    }

    /// The group with `weights` in place of its own, if there are some.
    pub fn with_weights(&self, weights: Option<&OwnWeights>) -> Cow<'_, Self> {
        let Some(OwnWeights { file, sha256 }) = weights else { return Cow::Borrowed(self) };
        let (weights, weights_sha256) = (file.clone(), sha256.clone());
        let input = Input { weights, weights_sha256, ..self.input.clone() };
        Cow::Owned(Self { input, ..self.clone() })
    }

    /// File of the weights with which `variant` is computed.
    pub fn weights_of<'a>(&'a self, variant: &'a Variant) -> &'a Path {
        variant.weights.as_ref().map_or(&self.input.weights, |own| &own.file)
    }

    /// Whether images, labels and predictions are those of another store, its base.
    pub fn has_base(&self) -> bool {
        self.input.data.get(BASE).is_some()
    }

    /// Whether images are those of a base and each variant has weights for itself, so that the group has none.
    pub fn has_own_weights(&self) -> bool {
        let has_own = self.variants.iter().any(|variant| variant.weights.is_some());
        self.has_base() && (has_own || self.variants.is_empty())
    }

    /// Home of the group: what a worker holds of the group between two units, a model and a file of images.
    pub fn home(&self) -> (&str, &Path, &Path) {
        (&self.model, &self.input.weights, &self.input.images_file)
    }

    /// Number of shards.
    pub fn shards(&self) -> u64 {
        self.images.div_ceil(self.shard)
    }

    /// Most bytes of the host's memory for images and maps in flight, beside the model and its batch. Of a shard only the
    /// pixels are held, of the shard under way and of the next shard; maps go to the disk image by image.
    pub fn in_flight(&self) -> u64 {
        let (images, values) = (self.shard.min(self.images), self.shape.iter().product::<usize>() as u64);
        let image = values * size_of::<f32>() as u64;
        let shard = images * image;
        let waiting = BEHIND.max(image).min((1 + self.variants.len() as u64) * shard);
        // Pixels are bytes, or floats of a range that the content names.
        let floats = self.float_range().is_some() || self.has_base();
        let pixels = values * if floats { size_of::<f32>() as u64 } else { 1 };
        // Of a dataset in chunks, what reading holds beside the pixels is named as well.
        let held = self.input.data.get("held_bytes").and_then(serde_json::Value::as_u64).unwrap_or(0);
        // Pictures are the only images that are scaled.
        let decoding = if self.input.data.get("scaled").is_some() { DECODING } else { 0 };
        PIPELINE + held + decoding + 2 * images * pixels + AHEAD.max(image).min(shard) + waiting + COPIES * image
    }

    /// Values of black and white in the images of the file, where pixels are floats.
    pub fn float_range(&self) -> Option<[f64; 2]> {
        serde_json::from_value(self.input.data.get("float_range")?.clone()).ok()
    }

    /// Indices of the images that are chosen of the split, in their order, where a config chooses some: these indices are part
    /// of the fingerprint of the data.
    pub fn chosen(&self) -> Option<Vec<u64>> {
        serde_json::from_value(self.input.data.get("indices")?.clone()).ok()
    }

    /// Index in its split of the image that is number `at` of the group: random numbers go by it, so that they depend on the image alone.
    pub fn original(&self, at: u64) -> u64 {
        // The images of a base may be chosen ones themselves.
        ["indices", "original_indices"].into_iter().fold(at, |at, list| {
            let chosen = self.input.data.get(list).and_then(|indices| indices.get(at as usize));
            chosen.and_then(serde_json::Value::as_u64).unwrap_or(at)
        })
    }

    /// Whether the images are those of a store whose images are not the first ones of their split, in order.
    pub fn is_of_chosen_base(&self) -> bool {
        let originals = self.input.data.get("original_indices").and_then(serde_json::Value::as_array);
        originals.is_some_and(|found| (0..).zip(found).any(|(at, original)| original.as_u64() != Some(at)))
    }

    /// Indices of the images in `shard`.
    pub fn range(&self, shard: u64) -> std::ops::Range<u64> {
        shard * self.shard..((shard + 1) * self.shard).min(self.images)
    }
}

/// Name, in the content of a dataset that is the store of an earlier sweep, of the facts on that store.
pub const BASE: &str = "base";

/// The reference scripts' name of a store, without extension.
pub fn store_name(dataset: &str, model: &str, noise: &str, split: &str) -> String {
    format!("dataset-{dataset}_model-{model}_noise-{noise}_split-{split}")
}
