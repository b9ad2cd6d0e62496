//! Zarr version 3 in a folder: the format in which sweeps write.
//!
//! <https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html>

use std::path::{Path, PathBuf};

use super::entry::{Entry, Reader};
use crate::error::StoreError;
use crate::export::aside::aside;
use crate::export::zarr_folder;
use crate::metadata::{describe, root};
use crate::shards::{Shards, present};

pub(super) const ENTRY: Entry = Entry {
    name: "zarr",
    suffix: ".zarr",
    place: |folder, name| folder.join(format!("{name}.zarr")),
    exists: |place| place.is_dir(),
    theirs: |folder, name| {
        Some(folder.join(format!("{name}.zarr"))).filter(|place| place.is_dir()).and_then(their_zarr)
    },
    describe,
    ledger: present,
    open: |place| Ok(Box::new(Shards::open(place.to_owned(), String::new()))),
    python,
    part: |view, place| aside(place, |folder| zarr_folder::write(view, folder)),
    packing: None,
};

/// The `place` of a Zarr, if another program has written what is there.
pub(super) fn their_zarr(place: PathBuf) -> Option<PathBuf> {
    matches!(root::read(&place), Err(StoreError::Theirs { .. } | StoreError::Packed { .. })).then_some(place)
}

fn python(place: &Path, array: &str) -> Vec<String> {
    opening(&format!("{:?}", place.display().to_string()), array)
}

/// Lines of Python that open `store`, an expression, and read `array`.
pub(super) fn opening(store: &str, array: &str) -> Vec<String> {
    vec![
        "import zarr".to_owned(),
        format!("store = zarr.open_group({store}, mode=\"r\")"),
        format!("maps = store[{array:?}]"),
    ]
}

impl Reader for Shards {
    fn floats(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<f32>, StoreError> {
        self.maps(array, shard, images)
    }

    fn integers(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<i64>, StoreError> {
        Self::integers(self, array, shard, images)
    }

    fn image(&mut self, array: &str, shard: u64, image: u64) -> Result<Vec<f32>, StoreError> {
        self.one(array, shard, image)
    }
}
