//! A store records the preprocessing of its images.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use serde_json::{Value, json};
use store::{describe, inspect};
use sweep::group::Group;
use sweep::preprocessing::Preprocessing;

use common::{facts, fill, made};

fn root(group: &Group) -> Value {
    serde_json::from_slice(&std::fs::read(group.store.join("zarr.json")).unwrap()).unwrap()
}

#[test]
fn the_preprocessing_is_recorded_and_another_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let group = made(folder.path());
    fill(&group, 0);
    let recorded = json!({"range": [0.0, 1.0], "resize": null, "crop": null, "mean": [0.5], "std": [0.5]});
    assert_eq!(root(&group)["attributes"]["attrisweep"]["preprocessing"], recorded);
    let other = Group { preprocessing: Preprocessing { std: vec![0.25], ..Preprocessing::default() }, ..group.clone() };
    let error = inspect(&other, &facts(&other)).unwrap_err().to_string();
    assert!(error.contains("preprocessing is {") && error.contains("\"std\":[0.25]} in the config"), "{error}");
    assert_eq!(describe(&group.store).unwrap().unwrap().group.preprocessing, group.preprocessing);
}

/// Builds that did not record it did not always seal the root either.
#[test]
fn a_store_that_records_no_preprocessing_has_that_of_the_reference_scripts_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let group = made(folder.path());
    fill(&group, 0);
    let mut earlier = root(&group);
    let ours = earlier["attributes"]["attrisweep"].as_object_mut().unwrap();
    assert!(ours.remove("preprocessing").is_some() && ours.remove("digest").is_some());
    std::fs::write(group.store.join("zarr.json"), earlier.to_string()).unwrap();
    assert_eq!(inspect(&group, &facts(&group)).unwrap(), Some(false));
    assert_eq!(describe(&group.store).unwrap().unwrap().group.preprocessing, Preprocessing::default());
    let other = Group { preprocessing: Preprocessing { mean: vec![0.0], ..Preprocessing::default() }, ..group };
    assert!(inspect(&other, &facts(&other)).is_err());
}
