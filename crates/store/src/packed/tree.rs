//! Reading by paths that may lead through a zip: `s.zarr.zip/images/zarr.json` is an entry of `s.zarr.zip`.
//!
//! So a packed store is read, listed and verified by the code that reads folders, and errors name the entry. Whatever writes
//! uses the file system: no path through a zip can be written to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::SUFFIX;
use super::archive::{Archive, Part};

/// Zip that `path` leads through, and the name of the entry; an empty name for the zip itself. `None` for a path without a zip.
fn through(path: &Path) -> Option<(PathBuf, String)> {
    let zip = path.ancestors().find(|above| {
        let name = above.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.ends_with(SUFFIX)) && above.is_file()
    })?;
    let name = path.strip_prefix(zip).ok()?.to_str()?.to_owned();
    Some((zip.to_owned(), name))
}

/// Whether `place` is a zip, or leads into one.
pub(crate) fn is_zip(place: &Path) -> bool {
    through(place).is_some()
}

fn opened(path: &Path) -> Option<(io::Result<Arc<Archive>>, String)> {
    through(path).map(|(zip, name)| (Archive::open(&zip), name))
}

/// Reads the whole file at `path`.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !is_zip(path) {
        return fs::read(path);
    }
    let part = open(path)?;
    part.read(0, part.length())
}

/// Opens the file at `path`.
pub(crate) fn open(path: &Path) -> io::Result<Part> {
    match opened(path) {
        None => Part::of_file(path),
        Some((archive, name)) => {
            let archive = archive?;
            if !archive.has(&name) && !archive.children(&name).is_empty() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            archive.part(&name)
        }
    }
}

/// Names in the folder at `path`, each with whether it is a folder.
pub(crate) fn list(path: &Path) -> io::Result<Vec<(String, bool)>> {
    let Some((archive, name)) = opened(path) else {
        let entries = fs::read_dir(path)?.map(|entry| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), entry.file_type()?.is_dir()))
        });
        return entries.collect();
    };
    let children = archive?.children(&name);
    if children.is_empty() && !name.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(children.into_iter().collect())
}

/// Whether a file is at `path`.
pub(crate) fn is_file(path: &Path) -> bool {
    match opened(path) {
        None => path.is_file(),
        Some((archive, name)) => archive.is_ok_and(|archive| archive.has(&name)),
    }
}

/// Checks that a file or a folder is at `path`.
pub(crate) fn look(path: &Path) -> io::Result<()> {
    match opened(path) {
        None => fs::metadata(path).map(drop),
        Some((archive, name)) => {
            let archive = archive?;
            let there = archive.has(&name) || !archive.children(&name).is_empty();
            if there { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
        }
    }
}
