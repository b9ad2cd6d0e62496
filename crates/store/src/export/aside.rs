//! Exports that come to their place once they are whole.

use std::path::Path;

use files::folders;

use crate::error::StoreError;

/// Has `write` fill a folder, which comes to `place` once it is whole.
pub(crate) fn aside(place: &Path, write: impl FnOnce(&Path) -> Result<u64, StoreError>) -> Result<u64, StoreError> {
    refuse_occupied(place)?;
    let failed = |source| StoreError::Write { path: place.to_owned(), source };
    let folder = folders::aside(place).map_err(failed)?;
    let written = write(&folder).and_then(|bytes| folders::place(&folder, place).map(|()| bytes).map_err(failed));
    if written.is_err() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    written
}

/// Refuses a place where something is.
pub(super) fn refuse_occupied(place: &Path) -> Result<(), StoreError> {
    if place.exists() { Err(StoreError::Occupied { path: place.to_owned() }) } else { Ok(()) }
}
