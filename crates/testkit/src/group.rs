//! Builders of groups and variants. A test names the fields that it is about; all others have values of no meaning.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use sweep::evaluation::Evaluation;
use sweep::group::{Dtype, Group, Input, Noise, Numerics, Precision};
use sweep::parameters::Parameters;
use sweep::preprocessing::Preprocessing;
use sweep::semantics::Semantics;
use sweep::variant::{Shared, Variant};

/// A variant of the method `class`, called `key`, without parameters: not complete, with work of its own.
pub fn variant(key: &str, class: &str) -> Variant {
    Variant {
        key: key.into(),
        class: class.into(),
        parameters: Parameters::default(),
        semantics: Semantics::Exact,
        complete: false,
        shared: Shared::Nothing,
        weights: None,
    }
}

/// A group in the making.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder(Group);

/// A group of a thousand images of 3x8x8 pixels in shards of 64, without variants. None of its files exists.
pub fn group() -> Builder {
    Builder(Group {
        dataset: "d".into(),
        split: "test".into(),
        model: "m".into(),
        preprocessing: Preprocessing::default(),
        noise: Noise { name: "clean".into(), kind: "none".into(), parameters: Parameters::default() },
        suffix: String::new(),
        input: Input {
            images_file: "d.npz".into(),
            format: "medmnist".into(),
            data: Value::Null,
            weights: "m.pth".into(),
            weights_sha256: String::new(),
            weights_set: None,
            mean: None,
            masks: None,
        },
        store: "s.zarr".into(),
        images: 1000,
        shape: [3, 8, 8],
        classes: 2,
        shard: 64,
        variants: Vec::new(),
        numerics: Numerics { seed: 0, precision: Precision::Float32, dtype: Dtype::Float16, fold_batch_norm: false },
        evaluation: Evaluation::default(),
    })
}

impl Builder {
    /// The finished group.
    pub fn build(self) -> Group {
        self.0
    }

    /// The finished group, for those who share it.
    pub fn share(self) -> Arc<Group> {
        Arc::new(self.0)
    }

    /// Sets the name of the dataset, and the file of its images.
    pub fn dataset(mut self, name: impl Into<String>, file: impl Into<PathBuf>) -> Self {
        (self.0.dataset, self.0.input.images_file) = (name.into(), file.into());
        self
    }

    /// Sets the digests by which the dataset's content is known.
    pub fn content(mut self, data: Value) -> Self {
        self.0.input.data = data;
        self
    }

    /// Sets the name of the model, and the file of its weights.
    pub fn model(mut self, name: impl Into<String>, weights: impl Into<PathBuf>) -> Self {
        (self.0.model, self.0.input.weights) = (name.into(), weights.into());
        self
    }

    /// Sets the digest of the weights.
    pub fn weights_sha256(mut self, digest: impl Into<String>) -> Self {
        self.0.input.weights_sha256 = digest.into();
        self
    }

    /// Sets the noise: one of this kind, named like it.
    pub fn noise(mut self, kind: &str, parameters: Parameters) -> Self {
        self.0.noise = Noise { name: kind.into(), kind: kind.into(), parameters };
        self
    }

    /// Sets the folder of the store.
    pub fn store(mut self, folder: impl Into<PathBuf>) -> Self {
        self.0.store = folder.into();
        self
    }

    /// Sets the number of images, and how many of them a shard has.
    pub fn images(mut self, images: u64, shard: u64) -> Self {
        (self.0.images, self.0.shard) = (images, shard);
        self
    }

    /// Sets channels, height and width of an image.
    pub fn shape(mut self, shape: [usize; 3]) -> Self {
        self.0.shape = shape;
        self
    }

    /// Sets the number of classes.
    pub fn classes(mut self, classes: usize) -> Self {
        self.0.classes = classes;
        self
    }

    /// Sets the variants.
    pub fn variants(mut self, variants: Vec<Variant>) -> Self {
        self.0.variants = variants;
        self
    }

    /// Sets what is measured and scored.
    pub fn evaluation(mut self, evaluation: Evaluation) -> Self {
        self.0.evaluation = evaluation;
        self
    }

    /// Sets the seed of all random draws.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.numerics.seed = seed;
        self
    }

    /// Sets the type in which maps are stored.
    pub fn dtype(mut self, dtype: Dtype) -> Self {
        self.0.numerics.dtype = dtype;
        self
    }
}
