//! Stores that are made, made again, extended, and complete.

use serde_json::Value;
use store::{Ledger, attribution, create, finish, inspect};
use sweep::config::Compression;

use crate::common::{facts, fill, group, labels, made, put_means, variant};

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
