//! Stores in a zip: read where they lie, unpacked to the byte, and never believed.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use std::fs;
use std::io::Write;
use std::num::NonZero;
use std::path::Path;

use store::verify::Fault;
use store::{FORMATS, Ledger, StoreError, attribution, describe, inspect, name};
use sweep::config::Compression;
use sweep::group::Group;
use testkit::hostile::{Meter, mutated, survive};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use common::{contents, facts, finished, group};

#[global_allocator]
static METER: Meter = Meter::new();

/// As for folders, with the directory of the zip besides.
const MOST: usize = 16 << 20;

/// A finished store in a zip, and the group as the zip has it.
fn packed(folder: &Path) -> Group {
    common::packed(folder, "zarr.zip")
}

#[test]
fn a_packed_store_is_described_listed_read_and_verified_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let group = packed(folder.path());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(FORMATS.now(&folder.path().join("s.zarr")), group.store);
    assert_eq!(inspect(&group, &facts(&group)).unwrap(), Some(true));
    let described = describe(&group.store).unwrap().unwrap();
    assert!(described.complete && Ledger::read(&group).unwrap().is_done(&group, 2));
    let mut store = FORMATS.open(&group.store).unwrap();
    for array in [name::IMAGES.to_owned(), attribution("IG")] {
        assert_eq!(store.floats(&array, 1, 1).unwrap(), [8.0, 9.0, 10.0, 11.0]);
    }
    let report = store::verify::verify(&described, None, NonZero::<usize>::MIN).unwrap();
    // Pixels of the test go up to 19, which no preprocessing gives.
    let unsound: Vec<_> = report.findings.iter().map(|found| found.file.strip_prefix(&group.store).unwrap()).collect();
    assert_eq!(unsound, ["images/c.0.0.0.0", "images/c.1.0.0.0", "images/c.2.0.0.0"].map(Path::new));
    assert!(report.sound > 20 && report.strangers.is_empty(), "{report:?}");
}

#[test]
fn a_store_is_unpacked_to_the_byte_and_what_was_left_half_done_goes() {
    let folder = tempfile::tempdir().unwrap();
    let group = finished(folder.path(), Compression::Zstd);
    let before = contents(&group);
    let zip = FORMATS.named("zarr.zip").unwrap();
    let place = FORMATS.pack(&group.store, zip).unwrap();
    let left = folder.path().join(".s.zarr.4294967295.tmp");
    fs::create_dir_all(left.join("images")).unwrap();
    FORMATS.remove_leftovers(&group.store).unwrap();
    assert!(!left.exists() && !group.store.exists());
    assert_eq!(FORMATS.unpack(&place, None).unwrap(), group.store);
    assert_eq!(contents(&group), before);
    assert!(place.is_file(), "it stays until the folder is packed again");
    assert_eq!(FORMATS.now(&group.store), group.store, "the folder counts while it is there");
}

/// A zip with these entries.
fn zip_of(place: &Path, entries: &[(&str, &[u8])]) {
    let mut zip = ZipWriter::new(fs::File::create(place).unwrap());
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn a_zip_that_is_not_ours_is_left_alone_and_an_entry_that_leads_out_of_the_store_is_not_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("s.zarr.zip");
    let group = Group { store: place.clone(), ..group(folder.path(), 1, Vec::new()) };
    for entries in
        [&[][..], &[(".zgroup", b"{}".as_slice())], &[("zarr.json", b"{\"node_type\": \"group\"}".as_slice())]]
    {
        zip_of(&place, entries);
        assert!(matches!(inspect(&group, &facts(&group)), Err(StoreError::Packed { .. })), "{entries:?}");
    }
    zip_of(&place, &[("images/../../../outside", b"x")]);
    let refused = FORMATS.unpack(&place, None).unwrap_err().to_string();
    assert!(refused.contains("`images/../../../outside` would lie outside of the store"), "{refused}");
    assert!(!folder.path().parent().unwrap().join("outside").exists() && !folder.path().join("s.zarr").exists());
}

#[test]
fn a_mutated_zip_is_described_and_verified_in_little_memory_and_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let group = packed(folder.path());
    let whole = fs::read(&group.store).unwrap();
    survive(&METER, MOST, |random| {
        fs::write(&group.store, mutated(&whole, random)).unwrap();
        if let Ok(Some(described)) = describe(&group.store) {
            let _ = store::verify::verify(&described, None, NonZero::<usize>::MIN);
        }
    });
}

#[test]
fn a_flipped_byte_of_a_shard_is_found_in_the_zip() {
    let folder = tempfile::tempdir().unwrap();
    let group = packed(folder.path());
    let mut bytes = fs::read(&group.store).unwrap();
    let name = b"labels/c.2";
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
    bytes[at + name.len() + 4] ^= 1;
    fs::write(&group.store, bytes).unwrap();
    let described = describe(&group.store).unwrap().unwrap();
    let report = store::verify::verify(&described, None, NonZero::<usize>::MIN).unwrap();
    let found = report.findings.iter().find(|found| found.file == group.store.join("labels/c.2"));
    assert!(matches!(found.map(|found| &found.fault), Some(Fault::Unsound(_))), "{report:?}");
}
