//! Marks a store that was complete as incomplete.

use std::path::Path;

use super::root;
use crate::error::StoreError;

/// Marks the store in `folder` incomplete, so that the next run compares all of it with its config.
pub(crate) fn reopen(folder: &Path, tag: &str) -> Result<(), StoreError> {
    let Some(root::Root { value: mut root, .. }) = root::read(folder)? else { return Ok(()) };
    if root["attributes"]["attrisweep"]["complete"] == true {
        root["attributes"]["attrisweep"]["complete"] = false.into();
        root::put(folder, root, tag)?;
    }
    Ok(())
}
