//! Turns of the workers that prove passes of one model at once: while one proves a pass, the others wait for its result.
//!
//! The file of proofs is locked by whoever proves. The system takes the lock from a process that ends, however it ends, so that nobody
//! waits for a dead one; and for one that hangs nobody waits longer than [`PATIENCE`], and only once.

use std::cell::{Cell, RefCell};
use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use network::SharedProofs;

use super::file::{append, open, read};

/// Longest wait for the proof of another worker: the longest proofs take some seconds, on a busy machine a few times as much.
const PATIENCE: Duration = Duration::from_secs(30);

/// Time between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(10);

/// Turns of this process at the file of proofs of one model.
#[derive(Debug)]
pub(super) struct Turns {
    file: PathBuf,
    patience: Duration,
    /// The file that is locked while this process proves.
    turn: RefCell<Option<File>>,
    /// Whether this process waits for nobody any more.
    alone: Cell<bool>,
}

impl Turns {
    pub(super) fn of(file: PathBuf) -> Self {
        Self { file, patience: PATIENCE, turn: RefCell::default(), alone: Cell::new(false) }
    }

    /// The file, locked; `None` where another process has it for too long.
    fn locked(&self) -> io::Result<Option<File>> {
        let (file, started) = (open(&self.file)?, Instant::now());
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if started.elapsed() >= self.patience => return Ok(None),
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            }
        }
    }
}

impl SharedProofs for Turns {
    fn begin(&self) -> Vec<String> {
        if self.alone.get() {
            return Vec::new();
        }
        // A lock of its own would keep this process out, too.
        self.turn.take();
        let locked = self.locked().unwrap_or_else(|error| {
            tracing::debug!(%error, file = %self.file.display(), "proofs are not shared");
            None
        });
        self.alone.set(locked.is_none());
        self.turn.replace(locked);
        read(&self.file)
    }

    fn end(&self, proved: Option<&str>) {
        if let Some(pass) = proved {
            append(&self.file, &[pass.to_owned()]);
        }
        self.turn.take();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn turns(folder: &Path) -> Turns {
        Turns::of(folder.join("proofs/model"))
    }

    #[test]
    fn a_worker_waits_for_the_proof_of_another_and_takes_it_over() {
        let folder = tempfile::tempdir().unwrap();
        let first = turns(folder.path());
        assert_eq!(first.begin(), [""; 0]);
        let (began, second) = (Instant::now(), turns(folder.path()));
        let waiting = thread::spawn(move || {
            let known = second.begin();
            second.end(None);
            (known, began.elapsed())
        });
        let proving = Duration::from_millis(200);
        thread::sleep(proving);
        first.end(Some("forward 8 32x32"));
        let (known, waited) = waiting.join().unwrap();
        assert!(known.contains(&"forward 8 32x32".to_owned()) && waited >= proving, "{known:?} after {waited:?}");
    }

    /// A lock goes with the last handle of its file, as it does when the system closes those of a killed process.
    #[test]
    fn nobody_waits_for_a_worker_that_is_gone_and_nobody_twice_for_one_that_hangs() {
        let folder = tempfile::tempdir().unwrap();
        let (gone, next) = (turns(folder.path()), turns(folder.path()));
        gone.begin();
        drop(gone);
        next.begin();
        assert!(!next.alone.get());
        let mut hasty = Turns { patience: Duration::from_millis(100), ..turns(folder.path()) };
        let began = Instant::now();
        hasty.begin();
        hasty.end(Some("backward"));
        assert!(began.elapsed() >= hasty.patience && hasty.alone.get());
        // A second wait would have no end.
        hasty.patience = Duration::MAX;
        hasty.begin();
        hasty.end(Some("backward"));
        next.end(None);
        assert_eq!(turns(folder.path()).begin().iter().filter(|pass| *pass == "backward").count(), 2);
    }
}
