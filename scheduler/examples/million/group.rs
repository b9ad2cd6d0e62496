//! The groups of a large study.

use std::sync::Arc;

use sweep::granted_batches::{GrantedBatch, GrantedBatches};
use sweep::group::Group;
use sweep::variant::Variant;

/// Datasets x noises of one model.
pub(crate) const PER_MODEL: usize = 60;
const IMAGES: u64 = 64;
const VARIANTS: usize = 16;

/// Key of each variant of a group, by its number.
fn key(number: usize) -> String {
    format!("IntegratedGradients_baselines_zero_n_steps_{number}")
}

/// Batch sizes of the variants of any group.
pub(crate) fn batches() -> Arc<GrantedBatches> {
    let size = GrantedBatch { images: 16, grows: false };
    Arc::new(GrantedBatches((0..VARIANTS).map(|number| (key(number), size)).collect()))
}

/// A group of sixteen variants.
pub(crate) fn group(index: usize, shards: usize) -> Arc<Group> {
    let variant =
        |number: usize| Variant { complete: true, ..testkit::group::variant(&key(number), "IntegratedGradients") };
    testkit::group::group()
        .dataset(format!("dataset{}", index % PER_MODEL), format!("/data/dataset{}_224.npz", index % PER_MODEL))
        .content(serde_json::json!({"images": 1, "labels": 2}))
        .model(format!("model{}", index / PER_MODEL), format!("/weights/weights_{index}.pth"))
        .weights_sha256("0".repeat(64))
        .store(format!("/outputs/store{index}.zarr"))
        .images(IMAGES * shards as u64, IMAGES)
        .shape([3, 224, 224])
        .classes(10)
        .variants((0..VARIANTS).map(variant).collect())
        .share()
}
