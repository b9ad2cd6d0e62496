//! Stores in a zip, as the reference scripts leave them: `<name>.zarr.zip` beside the folder `<name>.zarr`.
//!
//! A finished store is packed whole ([`pack()`]), read where it lies (`tree`), and unpacked where a sweep goes on with it.

pub(crate) mod archive;
pub(crate) mod pack;
pub(crate) mod tree;
pub(crate) mod unpack;

use std::path::{Path, PathBuf};

use files::shared_folder;

pub use pack::pack;

/// Ending of the name of a packed store.
pub const SUFFIX: &str = ".zarr.zip";

/// Removes unfinished zips in `folder` whose writers have ended.
pub fn remove_leftovers(folder: &Path) -> Vec<PathBuf> {
    shared_folder::remove_leftovers(folder, is_packed)
}

/// Unfinished zips in `folder`, left behind or being written.
pub fn temporary_files(folder: &Path) -> Vec<PathBuf> {
    shared_folder::temporary_files(folder, is_packed)
}

fn is_packed(name: &str) -> bool {
    name.ends_with(SUFFIX)
}
