//! One scheduler per output folder. The kernel drops the lock with the process, however it ends.
//!
//! Some file systems keep locks on each host by itself (Lustre `localflock`, NFS `nolock` or `local_lock=flock`). So who holds
//! the lock signs the lock file and renews the signature every few seconds (`heartbeat`); whoever gets the lock and finds a
//! signature of another host there watches it first. A file that nobody has signed belongs to who made it, which one host can.

mod heartbeat;
mod observe;
mod signature;
#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use plan::exit::{Code, Failure};

use heartbeat::{Beat, TIMES, Times, Watched, watch};
pub(crate) use observe::{Seen, holder};
pub(crate) use signature::Holder;
use signature::{Found, Place, Signature, path};

/// Held for as long as the scheduler may write.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    place: Place,
    folder: PathBuf,
    own: Signature,
    times: Times,
    /// It was lost, and the kernel's lock was let go to lock anew.
    let_go: bool,
    _beat: Beat,
}

impl Lock {
    /// Why the folder is no longer ours, if it is not. Of one that was moved away, or whose lock file was deleted, another scheduler
    /// may hold the lock that is there now; and one on another host takes a process for dead that was frozen.
    pub(crate) fn lost(&self) -> Option<String> {
        let folder = self.folder.display();
        let found = Found::still(&path(&self.folder), self.place).ok().flatten();
        match found.as_ref().map(|found| found.is_of_another_than(&self.own)) {
            Some(Some(other)) => Some(format!("another scheduler has taken `{folder}`{}", named(Some(&other.holder)))),
            Some(None) if !self.let_go => None,
            _ => Some(format!("`{folder}` was moved away, or its lock file was deleted")),
        }
    }

    /// Locks the folder again, if need be, as it is now; that may take until it is not `wanted` any more.
    pub(crate) fn again(&mut self, wanted: &dyn Fn() -> bool) -> Result<(), Failure> {
        if self.lost().is_some() {
            self.let_go = true;
            // It may be the same file.
            let _ = self.file.unlock();
            let tell = |line: &str| tracing::info!("{line}");
            *self = Taking { folder: &self.folder.clone(), times: self.times, wanted, tell: &tell }.take()?;
        }
        Ok(())
    }
}

