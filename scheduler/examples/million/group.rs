//! The groups of a large study.

use std::path::PathBuf;
use std::sync::Arc;

use sweep::group::{Dtype, Group, Noise, Numerics, Precision};
use sweep::parameters::Parameters;
use sweep::semantics::Semantics;
use sweep::variant::{Shared, Variant};

/// Datasets x noises of one model.
pub(crate) const PER_MODEL: usize = 60;
const IMAGES: u64 = 64;

/// A group of sixteen variants.
pub(crate) fn group(index: usize, shards: usize) -> Arc<Group> {
    let variant = |number: usize| Variant {
        key: format!("IntegratedGradients_baselines_zero_n_steps_{number}"),
        class: "IntegratedGradients".into(),
        parameters: Parameters::default(),
        semantics: Semantics::Exact,
        complete: true,
        batch: 16,
        grows: false,
        shared: Shared::Nothing,
    };
    Arc::new(Group {
        dataset: format!("dataset{}", index % PER_MODEL),
        split: "test".into(),
        images_file: format!("/data/dataset{}_224.npz", index % PER_MODEL).into(),
        format: "medmnist".into(),
        data: serde_json::json!({"images": 1, "labels": 2}),
        model: format!("model{}", index / PER_MODEL),
        weights: format!("/weights/weights_{index}.pth").into(),
        weights_sha256: "0".repeat(64),
        weights_set: None,
        mean: None,
        preprocessing: sweep::preprocessing::Preprocessing::default(),
        noise: Noise { name: "clean".into(), kind: "none".into(), parameters: Parameters::default() },
        store: PathBuf::from(format!("/outputs/store{index}.zarr")),
        images: IMAGES * shards as u64,
        shape: [3, 224, 224],
        classes: 10,
        shard: IMAGES,
        variants: (0..16).map(variant).collect(),
        numerics: Numerics { seed: 0, precision: Precision::Float32, dtype: Dtype::Float16, fold_batch_norm: false },
    })
}
