//! One scheduler per output folder. The kernel drops the lock with the process, however it ends.
//!
//! The lock file says who holds it, for people and for `scheduler status`. What it says counts only while it is held.

use std::fs::{File, Metadata, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plan::exit::{Code, Failure};
use serde::{Deserialize, Serialize};

/// Held for as long as the scheduler may write.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    folder: PathBuf,
}

impl Lock {
    /// Whether the folder is still the one that was locked. Of one that was moved away, or whose lock file was deleted, another
    /// scheduler may hold the lock that is there now.
    pub(crate) fn holds(&self) -> bool {
        let here = std::fs::metadata(path(&self.folder));
        let same = |here: Metadata, locked: Metadata| (here.dev(), here.ino()) == (locked.dev(), locked.ino());
        here.and_then(|here| Ok(same(here, self.file.metadata()?))).unwrap_or(false)
    }

    /// Locks the folder again, if need be, as it is now.
    pub(crate) fn again(&mut self) -> Result<(), Failure> {
        if !self.holds() {
            *self = take(&self.folder.clone())?;
        }
        Ok(())
    }
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// Process id.
    pub(crate) pid: u32,
    /// The machine that it runs on: the folder may be shared.
    pub(crate) host: String,
    /// Since when, in seconds since 1970.
    pub(crate) since: u64,
}

/// Whoever asks who holds the lock takes it for a moment: that moment is waited for.
const PATIENCE: (u32, Duration) = (10, Duration::from_millis(20));

/// Longest text of a lock file that is read.
const MOST: u64 = 4096;

fn path(folder: &Path) -> PathBuf {
    folder.join(".attrisweep.lock")
}

/// Makes `folder` if need be and locks it.
pub(crate) fn take(folder: &Path) -> Result<Lock, Failure> {
    store::durable::create_folders(folder)?;
    let failed = |error: std::io::Error| Failure {
        code: Code::Storage,
        text: format!("the output folder `{}` cannot be written: {error}", folder.display()),
    };
    let mut file = File::options().create(true).truncate(false).write(true).open(path(folder)).map_err(failed)?;
    for _ in 0..PATIENCE.0 {
        match file.try_lock() {
            Ok(()) => {
                // A full disk must not stop who only wants to remove files.
                let _ = sign(&mut file);
                return Ok(Lock { file, folder: folder.to_owned() });
            }
            Err(TryLockError::WouldBlock) => sleep(PATIENCE.1),
            Err(TryLockError::Error(error)) if without_locks(&error) => return Err(unlockable(folder, &error)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
    let who = signature(folder).map(|holder| format!(" (process {} on {})", holder.pid, holder.host));
    let text = format!("another scheduler is writing to `{}`{}", folder.display(), who.unwrap_or_default());
    Err(Failure { code: Code::Storage, text })
}

/// Whether the file system knows no locks: Lustre without `-o flock`, NFS whose lock service is not there.
fn without_locks(error: &std::io::Error) -> bool {
    // ENOSYS and EOPNOTSUPP are of this kind, ENOLCK of none.
    error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(libc::ENOLCK)
}

/// A file that says that a folder is taken would be no substitute: a crash leaves it behind.
fn unlockable(folder: &Path, error: &std::io::Error) -> Failure {
    let text = format!(
        "the output folder `{}` is on a file system without locks (flock: {error}), so that nothing would keep a second \
         scheduler out; have it mounted with them (Lustre: `-o flock`), or choose another `final_output_dir`",
        folder.display()
    );
    Failure { code: Code::Storage, text }
}

/// Who holds the lock of `folder`; `None` if nobody does.
pub(crate) fn holder(folder: &Path) -> Option<Holder> {
    let file = File::open(path(folder)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let unknown = Holder { pid: 0, host: "an unknown machine".to_owned(), since: 0 };
            Some(signature(folder).unwrap_or(unknown))
        }
        _ => None,
    }
}

/// Writes into the lock file who holds it.
fn sign(file: &mut File) -> std::io::Result<()> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let holder = Holder { pid: std::process::id(), host, since };
    file.set_len(0)?;
    file.write_all(serde_json::to_string(&holder)?.as_bytes())
}

fn signature(folder: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path(folder)).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("attrisweep-lock-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_lock_tells_who_holds_it_and_nobody_once_it_is_dropped() {
        let folder = folder("holder");
        assert_eq!(holder(&folder), None);
        let lock = take(&folder).unwrap();
        assert_eq!(holder(&folder).map(|holder| holder.pid), Some(std::process::id()));
        let refused = take(&folder).unwrap_err();
        assert!(refused.text.contains(&format!("(process {} on ", std::process::id())), "{}", refused.text);
        drop(lock);
        assert_eq!(holder(&folder), None);
        take(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_folder_that_is_another_one_is_not_held() {
        let folder = folder("moved");
        let lock = take(&folder).unwrap();
        assert!(lock.holds());
        let away = folder.with_extension("away");
        std::fs::rename(&folder, &away).unwrap();
        assert!(!lock.holds(), "it has gone");
        let other = take(&folder).unwrap();
        assert!(other.holds() && !lock.holds(), "another scheduler holds the new one");
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::rename(&away, &folder).unwrap();
        assert!(lock.holds(), "it has come back");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_lock_file_that_says_nothing_is_held_all_the_same() {
        let folder = folder("silent");
        let lock = take(&folder).unwrap();
        std::fs::write(path(&folder), "\0\0\0").unwrap();
        assert_eq!(holder(&folder).map(|holder| holder.pid), Some(0));
        drop(lock);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
