//! The heartbeat of a lock: the signature is renewed on a thread of its own, whatever else the process waits for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, sleep};
use std::time::Duration;

use super::signature::{Found, Place, Signature};

/// How long it takes to see whether somebody lives. Clocks of hosts are never compared, nor times of files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Between two renewals.
    pub(super) beat: Duration,
    /// Between two looks at somebody else's signature.
    pub(super) look: Duration,
    /// So many looks without a change, and its holder is dead.
    pub(super) patience: u32,
    /// So many, where nobody has signed: whoever made the file does so at once, or at the next beat.
    pub(super) blank: u32,
    /// So many tell `status` who is alive.
    pub(super) glance: u32,
    /// Two that take over from the same dead one see each other after this.
    pub(super) settle: Duration,
}

/// Files are opened for each look, which NFS answers from the server; mounted with `nocto`, it may show what it knows for as long as
/// attributes are cached, 60 s (`acregmax`). Patience is longer than that and a few beats that were late.
pub(super) const TIMES: Times = Times {
    beat: Duration::from_secs(2),
    look: Duration::from_secs(1),
    patience: 90,
    blank: 6,
    glance: 5,
    settle: Duration::from_secs(1),
};

/// Renews a signature until it is dropped, or the process ends or freezes.
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

/// Signs again, unless another one has signed: a process that was frozen may have been taken for dead.
pub(super) fn renew(path: &Path, place: Place, own: &Signature) -> io::Result<()> {
    let found = Found::still(path, place)?.filter(|found| found.is_of_another_than(own).is_none());
    found.map_or(Ok(()), |found| found.sign(own))
}

/// What came of watching a lock file.
#[derive(Debug)]
pub(super) enum Watched {
    /// All looks found the same.
    Still(Found),
    /// Its holder lives.
    Moved(Found),
    /// It was removed or replaced, or whoever watches does not want to any more.
    Gone,
}

/// Watches the file that was `found` at `path` for so many `looks`. Looks are counted, not time: of a server that was away for
/// minutes the first answer may be what it knew before, and it is one look.
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
