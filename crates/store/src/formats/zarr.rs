//! Zarr version 3 in a folder: the format in which sweeps write.
//!
//! <https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html>

use super::entry::{Entry, Reader};
use crate::error::StoreError;
use crate::metadata::describe;
use crate::shards::{Shards, present};

pub(super) const ENTRY: Entry = Entry {
    name: "zarr",
    suffix: ".zarr",
    exists: |place| place.is_dir(),
    describe,
    ledger: present,
    open: |place| Ok(Box::new(Shards::open(place.to_owned(), String::new()))),
};

impl Reader for Shards {
    fn floats(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<f32>, StoreError> {
        self.maps(array, shard, images)
    }

    fn integers(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<i64>, StoreError> {
        Self::integers(self, array, shard, images)
    }
}
