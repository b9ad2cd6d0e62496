//! Devices that have computed maps of a store: from its root, and from notes that workers leave until the store is complete.
//!
//! A worker writes its note before it puts the first map in place, so a map whose device nobody knows cannot exist, whoever is
//! killed and whenever. The scheduler, which alone writes metadata, takes the notes into the root.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use files::{FileError, durable};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sweep::computed_by::ComputedBy;

use super::root;
use crate::error::StoreError;
use crate::packed::tree;

/// Beginning of a note's name. A name that begins with a dot is no node of Zarr.
const PREFIX: &str = ".computed_by.";

/// Leaves a note in `folder` that `device` computes maps of the store there, unless a note or the root says so already. Returns the
/// number of bytes that were written.
pub(crate) fn note(folder: &Path, device: &ComputedBy, tag: &str) -> Result<u64, StoreError> {
    let text = serde_json::to_string(device).unwrap_or_default();
    let file = folder.join(format!("{PREFIX}{}", &hex::encode(Sha256::digest(&text))[..16]));
    // A worker that was taken for dead may go on after the store is complete: no note is to lie there for ever.
    let told = || root::read(folder).ok().flatten().map(|root| of_root(&root.value["attributes"]["attrisweep"]));
    if file.is_file() || told().is_some_and(|told| told.contains(device)) {
        return Ok(0);
    }
    durable::put(&file, text.as_bytes(), tag)?;
    Ok(text.len() as u64)
}

/// Whether a file of this name is a note.
pub(crate) fn is_note(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Devices that have computed maps of the store in `folder`, by the attributes under `attrisweep` of its root and by the notes.
/// Stores of earlier builds name none.
pub(crate) fn of_store(folder: &Path, ours: &Value) -> Result<BTreeSet<ComputedBy>, StoreError> {
    let mut devices = of_root(ours);
    for file in notes(folder)? {
        // A note that is torn is as good as none: no map was put in place after it.
        devices.extend(root::read_json(&file).ok().flatten().and_then(|note| serde_json::from_value(note).ok()));
    }
    Ok(devices)
}

/// Devices that the attributes under `attrisweep` of a root name.
fn of_root(ours: &Value) -> BTreeSet<ComputedBy> {
    let told = ours["computed_by"].as_array().into_iter().flatten();
    told.filter_map(|device| serde_json::from_value(device.clone()).ok()).collect()
}

/// Removes the notes in `folder`: the root says the same.
pub(crate) fn remove_notes(folder: &Path) -> Result<(), StoreError> {
    for path in notes(folder)? {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::Write { path, source }.into());
            }
            _ => {}
        }
    }
    Ok(())
}

fn notes(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |source| StoreError::Read { path: folder.to_owned(), source };
    let names = tree::list(folder).map_err(failed)?.into_iter().map(|(name, _)| name);
    Ok(names.filter(|name| is_note(name)).map(|name| folder.join(name)).collect())
}
