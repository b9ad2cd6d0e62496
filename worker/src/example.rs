//! A small group for the tests of this program.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use store::{Facts, Labels, create};
use sweep::config::Compression;
use sweep::fingerprint;
use sweep::group::{Dtype, Group, Noise, Numerics, Precision};
use sweep::parameters::Parameters;
use sweep::semantics::Semantics;
use sweep::variant::{Shared, Variant};

/// Five images of 1x2x2 pixels in one shard, and one variant, `Saliency`.
pub(crate) fn group(folder: &Path, dtype: Dtype) -> Group {
    let saliency = Variant {
        key: "Saliency".into(),
        class: "Saliency".into(),
        parameters: Parameters::default(),
        semantics: Semantics::Exact,
        complete: false,
        batch: 8,
        grows: false,
        shared: Shared::Nothing,
    };
    Group {
        dataset: "d".into(),
        split: "test".into(),
        images_file: "d.npz".into(),
        format: "medmnist".into(),
        data: json!("data"),
        model: "m".into(),
        weights: "m.pth".into(),
        weights_sha256: "00".into(),
        weights_set: None,
        mean: None,
        preprocessing: sweep::preprocessing::Preprocessing::default(),
        noise: Noise { name: "clean".into(), kind: "none".into(), parameters: Parameters::default() },
        store: folder.join("s.zarr"),
        images: 5,
        shape: [1, 2, 2],
        classes: 3,
        shard: 8,
        variants: vec![saliency],
        numerics: Numerics { seed: 0, precision: Precision::Float32, dtype, fold_batch_norm: false },
    }
}

/// The store of `group`, empty.
pub(crate) fn store_of(group: &Group) {
    let facts = Facts { fingerprint: fingerprint::of_group(group), provenance: json!({}) };
    let labels = Labels { width: 1, classes: BTreeSet::from([0]) };
    create(group, &facts, &labels, Compression::Zstd, "run").unwrap();
}
