//! The roll: which processes were started for which slots, on disk for a scheduler that comes after this one.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::access::{ACCESS, Access, Running};

use crate::FleetError;
use crate::launchers::adopted::Adopted;

/// What stands in the file, and where that is. The file goes with this.
pub(crate) struct Roll {
    file: PathBuf,
    access: Access,
}

impl Roll {
    /// Begins with `access`.
    pub(crate) fn open(file: PathBuf, access: Access) -> Result<Self, FleetError> {
        access.write(&file).map_err(|source| FleetError::Access { file: file.clone(), source })?;
        Ok(Self { file, access })
    }

    pub(crate) fn address(&self) -> &str {
        &self.access.address
    }

    pub(crate) fn token(&self) -> &str {
        &self.access.token
    }

    /// A number that no process of an earlier scheduler has.
    pub(crate) fn instance() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64)
    }

    /// Whether `instance` is what was started last for `slot` and is not known to have ended.
    pub(crate) fn knows(&self, slot: usize, instance: u64) -> bool {
        self.access.processes.get(&slot).is_some_and(|running| running.instance == instance)
    }

    /// Process id of what runs in `slot`, where the launcher knows it.
    pub(crate) fn pid(&self, slot: usize) -> Option<u32> {
        self.access.processes.get(&slot).map(|running| running.pid).filter(|pid| *pid != 0)
    }

    pub(crate) fn add(&mut self, slot: usize, running: Running) {
        self.access.processes.insert(slot, running);
        self.write();
    }

    pub(crate) fn remove(&mut self, slot: usize) {
        self.access.processes.remove(&slot);
        self.write();
    }

    /// On a full disk an older roll stays: a later scheduler then sends away whom it does not find there.
    fn write(&self) {
        if let Err(error) = self.access.write(&self.file) {
            tracing::info!(%error, file = %self.file.display(), "cannot write which workers run");
        }
    }
}

impl Drop for Roll {
    fn drop(&mut self) {
        // A worker that was left behind has its device: the next scheduler must know of it.
        let empty = self.access.processes.is_empty();
        // Of a folder that was moved away another scheduler may have the place.
        if empty && Access::read(&self.file).is_some_and(|access| access == self.access) {
            let _ = std::fs::remove_file(&self.file);
        }
    }
}

/// A worker that outlived its scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// Its process.
    pub pid: u32,
    /// UUID of the GPU that it computes on.
    pub gpu: Option<String>,
}

/// Workers of the sweep in the output folder `folder` that live.
pub fn survivors(folder: &Path) -> Vec<Survivor> {
    let access = Access::read(&folder.join(ACCESS)).unwrap_or_default();
    let alive = access.processes.into_values().filter(|running| Adopted::find(running).is_some());
    alive.map(|running| Survivor { pid: running.pid, gpu: running.gpu }).collect()
}
