//! Makes a store of tensors of a finished Zarr folder.

use std::fs;
use std::path::Path;

use files::{durable, folders};

use super::{ROOT, carry, is_place, write};
use crate::error::StoreError;
use crate::export::selection::Selection;
use crate::export::view::View;
use crate::metadata::root::METADATA;
use crate::packed::unpack::remove;

/// Makes the store at `place` of the finished store in `store`. Returns the number of bytes of its tensors.
///
/// The tensors are written aside, and then exchanged for those that are there. A store between its old and its new form is the Zarr
/// folder.
pub(crate) fn pack(store: &Path, place: &Path) -> Result<u64, StoreError> {
    if place.exists() && !is_place(place) {
        return Err(StoreError::InTheWay { path: place.to_owned() });
    }
    let failed = |source| StoreError::Write { path: place.to_owned(), source };
    let root = fs::read(store.join(METADATA));
    let root = root.map_err(|source| StoreError::Read { path: store.join(METADATA), source })?;
    let mut view = View::open(store, &Selection::default())?;
    let beside = carry::beside_arrays(&view, store)?;
    carry::refuse_taken_names(&view, &beside, store)?;
    durable::create_folders(place.parent().unwrap_or(Path::new("")))?;
    let aside = folders::aside(place).map_err(failed)?;
    let bytes = write::tensors(&mut view, &aside)?;
    carry::copy(&beside, store, &aside)?;
    durable::put(&aside.join(ROOT), &root, &std::process::id().to_string())?;
    if fs::read(store.join(METADATA)).ok().as_ref() != Some(&root) {
        return Err(StoreError::Changing { path: store.to_owned() });
    }
    if place.exists() {
        remove(place)?;
    }
    folders::place(&aside, place).map_err(failed)?;
    Ok(bytes)
}
