//! A store's life: made, written shard by shard, gone on with, extended, refused.

mod common;

use serde_json::{Value, json};
use store::{
    Data, Ledger, Shards, StoreError, attribution, convergence_delta, create, finish, inspect, name, write_means,
};
use sweep::config::Compression;
use sweep::group::{Group, Input, MeanImage};
use sweep::parameters::Parameters;
use sweep::semantics::Semantics;
use sweep::variant::Variant;

use common::{facts, fill, group, labels, made, put_means, variant};

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
fn semantics_and_mean_image_of_a_variant_are_facts_of_its_array() {
    let folder = tempfile::tempdir().unwrap();
    let parameters: Parameters = serde_json::from_value(json!({"baselines": "global_mean"})).unwrap();
    let of_mean = Variant { parameters, ..variant("DeepLIFT", 1) };
    let mean = |digit: &str| Some(MeanImage { file: "d_mean.pt".into(), sha256: digit.repeat(64) });
    let with_mean = |of: &Group, mean| Group { input: Input { mean, ..of.input.clone() }, ..of.clone() };
    let stored = with_mean(&group(folder.path(), 1, vec![of_mean.clone(), variant("IG", 50)]), mean("a"));
    create(&stored, &facts(&stored), &labels(), Compression::Zstd, "run").unwrap();
    assert_eq!(inspect(&stored, &facts(&stored)).unwrap(), Some(false));
    // Before a missing mean is computed, nothing can be said about it.
    let unknown = with_mean(&stored, None);
    assert_eq!(inspect(&unknown, &facts(&unknown)).unwrap(), Some(false));
    std::fs::write(stored.store.join("images/c.0.0.0.0"), "computed").unwrap();
    let captum = Variant { semantics: Semantics::Captum, ..variant("IG", 50) };
    let other = Group { variants: vec![of_mean, captum], ..with_mean(&stored, mean("b")) };
    let error = inspect(&other, &facts(&other)).unwrap_err().to_string();
    assert!(error.contains("DeepLIFT: mean_sha256 is \"aaaa"), "{error}");
    assert!(error.contains("IG: semantics is \"exact\" in the store and \"captum\" in the config"), "{error}");
    assert!(!error.contains("IG: mean_sha256"), "{error}");
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

#[test]
fn a_store_of_other_numbers_is_refused_with_every_difference_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    let other = group(folder.path(), 2, vec![variant("IG", 51)]);
    std::fs::write(other.store.join("images/c.0.0.0.0"), "computed").unwrap();
    let before = std::fs::read(other.store.join("zarr.json")).unwrap();
    let error = inspect(&other, &facts(&other)).unwrap_err().to_string();
    assert!(error.contains("seed is 1 in the store and 2 in the config"), "{error}");
    assert!(error.contains("IG: params is {\"n_steps\":50} in the store"), "{error}");
    assert_eq!(std::fs::read(other.store.join("zarr.json")).unwrap(), before);
}

/// Nothing was computed: what was meant to be is of no account.
#[test]
fn a_store_of_other_numbers_without_a_single_shard_stands_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    let other = group(folder.path(), 2, vec![variant("IG", 51)]);
    assert_eq!(inspect(&other, &facts(&other)).unwrap(), None);
    create(&other, &facts(&other), &labels(), Compression::Zstd, "run").unwrap();
    assert_eq!(inspect(&other, &facts(&other)).unwrap(), Some(false));
    let root = std::fs::read_to_string(other.store.join("zarr.json")).unwrap();
    assert!(
        root.contains("\"seed\": 2") && root.contains("\"n_steps\": 51") && !root.contains("\"n_steps\": 50"),
        "{root}"
    );
}

#[test]
fn a_zarr_store_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let group = group(folder.path(), 1, Vec::new());
    std::fs::create_dir_all(group.store.join("attributions")).unwrap();
    for (file, text) in
        [("zarr.json", r#"{"zarr_format": 3, "node_type": "group"}"#), (".zgroup", r#"{"zarr_format": 2}"#)]
    {
        for folder in [group.store.clone(), group.store.join("attributions")] {
            std::fs::write(folder.join(file), text).unwrap();
        }
        assert!(matches!(inspect(&group, &facts(&group)), Err(StoreError::Theirs { .. })), "{file}");
        for folder in [group.store.clone(), group.store.join("attributions")] {
            std::fs::remove_file(folder.join(file)).unwrap();
        }
    }
}

#[test]
fn a_store_that_is_only_there_in_a_zip_is_left_alone_and_one_beside_its_zip_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let group = group(folder.path(), 1, Vec::new());
    let zip = folder.path().join("s.zarr.zip");
    std::fs::write(&zip, "PK").unwrap();
    assert!(matches!(inspect(&group, &facts(&group)), Err(StoreError::Packed { path }) if path == zip));
    std::fs::remove_file(&zip).unwrap();
    create(&group, &facts(&group), &labels(), Compression::Zstd, "run").unwrap();
    std::fs::write(&zip, "PK").unwrap();
    assert_eq!(inspect(&group, &facts(&group)).unwrap(), Some(false));
}

