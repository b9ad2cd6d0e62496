//! Small files that are finished or absent: written under a temporary name, synced, renamed, and their folder synced.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::FileError;
use crate::pending::{PendingFile, sync_folder};

/// Writes `bytes` to `path`. The `tag` tells apart writers of the same file: run and attempt.
///
/// When this function returns, the file survives a power cut; before, `path` has what it had. The folder of `path` must exist: a
/// folder that has gone may be a disk that comes back, and nothing is to be written in its place.
pub fn put(path: &Path, bytes: &[u8], tag: &str) -> Result<(), FileError> {
    let mut file = PendingFile::create(path, tag)?;
    file.append(bytes)?;
    file.place()
}

/// Writes `bytes` to `path` like [`put`], with the temporary file locked meanwhile ([`PendingFile::create_locked`]).
pub fn put_locked(path: &Path, bytes: &[u8], tag: &str) -> Result<(), FileError> {
    let mut file = PendingFile::create_locked(path, tag)?;
    file.append(bytes)?;
    file.place()
}

/// Checks that a file of `size` bytes can be written into `folder`, and removes the file again.
pub fn try_writing(folder: &Path, size: usize) -> Result<(), FileError> {
    let path = folder.join(format!(".trial.{}.tmp", std::process::id()));
    let written = write_synced(&path, &vec![1; size]);
    let removed = fs::remove_file(&path);
    written.and(removed).map_err(|source| FileError::Write { path: folder.to_owned(), source })
}

/// Makes `folder` and the folders above it, each synced into its parent.
pub fn create_folders(folder: &Path) -> Result<(), FileError> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let failed = |source| FileError::Write { path: folder.to_owned(), source };
    let parent = folder.parent().unwrap_or(Path::new(""));
    create_folders(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
        Err(_) if !folder.is_dir() => Err(failed(in_the_way(folder))),
        _ => sync_folder(parent).map_err(failed),
    }
}

/// Error that names the file or the link in the place of a folder.
fn in_the_way(folder: &Path) -> io::Error {
    let text = match fs::read_link(folder) {
        Ok(target) => {
            format!("it is a link to `{}`, which is not there; make that folder, or remove the link", target.display())
        }
        Err(_) => "it is a file, expected a folder".to_owned(),
    };
    io::Error::new(io::ErrorKind::NotADirectory, text)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leftovers::find;
    use crate::pending::REMOVALS;

    #[test]
    fn a_file_is_there_whole_and_nothing_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b/c");
        create_folders(&root.path().join("a/b")).unwrap();
        for bytes in [b"first".as_slice(), b"second"] {
            put(&path, bytes, "run-1").unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_has_gone_is_not_made_again() {
        let root = tempfile::tempdir().unwrap();
        assert!(put(&root.path().join("gone/c.0"), b"x", "t").is_err());
        assert!(!root.path().join("gone").exists());
    }

    /// A scheduler that is started anew tidies up while workers of the one before it write.
    #[test]
    fn a_temporary_file_that_is_removed_while_it_is_written_is_written_again() {
        let root = tempfile::tempdir().unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        let removed = std::thread::scope(|scope| {
            let remover = scope.spawn(|| {
                // Schedulers that start one after the other: how often they meet a file does not hang on the speed of the disk.
                let mut removed = std::collections::BTreeMap::new();
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    for path in find(root.path()).unwrap() {
                        let times: &mut u32 = removed.entry(path.clone()).or_default();
                        if *times < REMOVALS && fs::remove_file(path).is_ok() {
                            *times += 1;
                        }
                    }
                }
                removed.values().sum::<u32>()
            });
            let written: Vec<_> = (0..300).map(|n| put(&root.path().join(format!("c.{n}")), &[7; 4096], "t")).collect();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(written.iter().filter(|written| written.is_err()).count(), 0);
            remover.join().unwrap()
        });
        assert!(removed > 0, "they have met");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 300);
    }

    /// A folder where a file should be: rename fails, as it does on a full or read-only disk.
    #[test]
    fn a_failed_write_leaves_nothing_aside_and_says_where_it_failed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("c.0/in_the_way")).unwrap();
        let error = put(&root.path().join("c.0"), b"x", "t").unwrap_err();
        assert!(error.to_string().starts_with("cannot write `") && error.to_string().ends_with("c.0`"), "{error}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
