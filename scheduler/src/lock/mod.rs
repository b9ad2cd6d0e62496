//! Lock of an output folder: one scheduler at a time. The kernel drops the lock with the process, however the process ends.
//!
//! Some file systems keep locks on each host by itself (Lustre `localflock`, NFS `nolock` or `local_lock=flock`). So the
//! holder signs the lock file and renews the signature every few seconds (`heartbeat`). A process that gets the kernel's
//! lock and finds a signature of another host watches the signature first. A file without a signature belongs to the process
//! that made the file, which only one host can do.

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

/// Lock that is held for as long as the scheduler may write.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    place: Place,
    folder: PathBuf,
    own: Signature,
    times: Times,
    /// Whether the lock was lost, and the kernel's lock was let go to lock anew.
    let_go: bool,
    _beat: Beat,
}

impl Lock {
    /// Reason for which the folder is no longer ours, if there is one. The folder may have been moved away, or its lock
    /// file deleted, and another scheduler may hold the lock of what exists now. A scheduler on another host may have
    /// taken this process for dead while the process was frozen.
    pub(crate) fn lost(&self) -> Option<String> {
        let folder = self.folder.display();
        let found = Found::still(&path(&self.folder), self.place).ok().flatten();
        match found.as_ref().map(|found| found.is_of_another_than(&self.own)) {
            Some(Some(other)) => Some(format!("another scheduler has taken `{folder}`{}", named(Some(&other.holder)))),
            Some(None) if !self.let_go => None,
            _ => Some(format!("`{folder}` was moved away, or its lock file was deleted")),
        }
    }

    /// Locks the folder again as the folder is now, if the lock was lost. Waiting goes on until the lock is not `wanted`
    /// any more.
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
    /// Removes the signature, so that the next scheduler need not ask whether this process lives.
    fn drop(&mut self) {
        let path = path(&self.folder);
        let found = Found::still(&path, self.place).ok().flatten().and_then(|found| found.signature);
        if found.is_some_and(|found| found.token == self.own.token) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Number and length of waits for the kernel's lock: a process that asks for the holder takes the lock for a moment.
const PATIENCE: (u32, Duration) = (10, Duration::from_millis(20));

/// Makes `folder` if the folder does not exist, and locks the folder.
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

/// Owner of the lock file, after the kernel has given us its lock.
enum Claim {
    Ours,
    Taken(Option<Holder>),
    /// The file does not exist any more, or another file is in its place.
    Gone,
}

impl Taking<'_> {
    fn take(&self) -> Result<Lock, Failure> {
        files::durable::create_folders(self.folder)?;
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

    /// Takes the kernel's lock. Where the lock is one for all hosts, and among the processes of one host, nothing more
    /// is needed. A process that holds the lock and has not signed is about to sign, or to give the lock back; at the
    /// longest the process watches a blank file before.
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

    /// Asks the kernel for the lock, now and for a moment longer.
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

    /// Signs the file at `path`, which we have `made` or found, unless a process on another host has signed.
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

/// Opens the lock file at `path`, and says whether this call made the file: of all processes that try at the same moment, on
/// all hosts, one makes the file.
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

/// Whether the file system supports no locks: Lustre without `-o flock`, NFS without a lock service.
fn without_locks(error: &Error) -> bool {
    // ENOSYS and EOPNOTSUPP are of this kind, ENOLCK of none.
    error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(libc::ENOLCK)
}

/// Refuses a folder without locks. A file that says that the folder is taken would be no substitute: a crash leaves the file
/// behind.
fn unlockable(folder: &Path, error: &Error) -> Failure {
    let text = format!(
        "the output folder `{}` is on a file system without locks (flock: {error}), so that nothing would keep a second \
         scheduler out; have it mounted with them (Lustre: `-o flock`), or choose another `final_output_dir`",
        folder.display()
    );
    Failure { code: Code::Storage, text }
}
