//! Entry of a store format.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sweep::group::Group;

use crate::error::StoreError;
use crate::export::view::View;
use crate::ledger::Ledger;
use crate::metadata::Described;

/// A store format.
#[derive(Debug)]
pub struct Entry {
    /// Name of the format.
    pub name: &'static str,
    /// Ending of the name of every store in this format, or of the folder that has the store, with its dot.
    pub suffix: &'static str,
    /// Place in a folder of the store that is called `name`.
    pub place: fn(folder: &Path, name: &str) -> PathBuf,
    /// Checks whether a store exists at a place, or the beginning of one. A disk that is away makes it `false`.
    pub exists: fn(place: &Path) -> bool,
    /// Finds a store called `name` in a folder that another program has left there in this format; `None` if there is none.
    pub theirs: fn(folder: &Path, name: &str) -> Option<PathBuf>,
    /// Reads the description that a store has of itself, whether it is complete included; `None` where no store is.
    pub describe: fn(place: &Path) -> Result<Option<Described>, StoreError>,
    /// Lists the shards that are in the store of a group.
    pub ledger: fn(group: &Group) -> Result<Ledger, StoreError>,
    /// Opens a store for reading.
    pub open: fn(place: &Path) -> Result<Box<dyn Reader>, StoreError>,
    /// Lines of Python that open a store and read an array, for people.
    pub python: fn(place: &Path, array: &str) -> Vec<String>,
    /// Writes a part of a store to a place where nothing is. Returns the number of bytes.
    pub part: fn(view: &mut View, place: &Path) -> Result<u64, StoreError>,
    /// Conversion of finished stores; `None` for the format in which sweeps write.
    pub packing: Option<Packing>,
}

/// Conversion of a finished store: a sweep writes a Zarr folder, and the folder becomes a store of this format once it is complete.
#[derive(Debug)]
pub struct Packing {
    /// Path of the Zarr folder from which a store is made.
    pub folder: fn(place: &Path) -> PathBuf,
    /// Makes the store at `place` of the complete store in `folder`, whole and durably, and in place of an older one of attrisweep.
    /// Returns the number of bytes.
    pub pack: fn(folder: &Path, place: &Path) -> Result<u64, StoreError>,
    /// Makes the Zarr folder anew, to the byte, whole and durably; or without some files of the store, and then marked incomplete. The
    /// store stays.
    pub unpack: Unpack,
    /// Removes the store at a place, once its Zarr folder is there.
    pub remove: fn(place: &Path) -> Result<(), StoreError>,
}

/// Function that makes the Zarr `folder` of the store at `place`, `without` what lies in some of its files.
pub type Unpack = fn(place: &Path, folder: &Path, without: Option<&BTreeSet<PathBuf>>) -> Result<(), StoreError>;

/// A store that is open for reading. Arrays are named by their paths ([`crate::families`]).
pub trait Reader {
    /// Reads the first `images` images of `shard` of an `array` of floats, in whichever float type they are stored.
    fn floats(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<f32>, StoreError>;

    /// Reads the first `images` images of `shard` of an `array` of integers.
    fn integers(&mut self, array: &str, shard: u64, images: u64) -> Result<Vec<i64>, StoreError>;

    /// Reads one image or map, at position `image` of `shard` of an `array` of floats: no more is read than that, where the format
    /// allows it.
    fn image(&mut self, array: &str, shard: u64, image: u64) -> Result<Vec<f32>, StoreError> {
        let mut values = self.floats(array, shard, image + 1)?;
        let each = values.len() / (image + 1) as usize;
        Ok(values.split_off(values.len() - each))
    }
}
