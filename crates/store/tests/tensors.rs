//! Stores of tensors: read where they lie, made into a Zarr folder to the byte, and never believed.

mod common;

use std::fs;
use std::num::NonZero;
use std::path::Path;

use store::{FORMATS, Ledger, attribution, describe, inspect, name};
use sweep::config::Compression;
use sweep::group::Group;
use testkit::hostile::{Meter, below, mutated, survive};

use common::{contents, facts, finished};

#[global_allocator]
static METER: Meter = Meter::new();

/// As for folders.
const MOST: usize = 16 << 20;

/// A finished store of tensors, and the group as it has it.
fn packed(folder: &Path) -> Group {
    common::packed(folder, "pt")
}

#[test]
fn a_store_of_tensors_is_described_listed_and_read_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let group = packed(folder.path());
    assert_eq!(group.store, folder.path().join("s.pt/store"));
    assert_eq!(inspect(&group, &facts(&group)).unwrap(), Some(true));
    assert!(describe(&group.store).unwrap().unwrap().complete && Ledger::read(&group).unwrap().is_done(&group, 2));
    let mut store = FORMATS.open(&group.store).unwrap();
    for array in [name::IMAGES.to_owned(), attribution("IG")] {
        assert_eq!(store.floats(&array, 1, 1).unwrap(), [8.0, 9.0, 10.0, 11.0]);
    }
    assert_eq!(store.integers(name::INDICES, 1, 2).unwrap(), [2, 3]);
    // The last shard has one image.
    assert_eq!(store.integers(name::INDICES, 2, 1).unwrap(), [4]);
    assert!(store.integers(name::INDICES, 2, 2).is_err());
}

#[test]
fn a_store_goes_into_tensors_and_back_with_what_a_person_has_added() {
    let folder = tempfile::tempdir().unwrap();
    let group = finished(folder.path(), Compression::None);
    fs::create_dir_all(group.store.join("attributions/mine")).unwrap();
    for file in ["notes.txt", "attributions/mine/c.0.0.0.0", "attributions/IG/readme", "attributions/mine/zarr.json"] {
        fs::write(group.store.join(file), "{}").unwrap();
    }
    let before = contents(&group);
    let place = FORMATS.pack(&group.store, FORMATS.named("pt").unwrap()).unwrap();
    assert!(!group.store.exists());
    assert_eq!(fs::read(place.join("attributions/mine/c.0.0.0.0")).unwrap(), b"{}");
    FORMATS.unpack(&place, None).unwrap();
    assert_eq!(contents(&group), before);
}

#[test]
fn a_mutated_store_of_tensors_is_described_verified_and_read_in_little_memory_and_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let group = packed(folder.path());
    let files = ["attrisweep.json", "images.pt", "labels.pt", "attributions/IG.pt", "means/overall.pt"];
    survive(&METER, MOST, |random| {
        let file = group.store.join(files[below(random, files.len())]);
        let whole = fs::read(&file).unwrap();
        let root: Result<serde_json::Value, _> = serde_json::from_slice(&whole);
        let unsealed = root.ok().filter(|_| below(random, 2) == 0).map(|mut root| {
            root["attributes"]["attrisweep"].as_object_mut().map(|ours| ours.remove("digest"));
            root.to_string().into_bytes()
        });
        fs::write(&file, mutated(unsealed.as_ref().unwrap_or(&whole), random)).unwrap();
        if let Ok(Some(described)) = describe(&group.store) {
            let _ = store::verify::verify(&described, None, NonZero::<usize>::MIN);
        }
        if let Ok(mut store) = FORMATS.open(&group.store) {
            let _ = store.floats(name::IMAGES, 2, u64::MAX);
        }
        fs::write(&file, whole).unwrap();
    });
}

#[test]
fn a_tensor_with_another_byte_than_was_written_is_not_given_a_new_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let group = packed(folder.path());
    let file = group.store.join("attributions/IG.pt");
    let mut bytes = fs::read(&file).unwrap();
    // 8 and 9 in half precision.
    let at = bytes.windows(4).position(|values| values == [0x00, 0x48, 0x80, 0x48]).unwrap();
    bytes[at] ^= 1;
    fs::write(&file, bytes).unwrap();
    let told = FORMATS.unpack(&group.store, None).unwrap_err().to_string();
    assert!(told.contains("attributions/IG.pt` is not usable") && !folder.path().join("s.zarr").exists(), "{told}");
    // Without the damaged tensor the store is made, and is not complete any more.
    let made = FORMATS.unpack(&group.store, Some(&[file].into())).unwrap();
    assert!(!describe(&made).unwrap().unwrap().complete);
}

#[test]
fn a_file_that_a_person_called_like_a_tensor_keeps_the_store_as_it_is() {
    for name in ["attributions/IG.pt", "attrisweep.json"] {
        let folder = tempfile::tempdir().unwrap();
        let group = finished(folder.path(), Compression::Zstd);
        fs::write(group.store.join(name), "mine").unwrap();
        let told = FORMATS.pack(&group.store, FORMATS.named("pt").unwrap()).unwrap_err().to_string();
        assert!(told.contains(name) && told.contains("is there already"), "{told}");
        assert_eq!(fs::read(group.store.join(name)).unwrap(), b"mine");
    }
}

#[test]
fn no_name_in_the_metadata_leads_out_of_the_store() {
    for name in ["../other.zarr", "/tmp/attrisweep-nowhere"] {
        let folder = tempfile::tempdir().unwrap();
        let group = packed(folder.path());
        let file = group.store.join("attrisweep.json");
        let mut root: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        root["attributes"]["attrisweep"].as_object_mut().unwrap().remove("digest");
        root["consolidated_metadata"]["metadata"][name] = serde_json::json!({"zarr_format": 3, "node_type": "group"});
        fs::write(&file, root.to_string()).unwrap();
        assert!(FORMATS.unpack(&group.store, None).is_err());
        assert!(!folder.path().join("other.zarr").exists() && !Path::new("/tmp/attrisweep-nowhere").exists());
    }
}
