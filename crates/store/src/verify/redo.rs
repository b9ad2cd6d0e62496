//! Removes damaged files, so that the next run makes them anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::report::{Fault, Finding};
use crate::error::StoreError;
use crate::families;
use crate::formats::FORMATS;
use crate::metadata::describe::Described;
use crate::metadata::reopen::reopen;
use crate::metadata::root::{self, METADATA};
use crate::tensors;

/// Result of removing damaged files.
#[derive(Clone, Debug, Default)]
pub struct Redone {
    /// Files that were removed.
    pub removed: Vec<PathBuf>,
    /// Files that were left alone, because no run would make them anew: those of variants that the last config did not ask for.
    pub left: Vec<PathBuf>,
}

/// Removes the unsound files of `findings` and marks the store incomplete. Nobody else may be writing to it.
///
/// A store in another form becomes a Zarr folder again. The store is marked first: however early this is cut off, the next run looks for what is missing.
pub fn redo(described: &Described, findings: &[Finding], tag: &str) -> Result<Redone, StoreError> {
    let root = &described.group.store;
    let mut redone = Redone::default();
    if findings.is_empty() {
        return Ok(redone);
    }
    let place = &described.group.store;
    let folder = FORMATS.folder(place);
    if folder != *place {
        return redo_in(described, findings);
    }
    reopen(root, tag)?;
    for file in findings.iter().filter(|finding| finding.fault != Fault::Absent).map(|finding| &finding.file) {
        // The root is never removed: it says what the rest was made of. The next run writes it anew.
        if *file == root.join(METADATA) || !file.starts_with(root) {
            continue;
        }
        if is_of_removed_variant(described, file) {
            redone.left.push(file.clone());
            continue;
        }
        // A folder in the place of a file goes if it is empty; what is in it is somebody's.
        let removed = if file.is_dir() { fs::remove_dir(file) } else { fs::remove_file(file) };
        match removed {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::Write { path: file.clone(), source });
            }
            _ => redone.removed.push(file.clone()),
        }
    }
    Ok(redone)
}

/// Makes the Zarr folder of a store in another form again, without its damaged files and marked incomplete. The damaged form goes
/// afterwards.
fn redo_in(described: &Described, findings: &[Finding]) -> Result<Redone, StoreError> {
    let place = &described.group.store;
    let unsound = findings.iter().filter(|found| found.fault != Fault::Absent).map(|found| found.file.clone());
    let unsound = unsound.filter(|file| *file != root::file(place));
    let (left, removed): (Vec<PathBuf>, Vec<PathBuf>) =
        unsound.partition(|file| is_of_removed_variant(described, file));
    FORMATS.unpack(place, Some(&removed.iter().cloned().collect()))?;
    if let Some(packing) = &FORMATS.of(place).packing {
        (packing.remove)(place)?;
    }
    Ok(Redone { removed, left })
}

fn is_of_removed_variant(described: &Described, file: &Path) -> bool {
    let Ok(inside) = file.strip_prefix(&described.group.store) else { return false };
    let path: Vec<_> = inside.iter().filter_map(|part| part.to_str()).collect();
    let path = path.join("/");
    let Some((family, Some(member))) = families::find(&path) else { return false };
    let key = member.split('/').next().unwrap_or_default();
    let key = if tensors::is_place(&described.group.store) { key.trim_end_matches(tensors::SUFFIX) } else { key };
    family.is_of_variants() && key != METADATA && !described.asked.contains(key)
}
