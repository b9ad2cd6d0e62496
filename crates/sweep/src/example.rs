//! A group for the tests of those who are given one.

use crate::group::{Dtype, Group, Noise, Numerics, Precision};
use crate::parameters::Parameters;
use crate::variant::Variant;

/// A thousand images of 3x8x8 pixels in shards of 64, none of whose files is there.
pub fn group(variants: Vec<Variant>) -> Group {
    Group {
        dataset: "d".into(),
        split: "test".into(),
        images_file: "d.npz".into(),
        format: "medmnist".into(),
        data: serde_json::Value::Null,
        model: "m".into(),
        weights: "m.pth".into(),
        weights_sha256: String::new(),
        weights_set: None,
        mean: None,
        preprocessing: crate::preprocessing::Preprocessing::default(),
        noise: Noise { name: "clean".into(), kind: "none".into(), parameters: Parameters::default() },
        store: "s.zarr".into(),
        images: 1000,
        shape: [3, 8, 8],
        classes: 2,
        shard: 64,
        variants,
        numerics: Numerics { seed: 0, precision: Precision::Float32, dtype: Dtype::Float16, fold_batch_norm: false },
    }
}
