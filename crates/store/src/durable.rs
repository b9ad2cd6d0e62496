//! Files that are finished or absent: written aside, synced, renamed, and their folder synced.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// How often a file may be swept away under the hands of its writer.
pub(crate) const SWEPT: u32 = 5;

/// Puts `bytes` at `path`. `tag` tells apart writers of the same file: run and attempt.
///
/// When this returns, the file survives a power cut; before, nothing is at `path` that was not there. Its folder is not
/// made: one that has gone may be a disk that comes back, and nothing is to be written in its place.
pub fn put(path: &Path, bytes: &[u8], tag: &str) -> Result<(), StoreError> {
    let failed = |source| StoreError::Write { path: path.to_owned(), source };
    let aside = beside(path, tag).map_err(failed)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let write = || write_synced(&aside, bytes).and_then(|()| fs::rename(&aside, path));
    let mut written = write();
    for _ in 0..SWEPT {
        // A scheduler that starts tidies up, and cannot tell a writer that lives from one that is dead.
        if !written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound && folder.is_dir()) {
            break;
        }
        written = write();
    }
    written.and_then(|()| sync_folder(folder)).map_err(|source| {
        // The disk may be full: what was written aside must not stay.
        let _ = fs::remove_file(&aside);
        failed(source)
    })
}

/// Whether a file of `size` bytes can be written into `folder`, which is left as it was.
pub fn probe(folder: &Path, size: usize) -> Result<(), StoreError> {
    let path = folder.join(format!(".trial.{}.tmp", std::process::id()));
    let written = write_synced(&path, &vec![1; size]);
    let removed = fs::remove_file(&path);
    written.and(removed).map_err(|source| StoreError::Write { path: folder.to_owned(), source })
}

/// Makes `folder` and those above it, each synced into its parent.
pub fn create_folders(folder: &Path) -> Result<(), StoreError> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let failed = |source| StoreError::Write { path: folder.to_owned(), source };
    let parent = folder.parent().unwrap_or(Path::new(""));
    create_folders(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
        Err(_) if !folder.is_dir() => Err(failed(in_the_way(folder))),
        _ => sync_folder(parent).map_err(failed),
    }
}

/// What stands where a folder is to be.
fn in_the_way(folder: &Path) -> io::Error {
    let text = match fs::read_link(folder) {
        Ok(target) => {
            format!("it is a link to `{}`, which is not there; make that folder, or remove the link", target.display())
        }
        Err(_) => "it is a file, expected a folder".to_owned(),
    };
    io::Error::new(io::ErrorKind::NotADirectory, text)
}

/// Removes what writers that died left aside below `folder`. Nobody may be writing there.
pub fn sweep(folder: &Path) -> Result<(), StoreError> {
    for path in unfinished(folder)? {
        match fs::remove_file(&path) {
            // A worker of a killed scheduler may still have finished it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(|source| StoreError::Write { path, source })?,
        }
    }
    Ok(())
}

/// Removes what writers left aside below `folder` whose processes are not among `living`; how many files.
///
/// For a disk that is full of what those left who were killed, while others write on.
pub fn sweep_dead(folder: &Path, living: &BTreeSet<u32>) -> Result<usize, StoreError> {
    let mut swept = 0;
    for path in unfinished(folder)? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if writer(&name).is_some_and(|pid| !living.contains(&pid)) && fs::remove_file(&path).is_ok() {
            swept += 1;
        }
    }
    Ok(swept)
}

/// The process that writes aside to a file of this name: tags begin with its id.
fn writer(name: &str) -> Option<u32> {
    let (_, tag) = name.strip_suffix(".tmp")?.rsplit_once('.')?;
    tag.split('-').next()?.parse().ok()
}

/// What writers left aside below `folder`, or are writing now.
pub fn unfinished(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |source| StoreError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            files.extend(unfinished(&entry.path())?);
        } else if is_unfinished(&entry.file_name().to_string_lossy()) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// Where the file that is to be at `path` is written by the writer called `tag`.
pub(crate) fn beside(path: &Path, tag: &str) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(path.with_file_name(format!(".{}.{tag}.tmp", name.to_string_lossy())))
}

/// Whether a file of this name was being written by [`put`] or piece by piece.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|rest| rest.strip_suffix(".tmp").is_some())
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(here)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn what_a_dead_writer_left_is_swept_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        create_folders(&root.path().join("x")).unwrap();
        put(&root.path().join("x/c.0"), b"kept", "t").unwrap();
        fs::write(root.path().join("x/.c.1.run-2.tmp"), b"torn").unwrap();
        sweep(root.path()).unwrap();
        let left: Vec<_> = fs::read_dir(root.path().join("x")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["c.0"]);
    }

    #[test]
    fn of_what_is_unfinished_only_that_of_the_dead_is_swept_from_under_the_living() {
        let root = tempfile::tempdir().unwrap();
        for name in ["c.0", ".c.1.7-1.tmp", ".c.2.8-3.tmp", ".zarr.json.scheduler-7.tmp", ".c.3.run.tmp"] {
            fs::write(root.path().join(name), b"torn").unwrap();
        }
        assert_eq!(sweep_dead(root.path(), &BTreeSet::from([8])).unwrap(), 1);
        assert!(!root.path().join(".c.1.7-1.tmp").exists());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 4);
    }

    /// A scheduler that is started anew sweeps while workers of the one before it write.
    #[test]
    fn a_file_that_is_swept_away_while_it_is_written_is_written_again() {
        let root = tempfile::tempdir().unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        let swept = std::thread::scope(|scope| {
            let sweeper = scope.spawn(|| {
                // Schedulers that start one after the other: how often they meet a file does not hang on the speed of the disk.
                let mut swept = std::collections::BTreeMap::new();
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    for path in unfinished(root.path()).unwrap() {
                        let times: &mut u32 = swept.entry(path.clone()).or_default();
                        if *times < SWEPT && fs::remove_file(path).is_ok() {
                            *times += 1;
                        }
                    }
                }
                swept.values().sum::<u32>()
            });
            let written: Vec<_> = (0..300).map(|n| put(&root.path().join(format!("c.{n}")), &[7; 4096], "t")).collect();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(written.iter().filter(|written| written.is_err()).count(), 0);
            sweeper.join().unwrap()
        });
        assert!(swept > 0, "they have met");
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
