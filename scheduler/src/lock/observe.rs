//! Observation of a lock from outside, for `scheduler status`.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::heartbeat::{TIMES, Times, Watched, watch};
use super::signature::{Found, Holder, path};

/// Holder of a lock, as seen from outside.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Nobody,
    Runs(Holder),
    /// A holder on another host whose signature has not changed during the looks: the holder ended without giving the
    /// lock back, is frozen, or is cut off.
    Silent(Holder),
}

/// Looks for the holder of the lock of `folder`. Where the kernel does not know the lock of another host, looking takes some
/// seconds.
pub(crate) fn holder(folder: &Path) -> Seen {
    seen(folder, TIMES)
}

pub(super) fn seen(folder: &Path, times: Times) -> Seen {
    let path = path(folder);
    let locked = match File::open(&path) {
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => return Seen::Nobody,
    };
    let found = Found::at(&path).ok();
    if locked {
        let unknown = Holder { pid: 0, host: "an unknown machine".to_owned(), since: 0 };
        return Seen::Runs(found.and_then(|found| found.signature).map_or(unknown, |found| found.holder));
    }
    let foreign =
        found.and_then(|found| Some((found.signature.clone().filter(|found| !found.is_of_here())?.holder, found)));
    let Some((holder, found)) = foreign else { return Seen::Nobody };
    match watch(&path, found, times.glance, times.look, &|| true) {
        Ok(Watched::Moved(now)) => Seen::Runs(now.signature.map_or(holder, |now| now.holder)),
        Ok(Watched::Gone) => Seen::Nobody,
        Ok(Watched::Still(_)) | Err(_) => Seen::Silent(holder),
    }
}
