//! A finished Zarr store in a zip, as the reference's ResNet experiment on MedMNIST leaves it.
//!
//! The entries are stored without compression, so that the files of the store are read where they lie.

use std::fs;
use std::path::Path;

use files::folders;

use super::entry::{Entry, Packing};
use super::zarr::{opening, their_zarr};
use crate::error::StoreError;
use crate::export::view::View;
use crate::export::zarr_folder;
use crate::metadata::describe;
use crate::packed::unpack::unpack;
use crate::packed::{SUFFIX, pack};
use crate::shards::{Shards, present};

pub(super) const ENTRY: Entry = Entry {
    name: "zarr.zip",
    suffix: SUFFIX,
    place: |folder, name| folder.join(format!("{name}{SUFFIX}")),
    exists: |place| place.is_file(),
    theirs: |folder, name| {
        Some(folder.join(format!("{name}{SUFFIX}"))).filter(|place| place.is_file()).and_then(their_zarr)
    },
    describe,
    ledger: present,
    open: |place| Ok(Box::new(Shards::open(place.to_owned(), String::new()))),
    python: |place, array| {
        opening(&format!("zarr.storage.ZipStore({:?}, mode=\"r\")", place.display().to_string()), array)
    },
    part,
    packing: Some(Packing { folder: |place| place.with_extension(""), pack: pack::pack, unpack, remove }),
};

fn part(view: &mut View, zip: &Path) -> Result<u64, StoreError> {
    let failed = |source| StoreError::Write { path: zip.to_owned(), source };
    if zip.exists() {
        return Err(StoreError::Occupied { path: zip.to_owned() });
    }
    let folder = folders::aside(&zip.with_extension("")).map_err(failed)?;
    let written = zarr_folder::write(view, &folder).and_then(|_| pack::write(&folder, zip, || Ok(())));
    let removed = fs::remove_dir_all(&folder).map_err(failed);
    let bytes = written?;
    removed.map(|()| bytes)
}

fn remove(zip: &Path) -> Result<(), StoreError> {
    let removed = fs::remove_file(zip).and_then(|()| folders::sync(zip.parent().unwrap_or(Path::new(""))));
    removed.map_err(|source| StoreError::Write { path: zip.to_owned(), source })
}
