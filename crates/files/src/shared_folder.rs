//! Temporary files in a folder that several sweeps, perhaps on several machines, write to.
//!
//! A writer holds a lock on its temporary file ([`crate::durable::put_locked`]), and the lock goes with the process. Where the
//! file system has no locks, the process id in the name is asked for. The tag of a temporary file is that process id alone.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::FileError;
use crate::durable::{create_folders, put_locked};
use crate::temporary::parts;

/// Writes `bytes` to `path`, whose folder is made if need be.
pub fn put(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    create_folders(path.parent().unwrap_or(Path::new("")))?;
    put_locked(path, bytes, &std::process::id().to_string())
}

/// Removes from `folder` the temporary files of processes that have ended. Returns the removed files.
pub fn remove_leftovers(folder: &Path, is_ours: fn(&str) -> bool) -> Vec<PathBuf> {
    let dead = temporary_files(folder, is_ours).into_iter().filter(|file| !is_being_written(file));
    dead.filter(|file| fs::remove_file(file).is_ok()).collect()
}

/// Temporary files in `folder` of files whose names are `is_ours`, whichever process writes them, in the order of their names.
/// Links do not count.
pub fn temporary_files(folder: &Path, is_ours: fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let ours = |path: &PathBuf| writer(path).is_some_and(|(name, _)| is_ours(name));
    let mut files: Vec<PathBuf> = files.map(|entry| entry.path()).filter(ours).collect();
    files.sort();
    files
}

/// Name of the file that is to be, and id of the process that writes it.
fn writer(file: &Path) -> Option<(&str, u32)> {
    let (name, process) = parts(file.file_name()?.to_str()?)?;
    Some((name, process.parse().ok()?))
}

/// Whether a living process writes `file`. This process writes nothing while it tidies up: in a container every process may have
/// the same id.
fn is_being_written(file: &Path) -> bool {
    let locked = File::open(file).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
    let lives = |process: u32| process != std::process::id() && machine::process::exists(process);
    locked || writer(file).is_some_and(|(_, process)| lives(process))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_mean(name: &str) -> bool {
        name.ends_with("_mean.pt")
    }

    /// The parent of a test is a process that lives, and none has the largest number.
    #[test]
    fn what_the_dead_left_is_removed_and_what_the_living_write_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (own, other) = (std::process::id(), std::os::unix::process::parent_id());
        let (dead, ours) = (format!(".x_mean.pt.{}.tmp", u32::MAX), format!(".y_mean.pt.{own}.tmp"));
        let theirs = format!(".x_mean.pt.{other}.tmp");
        for name in [dead.as_str(), &ours, &theirs, "x_mean.pt", ".x_mean.pt.mine.tmp", ".x.7.tmp"] {
            fs::write(at(name), "torn").unwrap();
        }
        let locked = at(".z_mean.pt.4294967295.tmp");
        let writer = File::create(&locked).unwrap();
        writer.lock().unwrap();
        assert_eq!(temporary_files(folder.path(), is_mean).len(), 4);
        assert_eq!(remove_leftovers(folder.path(), is_mean), [at(&dead), at(&ours)]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5);
        drop(writer);
        assert_eq!(remove_leftovers(folder.path(), is_mean), [locked]);
    }

    #[test]
    fn a_folder_that_is_not_there_has_nothing_to_remove() {
        assert!(remove_leftovers(Path::new("/nowhere/at/all"), is_mean).is_empty());
    }
}
