//! Folders that lie where a store is to be: what is refused, and what is gone on with.

use serde_json::json;
use store::{StoreError, create, inspect};
use sweep::config::Compression;
use sweep::group::{Group, Input, MeanImage};
use sweep::parameters::Parameters;
use sweep::semantics::Semantics;
use sweep::variant::Variant;

use crate::common::{facts, group, labels, made, variant};

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
