//! Mean images on their way to the disk: `.<file>.<process>.tmp` beside the file that they are to be.
//!
//! The folder is shared by sweeps, and by machines. Whoever writes holds a lock on the file, which goes with the process;
//! where there are no locks, its number in the name is asked for.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Under which name this process writes what is to be called `name`.
pub(super) fn name(name: &str) -> String {
    format!(".{name}.{}.tmp", std::process::id())
}

/// Writes `bytes` to `aside`, durably.
pub(super) fn write(aside: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(aside)?;
    // Without locks the name has to do.
    let _ = file.try_lock();
    file.write_all(bytes)?;
    file.sync_all()
}

/// Removes from `folder` what processes that have ended left unfinished; which files.
pub fn sweep(folder: &Path) -> Vec<PathBuf> {
    let dead = unfinished(folder).into_iter().filter(|file| !is_written(file));
    dead.filter(|file| fs::remove_file(file).is_ok()).collect()
}

/// The unfinished mean images in `folder`, whoever writes them, in the order of their names; links are none.
pub fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut files: Vec<PathBuf> = files.map(|entry| entry.path()).filter(|path| writer(path).is_some()).collect();
    files.sort();
    files
}

/// The process that writes `file`, as its name says.
fn writer(file: &Path) -> Option<u32> {
    let name = file.file_name()?.to_str()?.strip_prefix('.')?.strip_suffix(".tmp")?;
    let (mean, process) = name.rsplit_once('.')?;
    process.parse().ok().filter(|_| mean.ends_with("_mean.pt"))
}

/// Whether a living process writes `file`. This one writes none while it sweeps: in a container all have the same number.
fn is_written(file: &Path) -> bool {
    let locked = File::open(file).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
    let lives = |process: u32| process != std::process::id() && machine::process::exists(process);
    locked || writer(file).is_some_and(lives)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parent of a test is a process that lives, and none has the largest number.
    #[test]
    fn what_the_dead_left_is_swept_and_what_the_living_write_stays() {
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
        assert_eq!(unfinished(folder.path()).len(), 4);
        assert_eq!(sweep(folder.path()), [at(&dead), at(&ours)]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5);
        drop(writer);
        assert_eq!(sweep(folder.path()), [locked]);
    }

    #[test]
    fn a_folder_that_is_not_there_has_nothing_to_sweep() {
        assert!(sweep(Path::new("/nowhere/at/all")).is_empty());
    }
}
