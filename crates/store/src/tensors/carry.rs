//! Files of a store that are no tensors: what a person has added, and shards of methods that the last config did not ask for.
//!
//! A store that changes its form takes them along, at the same paths below the store, and back again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use files::durable;

use super::{ROOT, file};
use crate::error::StoreError;
use crate::export::view::View;
use crate::metadata::root::METADATA;
use crate::packed::pack::entries;

/// Files in the Zarr folder `store` of which `view` has neither the values nor the metadata.
pub(super) fn beside_arrays(view: &View, store: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let is_of_tensor = |path: &PathBuf| {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
            return false;
        };
        let array = folder.strip_prefix(store).unwrap_or(folder).to_string_lossy();
        let is_told = array.is_empty() || view.described.consolidated.contains_key(array.as_ref());
        let is_written = view.columns.iter().any(|column| column.path == array);
        (name == METADATA && is_told) || (name.starts_with("c.") && is_written)
    };
    Ok(entries(store)?.into_iter().filter(|path| !is_of_tensor(path)).collect())
}

/// Refuses a file of `beside`, in the Zarr folder `store`, that has the name of a tensor or of the metadata: one of the two would be
/// lost.
pub(super) fn refuse_taken_names(view: &View, beside: &[PathBuf], store: &Path) -> Result<(), StoreError> {
    let of_tensors = view.columns.iter().map(|column| file(store, &column.path));
    let taken: Vec<PathBuf> = of_tensors.chain([store.join(ROOT)]).collect();
    match beside.iter().find(|path| taken.contains(path)) {
        Some(path) => Err(StoreError::Occupied { path: path.clone() }),
        None => Ok(()),
    }
}

/// Files in the folder of tensors `place` that are none of the tensors of `view`.
pub(super) fn beside_tensors(view: &View, place: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let ours: Vec<PathBuf> = view.columns.iter().map(|column| file(place, &column.path)).collect();
    Ok(entries(place)?.into_iter().filter(|path| !ours.contains(path) && *path != place.join(ROOT)).collect())
}

/// Copies `files` below `from` to the same paths below `to`.
pub(super) fn copy(files: &[PathBuf], from: &Path, to: &Path) -> Result<(), StoreError> {
    for path in files {
        let target = to.join(path.strip_prefix(from).unwrap_or(path));
        durable::create_folders(target.parent().unwrap_or(to))?;
        let copied = fs::copy(path, &target).and_then(|_| File::open(&target)?.sync_all());
        copied.map_err(|source| StoreError::Write { path: target, source })?;
    }
    Ok(())
}
