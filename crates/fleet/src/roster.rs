//! The roster: workers that were started, by slot. It is kept on disk, for a scheduler that comes after this one.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::about::About;
use protocol::access::{ACCESS, Access, Running};

use crate::error::FleetError;
use crate::launchers::{Launcher, Survivor, Ticket};

/// The roster of one scheduler, and its file, which is removed together with an empty roster.
pub(crate) struct Roster {
    file: PathBuf,
    access: Access,
}

impl Roster {
    /// Writes `access` to `file`.
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

    /// A number that no worker of an earlier scheduler has: the nanoseconds since 1970.
    pub(crate) fn instance() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64)
    }

    /// Whether `instance` was started last for `slot` and is not known to have ended.
    pub(crate) fn knows(&self, slot: usize, instance: u64) -> bool {
        self.access.processes.get(&slot).is_some_and(|running| running.instance == instance)
    }

    /// The start that `slot` has last seen.
    pub(crate) fn instance_of(&self, slot: usize) -> Option<u64> {
        self.access.processes.get(&slot).map(|running| running.instance)
    }

    /// Process id of the worker in `slot`, where the launcher knows one.
    pub(crate) fn pid(&self, slot: usize) -> Option<u32> {
        self.access.processes.get(&slot).and_then(|running| ticket(running).pid)
    }

    pub(crate) fn add(&mut self, slot: usize, running: Running) {
        self.access.processes.insert(slot, running);
        self.write();
    }

    /// Notes what the worker of `slot` says of itself, for whoever asks how the sweep is.
    pub(crate) fn describe(&mut self, slot: usize, about: &About) {
        if let Some(running) = self.access.processes.get_mut(&slot) {
            running.about = Some(Box::new(about.clone()));
            self.write();
        }
    }

    pub(crate) fn remove(&mut self, slot: usize) {
        self.access.processes.remove(&slot);
        self.write();
    }

    /// On a full disk an older file stays: a later scheduler then sends away workers that it does not find there.
    fn write(&self) {
        if let Err(error) = self.access.write(&self.file) {
            tracing::info!(%error, file = %self.file.display(), "cannot write which workers run");
        }
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        // A worker that was left behind has its device: the next scheduler must know of it.
        let empty = self.access.processes.is_empty();
        // Of a folder that was moved away another scheduler may have the place.
        if empty && Access::read(&self.file).is_some_and(|access| access == self.access) {
            let _ = std::fs::remove_file(&self.file);
        }
    }
}

/// Workers of the sweep in the output folder `folder` that may still live, as `launcher` says.
pub fn survivors(folder: &Path, launcher: &dyn Launcher) -> Vec<Survivor> {
    let access = Access::read(&folder.join(ACCESS)).unwrap_or_default();
    let all = access.processes.into_values().map(|running| Survivor { ticket: ticket(&running), gpu: running.gpu });
    all.filter(|survivor| launcher.adopt(&survivor.ticket)).collect()
}

/// Workers of the sweep in the output folder `folder` that wait for a place at `launcher`: their slots, and the reasons.
pub fn waiting(folder: &Path, launcher: &dyn Launcher) -> Vec<(usize, String)> {
    let access = Access::read(&folder.join(ACCESS)).unwrap_or_default();
    let (slots, tickets): (Vec<usize>, Vec<Ticket>) =
        access.processes.iter().map(|(slot, running)| (*slot, ticket(running))).unzip();
    let reasons = launcher.reasons(&tickets);
    slots.into_iter().zip(reasons).filter_map(|(slot, reason)| Some((slot, reason?))).collect()
}

/// Workers of the sweep in the output folder `folder` that have called from other machines: their slots, and what they said of
/// themselves.
pub fn workers(folder: &Path) -> Vec<(usize, About)> {
    let access = Access::read(&folder.join(ACCESS)).unwrap_or_default();
    access.processes.into_iter().filter_map(|(slot, running)| Some((slot, *running.about?))).collect()
}

/// The ticket of a worker, as it stands in the file.
pub(crate) fn ticket(running: &Running) -> Ticket {
    Ticket { name: running.identity.clone(), pid: Some(running.pid).filter(|pid| *pid != NO_PROCESS) }
}

/// The process id in the file where a launcher knows none.
const NO_PROCESS: u32 = 0;

/// The entry of the file for a worker that was started as `instance` for a slot with this GPU.
pub(crate) fn entry(instance: u64, ticket: &Ticket, gpu: Option<String>) -> Running {
    Running { instance, pid: ticket.pid.unwrap_or(NO_PROCESS), identity: ticket.name.clone(), gpu, about: None }
}
