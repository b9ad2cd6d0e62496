//! The connection to the scheduler: its state, which threads share, and the messages that a worker sends.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::framing;
use protocol::message::FromWorker;
use sweep::granted_batches::GrantedBatches;
use sweep::unit::{Unit, UnitId};

use super::granted_units::GrantedUnits;

/// Granted unit.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) unit: Unit,
    pub(crate) attempt: u32,
    /// Batch sizes for this device.
    pub(crate) batches: Arc<GrantedBatches>,
    /// Tag in the names of unfinished files: this process and this attempt.
    pub(crate) tag: String,
}

impl Grant {
    /// Span that names the unit in every line that is logged while the span is entered.
    pub(crate) fn span(&self) -> tracing::Span {
        tracing::info_span!("unit", unit = %self.unit.id(), attempt = self.attempt)
    }
}

/// The worker's end of the connection, which all threads may use.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    state: Arc<Mutex<State>>,
}

/// The state of a connection, one thread at a time.
#[derive(Debug)]
pub(super) struct State {
    /// Stream to the scheduler; `None` while the connection is broken.
    pub(super) out: Option<TcpStream>,
    pub(super) granted: GrantedUnits,
    /// Time of the scheduler's last message.
    pub(super) heard: Instant,
    pub(super) lease: Duration,
    /// Name of the sweep, for calling again.
    pub(super) sweep: String,
    /// Folder of the sweep's stores.
    folder: Option<PathBuf>,
    pub(super) stopping: bool,
    /// Whether somebody else than the scheduler says that this process has to go.
    pub(super) leaving: bool,
}

impl Link {
    /// Connection to the scheduler of `sweep` by `out`. The stores of the sweep are in `folder`.
    pub(super) fn new(out: Option<TcpStream>, lease: Duration, sweep: String, folder: Option<PathBuf>) -> Self {
        let (granted, heard) = (GrantedUnits::default(), Instant::now());
        let state = State { out, granted, heard, lease, sweep, folder, stopping: false, leaving: false };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Sends one message. A result that cannot be sent now is sent over the next connection.
    pub(crate) fn send(&self, message: &FromWorker) {
        let mut state = self.lock();
        state.granted.result(message);
        state.say(message);
    }

    /// Whether nothing more is to be computed: the scheduler has no more work, or the process has to go.
    pub(crate) fn stopping(&self) -> bool {
        let state = self.lock();
        state.stopping || state.leaving
    }

    /// Whether the scheduler was silent for a lease, so that others do the units of this worker by now.
    pub(crate) fn has_expired(&self) -> bool {
        let state = self.lock();
        state.heard.elapsed() > state.lease && !state.stopping
    }

    /// Whether a unit is to be computed now: the unit was not given back while it waited.
    pub(crate) fn begin(&self, grant: &Grant) -> bool {
        self.lock().granted.begin(&grant.unit.id(), grant.attempt)
    }

    /// Reports a unit that was stopped half-way, unless the scheduler itself has stopped the unit.
    pub(crate) fn stopped(&self, unit: UnitId, attempt: u32) {
        if self.lock().leaving {
            self.send(&FromWorker::Returned { unit, attempt });
        }
    }

    /// Says that this process has to leave, and gives back all units that are not begun.
    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        state.leaving = true;
        state.say(&FromWorker::Leaving);
        state.give_back();
    }

    /// Whether this process has to leave.
    pub(crate) fn is_leaving(&self) -> bool {
        self.lock().leaving
    }

    /// Whether the scheduler has heard the result of everything that it granted.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().granted.is_empty()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a store lies in the folder of this sweep: no message leads anywhere else.
    pub(super) fn is_inside(&self, store: &Path) -> bool {
        let strange = store.components().any(|part| part == Component::ParentDir);
        !strange && self.folder.as_deref().is_none_or(|folder| store.parent() == Some(folder))
    }

    /// Gives back all units that are not begun.
    pub(super) fn give_back(&mut self) {
        for returned in self.granted.withdraw_all() {
            self.say(&returned);
        }
    }

    pub(super) fn say(&mut self, message: &FromWorker) {
        let Some(out) = &mut self.out else { return };
        let Ok(line) = framing::encode(message) else { return };
        if let Err(error) = out.write_all(&line) {
            tracing::warn!(%error, "the line to the scheduler is broken");
            // The thread that reads is told so, too.
            let _ = out.shutdown(Shutdown::Both);
            self.out = None;
        }
    }
}

#[cfg(test)]
impl Link {
    /// A connection that is broken, and units that were granted on it before: their results wait to be sent.
    pub(crate) fn broken(units: &[(UnitId, u32)]) -> Self {
        let link = Self::new(None, Duration::MAX, String::new(), None);
        for (unit, attempt) in units {
            link.lock().granted.granted(unit.clone(), *attempt);
        }
        link
    }

    /// Results that the scheduler has not noted.
    pub(crate) fn results(&self) -> Vec<FromWorker> {
        self.lock().granted.results()
    }
}
