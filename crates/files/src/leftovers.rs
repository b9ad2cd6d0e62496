//! Temporary files that killed writers left in a store.
//!
//! The tag in a temporary name begins with the writer's process id, so that the files of the dead can be told from those of
//! the living.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::FileError;
use crate::temporary::parts;

/// Removes every temporary file below `folder`. No process may be writing there.
pub fn remove(folder: &Path) -> Result<(), FileError> {
    for path in find(folder)? {
        match fs::remove_file(&path) {
            // A worker of a killed scheduler may still have finished it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(|source| FileError::Write { path, source })?,
        }
    }
    Ok(())
}

/// Removes the temporary files below `folder` whose writers are not among the `living` processes. Returns their number.
///
/// Makes room on a disk that is full of the files of killed writers, while other writers go on.
pub fn remove_of_dead(folder: &Path, living: &BTreeSet<u32>) -> Result<usize, FileError> {
    let mut removed = 0;
    for path in find(folder)? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if writer(&name).is_some_and(|pid| !living.contains(&pid)) && fs::remove_file(&path).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

/// Process id in the tag of a temporary name.
fn writer(name: &str) -> Option<u32> {
    parts(name)?.1.split('-').next()?.parse().ok()
}

/// Every temporary file below `folder`, left behind or being written.
pub fn find(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let failed = |source| FileError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            files.extend(find(&entry.path())?);
        } else if is_temporary(&entry.file_name().to_string_lossy()) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// Whether a file of this name is temporary.
pub fn is_temporary(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|rest| rest.strip_suffix(".tmp").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::{create_folders, put};

    #[test]
    fn what_a_dead_writer_left_is_removed_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        create_folders(&root.path().join("x")).unwrap();
        put(&root.path().join("x/c.0"), b"kept", "t").unwrap();
        fs::write(root.path().join("x/.c.1.run-2.tmp"), b"torn").unwrap();
        remove(root.path()).unwrap();
        let left: Vec<_> = fs::read_dir(root.path().join("x")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["c.0"]);
    }

    #[test]
    fn of_temporary_files_only_those_of_dead_writers_are_removed_while_others_write() {
        let root = tempfile::tempdir().unwrap();
        for name in ["c.0", ".c.1.7-1.tmp", ".c.2.8-3.tmp", ".zarr.json.scheduler-7.tmp", ".c.3.run.tmp"] {
            fs::write(root.path().join(name), b"torn").unwrap();
        }
        assert_eq!(remove_of_dead(root.path(), &BTreeSet::from([8])).unwrap(), 1);
        assert!(!root.path().join(".c.1.7-1.tmp").exists());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 4);
    }
}
