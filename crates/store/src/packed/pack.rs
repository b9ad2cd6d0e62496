//! Packs a finished store into a zip.
//!
//! Entries are stored without compression, as the chunks are compressed already, in the order of their names behind the root, and with one
//! date: the same store gives the same bytes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use files::pending::PendingFile;
use files::{FileError, leftovers};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::error::StoreError;
use crate::metadata::computed_by;
use crate::metadata::root::{self, METADATA};
use crate::metadata::seal::is_ours;

/// Packs the complete store in `folder` into `zip`, whose folder must exist. Returns the size of the zip in bytes. A zip of a store of
/// attrisweep that is there is replaced, once the new one is whole.
///
/// # Errors
/// [`StoreError::InTheWay`] where `zip` is something else, [`StoreError::Changing`] if a run goes on with the store meanwhile.
pub fn pack(folder: &Path, zip: &Path) -> Result<u64, StoreError> {
    if zip.exists() && !is_packed_by_us(zip) {
        return Err(StoreError::InTheWay { path: zip.to_owned() });
    }
    let root = folder.join(METADATA);
    let before = read(&root)?;
    write(folder, zip, || {
        if read(&root)? == before { Ok(()) } else { Err(StoreError::Changing { path: folder.to_owned() }) }
    })
}

/// Writes the files in `folder` into `zip`, which gets its name if `check` finds nothing wrong then.
pub(crate) fn write(
    folder: &Path,
    zip: &Path,
    check: impl FnOnce() -> Result<(), StoreError>,
) -> Result<u64, StoreError> {
    // As of a mean image: several sweeps may write to this folder.
    let mut file = PendingFile::create_locked(zip, &std::process::id().to_string())?;
    let failed = |source: io::Error| FileError::Write { path: zip.to_owned(), source };
    let mut writer = ZipWriter::new(&mut file);
    for path in entries(folder)? {
        let size = fs::metadata(&path).map_err(|source| unreadable(&path, source))?.len();
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        writer.start_file(name, options(size)).map_err(|error| failed(io::Error::from(error)))?;
        let mut from = File::open(&path).map_err(|source| unreadable(&path, source))?;
        io::copy(&mut from, &mut writer).map_err(failed)?;
    }
    writer.finish().map_err(|error| failed(io::Error::from(error)))?;
    let bytes = file.size()?;
    check()?;
    file.place()?;
    Ok(bytes)
}

fn options(size: u64) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(size >= u64::from(u32::MAX))
}

/// Files of the store in `folder` that readers need: the root first, then all others in the order of their names.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let root = folder.join(METADATA);
    files.sort_by_cached_key(|path| (*path != root, path.clone()));
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
        let entry = entry.map_err(|source| unreadable(folder, source))?;
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        if path.is_dir() {
            collect(&path, files)?;
        } else if !leftovers::is_temporary(&name) && !computed_by::is_note(&name) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether `zip` is a packed store of attrisweep, of whichever config.
fn is_packed_by_us(zip: &Path) -> bool {
    root::read_json(&zip.join(METADATA)).is_ok_and(|root| root.is_some_and(|root| is_ours(&root)))
}

fn read(file: &Path) -> Result<Vec<u8>, StoreError> {
    fs::read(file).map_err(|source| unreadable(file, source))
}

fn unreadable(path: &Path, source: io::Error) -> StoreError {
    StoreError::Read { path: path.to_owned(), source }
}