#[test]
fn a_folder_that_somebody_else_filled_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let group = group(folder.path(), 1, Vec::new());
    assert_eq!(inspect(&group, &facts(&group)).unwrap(), None);
    std::fs::create_dir_all(group.store.join("images")).unwrap();
    assert!(matches!(inspect(&group, &facts(&group)), Err(StoreError::Foreign { .. })));
    std::fs::write(group.store.join("zarr.json"), "{\"zarr_format\": 3, \"attributes\": {}}").unwrap();
    assert!(matches!(inspect(&group, &facts(&group)), Err(StoreError::Foreign { .. })));
}

#[test]
fn a_store_whose_making_was_cut_off_anywhere_can_be_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let group = group(folder.path(), 1, vec![variant("IG", 50)]);
    std::fs::create_dir_all(&group.store).unwrap();
    std::fs::write(group.store.join(".zarr.json.run.tmp"), "torn").unwrap();
    assert_eq!(inspect(&group, &facts(&group)).unwrap(), None);
    let whole = made(folder.path());
    let files = ["attributions/IG/zarr.json", "attributions/zarr.json", "images/zarr.json", "means/class_2/zarr.json"];
    for file in files {
        std::fs::remove_file(whole.store.join(file)).unwrap();
        assert_eq!(inspect(&whole, &facts(&whole)).unwrap(), Some(false), "without {file}");
        made(folder.path());
        assert!(whole.store.join(file).is_file());
    }
}

#[test]
fn a_store_completed_for_fewer_variants_is_not_complete_for_more() {
    let folder = tempfile::tempdir().unwrap();
    let both = group(folder.path(), 1, vec![variant("IG", 50), variant("IG2", 200)]);
    create(&both, &facts(&both), &labels(), Compression::Zstd, "run").unwrap();
    let one = group(folder.path(), 1, vec![variant("IG", 50)]);
    put_means(&one);
    finish(&one, &facts(&one), "run").unwrap();
    assert_eq!(inspect(&one, &facts(&one)).unwrap(), Some(true));
    assert_eq!(inspect(&both, &facts(&both)).unwrap(), Some(false));
}

#[test]
fn an_added_variant_extends_a_complete_store_and_keeps_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let group_of_one = made(folder.path());
    (0..3).for_each(|shard| fill(&group_of_one, shard));
    put_means(&group_of_one);
    finish(&group_of_one, &facts(&group_of_one), "run").unwrap();
    assert_eq!(inspect(&group_of_one, &facts(&group_of_one)).unwrap(), Some(true));
    let more = group(folder.path(), 1, vec![variant("IG", 50), variant("IG2", 200)]);
    assert_eq!(inspect(&more, &facts(&more)).unwrap(), Some(false));
    create(&more, &facts(&more), &labels(), Compression::Zstd, "run").unwrap();
    assert_eq!(inspect(&more, &facts(&more)).unwrap(), Some(false));
    let ledger = Ledger::read(&more).unwrap();
    assert!(ledger.has(&attribution("IG"), 0) && !ledger.is_done(&more, 0));
    let root: Value = serde_json::from_slice(&std::fs::read(more.store.join("zarr.json")).unwrap()).unwrap();
    let consolidated = root["consolidated_metadata"]["metadata"].as_object().unwrap();
    for path in ["attributions/IG", "attributions/IG2", "underflow/IG2", "means/class_2", "images", "means"] {
        assert!(consolidated.contains_key(path), "{path}");
    }
}

#[test]
fn a_complete_store_that_lost_a_mean_image_or_metadata_is_not_complete() {
    for file in ["means/class_2/c.0.0.0", "underflow/IG/zarr.json", "means/overall/zarr.json"] {
        let folder = tempfile::tempdir().unwrap();
        let group = made(folder.path());
        put_means(&group);
        finish(&group, &facts(&group), "run").unwrap();
        assert_eq!(inspect(&group, &facts(&group)).unwrap(), Some(true));
        std::fs::remove_file(group.store.join(file)).unwrap();
        assert_eq!(inspect(&group, &facts(&group)).unwrap(), Some(false), "without {file}");
    }
}

#[test]
fn making_a_store_twice_writes_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let group = made(folder.path());
    let before = std::fs::read(group.store.join("zarr.json")).unwrap();
    std::fs::remove_file(group.store.join("zarr.json")).unwrap();
    std::fs::remove_file(group.store.join("attributions/IG/zarr.json")).unwrap();
    made(folder.path());
    assert_eq!(std::fs::read(group.store.join("zarr.json")).unwrap(), before);
}
