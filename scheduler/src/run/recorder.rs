//! Recorder of a sweep: writes into the journal what passes between scheduler and workers, and decides nothing.

use std::collections::HashMap;

use fleet::WorkerId;
use journal::{Count, Ended, Event, History, Journal, SweepStart};
use plan::Plan;
use protocol::message::FromWorker;
use sha2::{Digest, Sha256};
use sweep::unit::UnitId;

use super::happening::{Happening, Listener};
use crate::core::Outcome;

/// Worker that serves a slot, and the units that the worker holds.
#[derive(Debug, Default)]
struct Served {
    device: String,
    pid: Option<u32>,
    held: Vec<(UnitId, u32)>,
}

/// Journal of one sweep, and the workers that the journal is about.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// Open journal; `None` once the sweep is over.
    journal: Option<Journal>,
    slots: HashMap<usize, Served>,
    slot_of: HashMap<WorkerId, usize>,
}

impl Recorder {
    /// Begins a sweep in the journal of its output folder, `afresh` or going on with one that was cut off.
    pub(crate) fn begin(plan: &Plan, afresh: bool) -> Self {
        let config = &plan.config.file;
        let text = std::fs::read(config).unwrap_or_default();
        let start = SweepStart {
            program: format!("attrisweep {}", env!("CARGO_PKG_VERSION")),
            config: std::path::absolute(config).as_deref().unwrap_or(config).display().to_string(),
            config_sha256: hex::encode(Sha256::digest(text)),
            pid: std::process::id(),
            units: plan::work::of_shards(&plan.units) as u64,
            afresh,
        };
        let journal = Journal::begin(&journal::file(&plan.config.paths.output_dir), start);
        Self { journal: Some(journal), slots: HashMap::new(), slot_of: HashMap::new() }
    }

    /// Failures of a sweep that was cut off and that this sweep continues. Without a journal there are none.
    pub(crate) fn counts(plan: &Plan) -> Vec<Count> {
        let history = History::open(&journal::file(&plan.config.paths.output_dir));
        let counts = history.and_then(|history| history.map_or_else(|| Ok(Vec::new()), |history| history.counts()));
        counts.unwrap_or_else(|error| {
            tracing::info!(%error, "how often units failed before is not known");
            Vec::new()
        })
    }

    fn write(&mut self, event: Event) {
        if let Some(journal) = &mut self.journal {
            journal.tell(event);
        }
    }

    fn connected(&mut self, worker: WorkerId, slot: usize, device: &str, pid: Option<u32>) {
        self.slot_of.insert(worker, slot);
        let served = self.slots.entry(slot).or_default();
        device.clone_into(&mut served.device);
        served.pid = pid;
    }

    /// Records that an attempt ended with its worker, and that the end is held against the unit.
    fn blamed(&mut self, unit: UnitId, attempt: u32, class: &str, text: String) {
        for served in self.slots.values_mut() {
            served.held.retain(|held| *held != (unit.clone(), attempt));
        }
        let how = Ended::Lost { class: class.to_owned(), text };
        self.write(Event::Ended { unit, attempt, how });
    }

    /// Records that the worker of `slot` is gone, after all that follows was heard: other units that the worker held
    /// were not begun.
    fn vacated(&mut self, slot: usize) {
        self.slot_of.retain(|_, of| *of != slot);
        let held = self.slots.remove(&slot).map(|served| served.held);
        for (unit, attempt) in held.into_iter().flatten() {
            self.write(Event::Ended { unit, attempt, how: Ended::Stopped });
        }
    }

    /// Records that `worker` holds an attempt, which was granted now, or by an earlier scheduler.
    fn held(&mut self, worker: WorkerId, unit: UnitId, attempt: u32) {
        let Some((slot, served)) = self.served(worker) else { return };
        if served.held.contains(&(unit.clone(), attempt)) {
            return;
        }
        served.held.push((unit.clone(), attempt));
        let (device, pid) = (served.device.clone(), served.pid);
        self.write(Event::Granted { unit, attempt, worker: worker.0, slot, device, pid });
    }

    /// Records the end of the sweep, and waits up to five seconds for the last lines.
    fn over(&mut self, outcome: &Outcome) {
        let word = match outcome {
            Outcome::Complete => "complete".to_owned(),
            Outcome::Interrupted => journal::INTERRUPTED.to_owned(),
            Outcome::Incomplete(units) => {
                for (unit, reason) in units {
                    self.write(Event::GivenUp { unit: unit.clone(), reason: reason.clone() });
                }
                format!("{} units failed", units.len())
            }
            Outcome::NoWorkers(text) => text.clone(),
        };
        if let Some(journal) = self.journal.take() {
            journal.end(&word);
        }
    }

    fn message(&mut self, worker: WorkerId, message: &FromWorker) {
        let (unit, attempt, how) = match message {
            FromWorker::Done { unit, attempt, report } => (unit, *attempt, Ended::Done(report.clone())),
            FromWorker::Failed { unit, attempt, class, text } => {
                (unit, *attempt, Ended::Failed { class: format!("{class:?}"), text: text.clone() })
            }
            FromWorker::Returned { unit, attempt } => (unit, *attempt, Ended::Stopped),
            _ => return,
        };
        let Some((_, served)) = self.served(worker) else { return };
        // A result that nobody asked for is refused by the core, and is no history.
        let Some(at) = served.held.iter().position(|held| *held == (unit.clone(), attempt)) else { return };
        served.held.remove(at);
        self.write(Event::Ended { unit: unit.clone(), attempt, how });
    }

    fn served(&mut self, worker: WorkerId) -> Option<(usize, &mut Served)> {
        let slot = *self.slot_of.get(&worker)?;
        self.slots.get_mut(&slot).map(|served| (slot, served))
    }
}

impl Listener for Recorder {
    fn hear(&mut self, happening: &Happening<'_>) {
        match *happening {
            Happening::Connected { worker, slot, device, pid, holds, .. } => {
                self.connected(worker, slot, device, pid);
                for (unit, attempt) in holds {
                    self.held(worker, unit.clone(), *attempt);
                }
            }
            Happening::Said { worker, message } => self.message(worker, message),
            Happening::Granted { worker, unit, attempt } => self.held(worker, unit.clone(), attempt),
            Happening::Blamed { unit, attempt, class, text } => {
                self.blamed(unit.clone(), attempt, class, text.to_owned());
            }
            Happening::Vacated { slot } => self.vacated(slot),
            Happening::Over { outcome } => self.over(outcome),
            Happening::Begun { .. }
            | Happening::Counted { .. }
            | Happening::Exited { .. }
            | Happening::LeftBehind { .. }
            | Happening::GivenUp { .. }
            | Happening::TriedAgain { .. }
            | Happening::Tick => {}
        }
    }
}
