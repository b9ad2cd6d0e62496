//! Shards of a store: written, counted by the ledger, read back.

use serde_json::{Value, json};
use store::{Data, Ledger, Shards, StoreError, attribution, convergence_delta, create, name, write_means};
use sweep::config::Compression;
use sweep::variant::Variant;

use crate::common::{facts, fill, group, labels, made, variant};

#[test]
fn the_ledger_is_what_is_on_disk_and_a_shard_is_done_when_every_array_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let group = made(folder.path());
    assert!(!Ledger::read(&group).unwrap().is_done(&group, 0));
    (0..3).for_each(|shard| fill(&group, shard));
    let ledger = Ledger::read(&group).unwrap();
    assert!((0..3).all(|shard| ledger.is_done(&group, shard)));
    std::fs::remove_file(group.store.join("attributions/IG/c.1.0.0.0")).unwrap();
    let ledger = Ledger::read(&group).unwrap();
    assert_eq!((0..3).map(|shard| ledger.is_done(&group, shard)).collect::<Vec<_>>(), [true, false, true]);
    assert!(ledger.has(name::IMAGES, 1) && !ledger.has(&attribution("IG"), 1));
}

#[test]
fn a_map_of_a_complete_method_counts_once_its_convergence_delta_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let complete = Variant { complete: true, ..variant("IG", 50) };
    let group = group(folder.path(), 1, vec![complete.clone()]);
    create(&group, &facts(&group), &labels(), Compression::Zstd, "run").unwrap();
    fill(&group, 0);
    let ledger = Ledger::read(&group).unwrap();
    assert!(!ledger.is_done(&group, 0) && !ledger.has_variant(&group, &complete, 0));
    let mut shards = Shards::open(group.store.clone(), "run-1".into());
    shards.put(&convergence_delta("IG"), 0, Data::Float32(vec![0.5, -0.5])).unwrap();
    let ledger = Ledger::read(&group).unwrap();
    assert!(ledger.is_done(&group, 0) && ledger.has_variant(&group, &complete, 0));
    assert_eq!(shards.floats("convergence_delta/IG", 0, 2).unwrap(), [0.5, -0.5]);
    let metadata = std::fs::read(group.store.join("convergence_delta/IG/zarr.json")).unwrap();
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    assert_eq!((&metadata["data_type"], &metadata["fill_value"]), (&json!("float32"), &json!("NaN")));
    assert_eq!((&metadata["shape"], &metadata["dimension_names"]), (&json!([5]), &json!(["sample"])));
    assert!(metadata["attributes"]["description"].as_str().unwrap().starts_with("sum of an image's map minus"));
}

#[test]
fn what_was_written_is_read_back_also_from_the_short_last_shard() {
    let folder = tempfile::tempdir().unwrap();
    let group = made(folder.path());
    fill(&group, 2);
    let mut shards = Shards::open(group.store.clone(), "t".into());
    assert_eq!(shards.floats(name::IMAGES, 2, 1).unwrap(), [16.0, 17.0, 18.0, 19.0]);
    let error = shards.floats(name::IMAGES, 0, 2).unwrap_err();
    assert!(error.to_string().contains("c.0.0.0.0` is not usable: it is missing"), "{error}");
}

/// Images 0 and 3 of class 0 have the mean (0 + 12) / 2 = 6 in their first pixel; all five have 8.
#[test]
fn means_are_those_of_all_images_and_of_each_class() {
    let folder = tempfile::tempdir().unwrap();
    let group = made(folder.path());
    (0..3).for_each(|shard| fill(&group, shard));
    let mut shards = Shards::open(group.store.clone(), "t".into());
    write_means(&group, &[0, 2, 2, 0, 2], &mut shards).unwrap();
    assert_eq!(shards.floats("means/overall", 0, 1).unwrap(), [8.0, 9.0, 10.0, 11.0]);
    assert_eq!(shards.floats("means/class_0", 0, 1).unwrap(), [6.0, 7.0, 8.0, 9.0]);
}

#[test]
fn a_damaged_shard_is_an_error_and_never_other_values() {
    let folder = tempfile::tempdir().unwrap();
    let group = made(folder.path());
    fill(&group, 0);
    let file = group.store.join("images/c.0.0.0.0");
    let whole = std::fs::read(&file).unwrap();
    for byte in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[byte] ^= 1;
        std::fs::write(&file, &damaged).unwrap();
        let read = Shards::open(group.store.clone(), "t".into()).floats(name::IMAGES, 0, 2);
        assert!(matches!(read, Err(StoreError::Damaged { .. })), "byte {byte}: {read:?}");
    }
}
