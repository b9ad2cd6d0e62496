//! A small group for the tests of this program.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use store::{Facts, Labels, create};
use sweep::config::Compression;
use sweep::fingerprint;
use sweep::group::{Dtype, Group};

/// Five images of 1x2x2 pixels in one shard, and one variant, `Saliency`.
pub(crate) fn group(folder: &Path, dtype: Dtype) -> Group {
    testkit::group::group()
        .content(json!("data"))
        .weights_sha256("00")
        .store(folder.join("s.zarr"))
        .images(5, 8)
        .shape([1, 2, 2])
        .classes(3)
        .variants(vec![testkit::group::variant("Saliency", "Saliency")])
        .dtype(dtype)
        .build()
}

/// The store of `group`, empty.
pub(crate) fn store_of(group: &Group) {
    let facts = Facts { fingerprint: fingerprint::of_group(group), provenance: json!({}) };
    let labels = Labels { width: 1, classes: BTreeSet::from([0]) };
    create(group, &facts, &labels, Compression::Zstd, "run").unwrap();
}
