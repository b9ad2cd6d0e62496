//! Entry of a store format.

use std::path::Path;

use sweep::group::Group;

use crate::error::StoreError;
use crate::ledger::Ledger;
use crate::metadata::Described;

/// A store format.
#[derive(Debug)]
pub struct Entry {
    /// Name of the format.
    pub name: &'static str,
    /// Ending of the name of every store in this format, with its dot.
    pub suffix: &'static str,
    /// Checks whether a store exists at a place, or the beginning of one. A disk that is away makes it `false`.
    pub exists: fn(place: &Path) -> bool,
    /// Reads the description that a store has of itself, whether it is complete included; `None` where no store is.
    pub describe: fn(place: &Path) -> Result<Option<Described>, StoreError>,
    /// Lists the shards that are in the store of a group.
    pub ledger: fn(group: &Group) -> Result<Ledger, StoreError>,
    /// Opens a store for reading.
    pub open: fn(place: &Path) -> Result<Box<dyn Reader>, StoreError>,
}

/// A store that is open for reading. Arrays are named by their paths ([`crate::families`]).
pub trait Reader {
    /// Reads the first `images` images of `shard` of an `array` of floats, in whichever float type they are stored.
    fn floats(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<f32>, StoreError>;

    /// Reads the first `images` images of `shard` of an `array` of integers.
    fn integers(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<i64>, StoreError>;
}