impl Drop for Lock {
    /// The next one need not ask whether we live.
    fn drop(&mut self) {
        let path = path(&self.folder);
        let found = Found::still(&path, self.place).ok().flatten().and_then(|found| found.signature);
        if found.is_some_and(|found| found.token == self.own.token) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Whoever asks who holds the lock takes it for a moment: that moment is waited for.
const PATIENCE: (u32, Duration) = (10, Duration::from_millis(20));

/// Makes `folder` if need be and locks it.
pub(crate) fn take(folder: &Path) -> Result<Lock, Failure> {
    let tell = |line: &str| {
        let _ = writeln!(std::io::stderr(), "{line}");
    };
    Taking { folder, times: TIMES, wanted: &|| true, tell: &tell }.take()
}

struct Taking<'a> {
    folder: &'a Path,
    times: Times,
    wanted: &'a dyn Fn() -> bool,
    tell: &'a dyn Fn(&str),
}

/// Whose the lock file is, of which the kernel has given us the lock.
enum Claim {
    Ours,
    Taken(Option<Holder>),
    /// It is not there any more, or another one is.
    Gone,
}

impl Taking<'_> {
    fn take(&self) -> Result<Lock, Failure> {
        store::durable::create_folders(self.folder)?;
        let (path, own) = (path(self.folder), Signature::new());
        for _ in 0..PATIENCE.0 {
            let (file, made) = match open(&path) {
                // Removed by who held it, in between.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                opened => opened.map_err(|error| self.failed(&error))?,
            };
            self.lock(&file)?;
            let place = file.metadata().map_err(|error| self.failed(&error))?.into();
            match self.claim(&path, place, made, &own) {
                Ok(Claim::Ours) => {
                    let beat = Beat::begin(path, place, own.clone(), self.times.beat);
                    let beat = beat.map_err(|error| self.failed(&error))?;
                    let folder = self.folder.to_owned();
                    return Ok(Lock { file, place, folder, own, times: self.times, let_go: false, _beat: beat });
                }
                Ok(Claim::Taken(by)) => return Err(self.taken(by.as_ref())),
                Ok(Claim::Gone) if (self.wanted)() => {}
                Ok(Claim::Gone) => break,
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Err(self.taken(None))
    }

    /// The kernel's lock: all that there is to it where that is of all hosts, and among the processes of one. Who has it and has not
    /// signed is about to, or to give it back; the longest that may take is to watch a blank file.
    fn lock(&self, file: &File) -> Result<(), Failure> {
        for _ in 0..self.times.blank + 2 {
            if self.locked(file)? {
                return Ok(());
            }
            let found = Found::at(&path(self.folder)).ok().and_then(|found| found.signature);
            if found.is_some() || !(self.wanted)() {
                return Err(self.taken(found.map(|found| found.holder).as_ref()));
            }
            sleep(self.times.look);
        }
        Err(self.taken(None))
    }

    /// Whether the kernel gives us the lock, now or in a moment.
    fn locked(&self, file: &File) -> Result<bool, Failure> {
        for _ in 0..PATIENCE.0 {
            match file.try_lock() {
                Ok(()) => return Ok(true),
                Err(TryLockError::WouldBlock) => sleep(PATIENCE.1),
                Err(TryLockError::Error(error)) if without_locks(&error) => {
                    return Err(unlockable(self.folder, &error));
                }
                Err(TryLockError::Error(error)) => return Err(self.failed(&error)),
            }
        }
        Ok(false)
    }

    /// Signs the file at `path`, which we have `made` or found, unless somebody on another host does.
    fn claim(&self, path: &Path, place: Place, made: bool, own: &Signature) -> std::io::Result<Claim> {
        let Some(found) = Found::still(path, place)? else { return Ok(Claim::Gone) };
        let looks = match &found.signature {
            None if made => 0,
            None => self.times.blank,
            Some(found) if found.is_of_here() => 0,
            Some(found) => {
                self.tell_of(found);
                self.times.patience
            }
        };
        let found = match watch(path, found, looks, self.times.look, self.wanted)? {
            Watched::Still(found) => found,
            Watched::Moved(found) => return Ok(Claim::Taken(found.signature.map(|found| found.holder))),
            Watched::Gone => return Ok(Claim::Gone),
        };
        // A full disk must not stop who only wants to remove files; the next beat tries again.
        if found.sign(own).is_ok() && looks > 0 {
            sleep(self.times.settle);
            let Some(now) = Found::still(path, place)? else { return Ok(Claim::Gone) };
            if let Some(other) = now.is_of_another_than(own) {
                return Ok(Claim::Taken(Some(other.holder.clone())));
            }
        }
        Ok(Claim::Ours)
    }

    fn tell_of(&self, Signature { holder: Holder { pid, host, .. }, .. }: &Signature) {
        let (folder, longest) = (self.folder.display(), (self.times.look * self.times.patience).as_secs());
        (self.tell)(&format!(
            "`{folder}` was locked by process {pid} on {host}, which did not give it back: it is taken over in {longest} s, \
             unless that still runs"
        ));
    }

    fn failed(&self, error: &Error) -> Failure {
        let text = format!("the output folder `{}` cannot be written: {error}", self.folder.display());
        Failure { code: Code::Storage, text }
    }

    fn taken(&self, by: Option<&Holder>) -> Failure {
        let text = format!("another scheduler is writing to `{}`{}", self.folder.display(), named(by));
        Failure { code: Code::Storage, text }
    }
}

/// The lock file at `path`, and whether it was made now: of all that try at the same moment, on all hosts, one does.
fn open(path: &Path) -> std::io::Result<(File, bool)> {
    let mut options = File::options();
    match options.write(true).create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok((File::options().write(true).open(path)?, false)),
        made => Ok((made?, true)),
    }
}

fn named(holder: Option<&Holder>) -> String {
    holder.map(|holder| format!(" (process {} on {})", holder.pid, holder.host)).unwrap_or_default()
}

/// Whether the file system knows no locks: Lustre without `-o flock`, NFS whose lock service is not there.
fn without_locks(error: &Error) -> bool {
    // ENOSYS and EOPNOTSUPP are of this kind, ENOLCK of none.
    error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(libc::ENOLCK)
}

/// A file that says that a folder is taken would be no substitute: a crash leaves it behind.
fn unlockable(folder: &Path, error: &Error) -> Failure {
    let text = format!(
        "the output folder `{}` is on a file system without locks (flock: {error}), so that nothing would keep a second \
         scheduler out; have it mounted with them (Lustre: `-o flock`), or choose another `final_output_dir`",
        folder.display()
    );
    Failure { code: Code::Storage, text }
}
