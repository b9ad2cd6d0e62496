//! JSON files that several processes read, change and write back.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::{FileError, durable};

/// Lock of a folder, held until it is dropped, that leaves nothing behind. It keeps other processes of this program from reading
/// and writing the same file.
pub struct FolderLock {
    _folder: Option<fs::File>,
}

impl FolderLock {
    /// Locks the folder of `file`, after two seconds at most. Where folders cannot be locked, the last writer wins.
    pub fn of(file: &Path) -> Self {
        const LOOKS: u32 = 100;
        let folder = file.parent().and_then(|folder| fs::File::open(folder).ok());
        for _ in 0..LOOKS {
            match folder.as_ref().map(fs::File::try_lock) {
                Some(Err(fs::TryLockError::WouldBlock)) => std::thread::sleep(Duration::from_millis(20)),
                _ => break,
            }
        }
        Self { _folder: folder }
    }
}

/// Renames a damaged `file` to `<file>.damaged`, for a person to look at. Where that fails, the file is overwritten later.
pub fn set_damaged_aside(file: &Path) {
    let _ = fs::rename(file, with_ending(file, ".damaged"));
}

/// Copies `file` to `<file>.kept`, unless that exists: somebody may have measured it elsewhere.
pub fn keep_copy(file: &Path) -> Result<(), FileError> {
    let kept = with_ending(file, ".kept");
    if kept.exists() {
        return Ok(());
    }
    let bytes = fs::read(file).map_err(|source| FileError::Read { path: file.to_owned(), source })?;
    durable::put(&kept, &bytes, &std::process::id().to_string())
}

/// Writes `value` to `file`, whole or not at all.
pub fn write(file: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| FileError::Write { path: file.to_owned(), source: error.into() })?;
    durable::put(file, &bytes, &std::process::id().to_string())
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_kept_once_and_a_damaged_file_is_renamed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.json");
        for value in [1, 2] {
            write(&file, &value).unwrap();
            keep_copy(&file).unwrap();
        }
        assert_eq!(fs::read_to_string(folder.path().join("results.json.kept")).unwrap(), "1");
        set_damaged_aside(&file);
        assert_eq!(fs::read_to_string(folder.path().join("results.json.damaged")).unwrap(), "2");
        assert!(!file.exists());
    }
}
