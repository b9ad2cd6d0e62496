//! Heartbeat of a lock: a thread of its own renews the signature, whatever else the process waits for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, sleep};
use std::time::Duration;

use super::signature::{Found, Place, Signature};

/// Times by which a process sees whether another one lives. Clocks of two hosts are never compared, nor are times of files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Time between two renewals of a signature.
    pub(super) beat: Duration,
    /// Time between two looks at the signature of another process.
    pub(super) look: Duration,
    /// Number of looks without a change after which the holder counts as dead.
    pub(super) patience: u32,
    /// Number of looks at a file without a signature: the process that made the file signs at once, or at the next beat.
    pub(super) blank: u32,
    /// Number of looks by which `status` judges whether a holder lives.
    pub(super) glance: u32,
    /// Time after which two processes that take over from the same dead holder see each other.
    pub(super) settle: Duration,
}

/// Files are opened for each look, which NFS answers from the server. On a mount with `nocto`, NFS may answer with what it
/// knows for as long as attributes are cached, 60 s (`acregmax`). The looks take longer than 60 s and a few late beats.
pub(super) const TIMES: Times = Times {
    beat: Duration::from_secs(2),
    look: Duration::from_secs(1),
    patience: 90,
    blank: 6,
    glance: 5,
    settle: Duration::from_secs(1),
};

/// Renews a signature until the heartbeat is dropped, or the process ends or freezes.
#[derive(Debug)]
pub(super) struct Beat {
    _until_dropped: Sender<()>,
}

impl Beat {
    pub(super) fn begin(path: PathBuf, place: Place, mut own: Signature, every: Duration) -> io::Result<Self> {
        let (sender, dropped) = channel();
        // Nobody waits for its end: it may hang with the disk.
        Builder::new().name("lock".to_owned()).spawn(move || {
            let mut failing = false;
            while dropped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                own.beat += 1;
                // Written in place, it needs no room. A store that is away is waited for, as the sweep does.
                let renewed = renew(&path, place, &own);
                if let Err(error) = &renewed
                    && !failing
                {
                    tracing::info!(%error, "the lock file cannot be renewed");
                }
                failing = renewed.is_err();
            }
        })?;
        Ok(Self { _until_dropped: sender })
    }
}

/// Signs again, unless another process has signed: a process that was frozen may have been taken for dead.
pub(super) fn renew(path: &Path, place: Place, own: &Signature) -> io::Result<()> {
    let found = Found::still(path, place)?.filter(|found| found.is_of_another_than(own).is_none());
    found.map_or(Ok(()), |found| found.sign(own))
}

/// Result of watching a lock file.
#[derive(Debug)]
pub(super) enum Watched {
    /// All looks found the same signature.
    Still(Found),
    /// The signature has changed: its holder lives.
    Moved(Found),
    /// The file was removed or replaced, or the watcher has lost interest.
    Gone,
}

/// Watches the file that was `found` at `path` for this number of `looks`. Looks are counted, and not time: the first answer
/// of a server that was away for minutes may be an old one, and counts as one look.
pub(super) fn watch(
    path: &Path,
    mut found: Found,
    looks: u32,
    every: Duration,
    wanted: &dyn Fn() -> bool,
) -> io::Result<Watched> {
    for _ in 0..looks {
        sleep(every);
        let Some(now) = Found::still(path, found.place)?.filter(|_| wanted()) else { return Ok(Watched::Gone) };
        if now.text != found.text {
            return Ok(Watched::Moved(now));
        }
        found = now;
    }
    Ok(Watched::Still(found))
}
