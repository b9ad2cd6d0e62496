//! A store that grows: a larger `limit` for a store that has fewer images.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use std::path::Path;

use serde_json::Value;
use store::{Ledger, create, finish, grow, inspect, name};
use sweep::config::Compression;
use sweep::group::Group;

use common::{facts, fill, group, labels, made, put_means, variant};

/// Every file of a store, by path, with its bytes.
fn files(group: &Group) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    fn walk(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { walk(&entry, files) } else { files.push(entry) }
        }
    }
    let mut list = Vec::new();
    walk(&group.store, &mut list);
    let read = |file: std::path::PathBuf| {
        let bytes = std::fs::read(&file).unwrap();
        (file.strip_prefix(&group.store).unwrap().to_owned(), bytes)
    };
    list.into_iter().map(read).collect()
}

/// Five images become seven: shards of two, of which the third was short and a fourth is new.
#[test]
fn a_store_of_fewer_images_grows_into_the_bytes_of_one_that_was_made_for_all() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [grown, fresh] =
        [0, 1].map(|at: usize| Group { images: 7, ..group(folders[at].path(), 1, vec![variant("IG", 50)]) });
    let small = made(folders[0].path());
    (0..3).for_each(|shard| fill(&small, shard));
    put_means(&small);
    finish(&small, &facts(&small), "run").unwrap();
    let whole = std::fs::read(small.store.join("images/c.1.0.0.0")).unwrap();
    assert_eq!(inspect(&grown, &facts(&grown)).unwrap(), Some(false));
    grow(&grown, "run").unwrap();
    create(&grown, &facts(&grown), &labels(), Compression::Zstd, "run").unwrap();
    create(&fresh, &facts(&fresh), &labels(), Compression::Zstd, "run").unwrap();
    let ledger = Ledger::read(&grown).unwrap();
    assert_eq!((0..4).map(|shard| ledger.is_done(&grown, shard)).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!(std::fs::read(grown.store.join("images/c.1.0.0.0")).unwrap(), whole);
    assert!(!grown.store.join("means/class_2/c.0.0.0").exists());
    (2..4).for_each(|shard| fill(&grown, shard));
    (0..4).for_each(|shard| fill(&fresh, shard));
    assert_eq!(files(&grown), files(&fresh));
    // Fewer images again would be a store that nobody asked for.
    let error = inspect(&small, &facts(&small)).unwrap_err().to_string();
    assert!(error.contains("images is 7 in the store and 5 in the config"), "{error}");
}

/// What zarr-python and xarray show of the root and of the group of the maps, and what both tell of the latter by the root.
fn unfinished(group: &Group) -> [bool; 3] {
    let read =
        |path: &str| -> Value { serde_json::from_slice(&std::fs::read(group.store.join(path)).unwrap()).unwrap() };
    let (root, maps) = (read("zarr.json"), read("attributions/zarr.json"));
    let told = &root["consolidated_metadata"]["metadata"]["attributions"];
    [&root, &maps, told].map(|node| node["attributes"]["unfinished"].as_str().is_some_and(|text| text.contains("NaN")))
}

#[test]
fn a_store_tells_every_reader_that_it_is_unfinished_until_it_is_complete_and_when_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let small = made(folder.path());
    let marks = unfinished(&small);
    (0..3).for_each(|shard| fill(&small, shard));
    put_means(&small);
    finish(&small, &facts(&small), "run").unwrap();
    let complete = unfinished(&small);
    let larger = Group { images: 7, ..small.clone() };
    grow(&larger, "run").unwrap();
    assert_eq!([marks, complete, unfinished(&larger)], [[true; 3], [false; 3], [true; 3]]);
}

#[test]
fn growing_that_was_cut_off_anywhere_is_done_again() {
    // Arrays whose metadata has been rewritten, and those that were not reached.
    for reached in ["images/zarr.json", "attributions/IG/zarr.json", "underflow/IG/zarr.json"] {
        let folder = tempfile::tempdir().unwrap();
        let small = made(folder.path());
        (0..3).for_each(|shard| fill(&small, shard));
        let grown = Group { images: 7, ..small.clone() };
        let metadata = std::fs::read_to_string(small.store.join(reached)).unwrap();
        let rewritten = metadata.replacen('5', "7", 1);
        assert_ne!(metadata, rewritten);
        std::fs::write(small.store.join(reached), rewritten).unwrap();
        assert_eq!(inspect(&grown, &facts(&grown)).unwrap(), Some(false));
        grow(&grown, "run").unwrap();
        assert!(!Ledger::read(&grown).unwrap().has(name::IMAGES, 2));
        for array in ["images", "attributions/IG", "underflow/IG", "labels"] {
            let metadata = std::fs::read(grown.store.join(array).join("zarr.json")).unwrap();
            let metadata: Value = serde_json::from_slice(&metadata).unwrap();
            assert_eq!(metadata["shape"][0], 7, "{array} after {reached}");
        }
    }
}
