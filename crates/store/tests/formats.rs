//! A store format is an entry of a list: a toy format beside the one that sweeps write.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use store::formats::{Entry, Formats, Reader};
use store::{Described, FORMATS, Ledger, StoreError, attribution, exists, name};
use sweep::config::Compression;

use common::{finished, group, labels, packed, variant};

/// One JSON file for a whole store: `{"complete": true, "<array>": [[values of shard 0], ..]}`.
const TOY: Entry = Entry {
    name: "toy",
    suffix: ".toy.json",
    place: |folder, name| folder.join(format!("{name}.toy.json")),
    exists: |place| place.is_file(),
    describe: |place| {
        let described = |toy: Value| Described::of(toy_group(place), labels(), toy["complete"] == true);
        Ok(place.is_file().then(|| described(read(place))))
    },
    theirs: |_, _| None,
    ledger: |group| {
        let shards = |values: &Value| values.as_array().map(|shards| (0..shards.len() as u64).collect());
        let toy = read(&group.store);
        let arrays = toy.as_object().into_iter().flatten();
        let present: Vec<(String, BTreeSet<u64>)> =
            arrays.filter_map(|(array, values)| Some((array.clone(), shards(values)?))).collect();
        Ok(present.into_iter().collect::<Ledger>())
    },
    open: |place| Ok(Box::new(Toy(read(place)))),
    python: |_, _| Vec::new(),
    part: |_, place| Err(StoreError::Occupied { path: place.to_owned() }),
    packing: None,
};

const BOTH: Formats = Formats(&[FORMATS.0[0], &TOY]);

struct Toy(Value);

impl Reader for Toy {
    fn floats(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<f32>, StoreError> {
        let values: Vec<f32> = serde_json::from_value(self.0[array][shard as usize].clone()).unwrap();
        Ok(values[..values.len().min(4 * images as usize)].to_vec())
    }

    fn integers(&mut self, array: &str, shard: u64, _: u64) -> Result<Vec<i64>, StoreError> {
        Ok(serde_json::from_value(self.0[array][shard as usize].clone()).unwrap())
    }
}

fn read(place: &Path) -> Value {
    serde_json::from_slice(&fs::read(place).unwrap()).unwrap()
}

fn toy_group(place: &Path) -> sweep::group::Group {
    let folder = place.parent().unwrap();
    sweep::group::Group { store: place.to_owned(), ..group(folder, 1, vec![variant("IG", 50)]) }
}

#[test]
fn a_store_is_found_described_and_read_in_the_format_that_its_name_ends_with() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("s.toy.json");
    // Where no store exists, a new one is written in the first format.
    assert_eq!(BOTH.place(folder.path(), "s"), folder.path().join("s.zarr"));
    assert!(!BOTH.exists(&place) && BOTH.describe(&place).unwrap().is_none());
    fs::write(
        &place,
        r#"{"complete": true, "images": [[1, 2, 3, 4]], "attributions/IG": [[0.5, 0, 0, 1]], "labels": [[2]]}"#,
    )
    .unwrap();
    assert_eq!(BOTH.place(folder.path(), "s"), place);
    assert!(BOTH.exists(&place) && !BOTH.exists(&folder.path().join("s.zarr")));
    let described = BOTH.describe(&place).unwrap().unwrap();
    assert!(described.complete);
    let ledger = BOTH.ledger(&described.group).unwrap();
    assert!(ledger.has(name::IMAGES, 0) && !ledger.has(name::IMAGES, 1) && !ledger.is_predicted(0));
    let mut store = BOTH.open(&place).unwrap();
    assert_eq!(store.floats(&attribution("IG"), 0, 1).unwrap(), [0.5, 0.0, 0.0, 1.0]);
    assert_eq!(store.integers(name::LABELS, 0, 1).unwrap(), [2]);
}

#[test]
fn a_zarr_store_is_read_by_the_same_calls() {
    let folder = tempfile::tempdir().unwrap();
    let group = finished(folder.path(), Compression::Zstd);
    assert_eq!(BOTH.place(folder.path(), "s"), group.store);
    assert!(exists(&group.store) && BOTH.of(&group.store).name == "zarr");
    assert!(BOTH.describe(&group.store).unwrap().is_some_and(|described| described.complete));
    assert!(BOTH.ledger(&group).unwrap().is_done(&group, 2));
    let mut store = BOTH.open(&group.store).unwrap();
    // Image i of the test holds the values 4i, 4i + 1, .. as its pixels and as its map.
    for array in [name::IMAGES.to_owned(), attribution("IG")] {
        assert_eq!(store.floats(&array, 1, 1).unwrap(), [8.0, 9.0, 10.0, 11.0]);
    }
}

/// Image i of the test holds the values 4i, 4i + 1, ..
#[test]
fn one_image_is_read_alone_in_every_format() {
    for format in FORMATS.0 {
        let folder = tempfile::tempdir().unwrap();
        let store = match format.packing {
            None => finished(folder.path(), Compression::Zstd).store,
            Some(_) => packed(folder.path(), format.name).store,
        };
        let mut reader = FORMATS.open(&store).unwrap();
        for (shard, image) in [(0, 0), (0, 1), (1, 1), (2, 0)] {
            let first = (4 * (2 * shard + image)) as f32;
            let values = vec![first, first + 1.0, first + 2.0, first + 3.0];
            for array in [name::IMAGES.to_owned(), attribution("IG")] {
                assert_eq!(reader.image(&array, shard, image).unwrap(), values, "{} {array}", format.name);
            }
        }
        assert!(reader.image(name::IMAGES, 0, 7).is_err(), "{}", format.name);
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("s.toy.json");
    fs::write(&place, r#"{"images": [[1, 2, 3, 4, 5, 6, 7, 8]]}"#).unwrap();
    assert_eq!(BOTH.open(&place).unwrap().image("images", 0, 1).unwrap(), [5.0, 6.0, 7.0, 8.0]);
}

#[test]
fn a_ledger_lists_the_shards_that_are_there_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let group = common::made(folder.path());
    for shard in [0, 2] {
        common::fill(&group, shard);
    }
    let ledger = Ledger::read(&group).unwrap();
    assert_eq!(ledger.shards(&attribution("IG")).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(ledger.shards("nothing").count(), 0);
}
