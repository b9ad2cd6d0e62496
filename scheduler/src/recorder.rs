//! Tells the journal of a sweep what passes between scheduler and workers. Decides nothing.

use std::collections::HashMap;

use fleet::WorkerId;
use journal::{Count, Ended, Event, History, Journal, SweepStart};
use plan::Plan;
use sha2::{Digest, Sha256};
use sweep::message::{FromWorker, ToWorker};
use sweep::unit::UnitId;

use crate::core::Outcome;

/// Who serves a place, and what it holds.
#[derive(Debug, Default)]
struct Served {
    device: String,
    pid: Option<u32>,
    held: Vec<(String, u32)>,
}

/// The journal of one sweep, and whom it is about.
#[derive(Debug)]
pub(crate) struct Recorder {
    journal: Journal,
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
            units: plan.units.len() as u64,
            afresh,
        };
        let journal = Journal::begin(&journal::file(&plan.config.paths.output_dir), start);
        Self { journal, slots: HashMap::new(), slot_of: HashMap::new() }
    }

    /// Failures of a sweep that was cut off and is gone on with. Without a journal nothing was.
    pub(crate) fn counts(plan: &Plan) -> Vec<Count> {
        let history = History::open(&journal::file(&plan.config.paths.output_dir));
        let counts = history.and_then(|history| history.map_or_else(|| Ok(Vec::new()), |history| history.counts()));
        counts.unwrap_or_else(|error| {
            tracing::info!(%error, "how often units failed before is not known");
            Vec::new()
        })
    }

    /// A unit ended with its worker, and that is held against it.
    pub(crate) fn blamed(&mut self, unit: UnitId, attempt: u32, class: &str, text: String) {
        for served in self.slots.values_mut() {
            served.held.retain(|held| *held != (unit.0.clone(), attempt));
        }
        let how = Ended::Lost { class: class.to_owned(), text };
        self.journal.tell(Event::Ended { unit: unit.0, attempt, how });
    }

    /// Something happened to the fleet, whose processes have these ids.
    pub(crate) fn heard(&mut self, event: &fleet::Event, pid: impl Fn(usize) -> Option<u32>) {
        match event {
            fleet::Event::Connected { worker, slot, device, holds, .. } => {
                self.slot_of.insert(*worker, *slot);
                let served = self.slots.entry(*slot).or_default();
                served.device.clone_from(device);
                served.pid = pid(*slot);
                for (unit, attempt) in holds.iter().flatten() {
                    self.held(*worker, unit.0.clone(), *attempt);
                }
            }
            fleet::Event::Message { worker, message } => self.message(*worker, message),
            fleet::Event::Disconnected { .. }
            | fleet::Event::Health { .. }
            | fleet::Event::Queued { .. }
            | fleet::Event::Began { .. }
            | fleet::Event::Exited { .. } => {}
        }
    }

    /// The process of `slot` has ended, and what follows from that was told: whatever else it held was not begun.
    pub(crate) fn exited(&mut self, slot: usize) {
        self.slot_of.retain(|_, of| *of != slot);
        let held = self.slots.remove(&slot).map(|served| served.held);
        for (unit, attempt) in held.into_iter().flatten() {
            self.journal.tell(Event::Ended { unit, attempt, how: Ended::Stopped });
        }
    }

    /// Something is said to a worker.
    pub(crate) fn said(&mut self, worker: WorkerId, message: &ToWorker) {
        if let ToWorker::Grant { unit, attempt } = message {
            self.held(worker, unit.id().0, *attempt);
        }
    }

    /// `worker` holds an attempt: granted now, or by a scheduler before this one.
    fn held(&mut self, worker: WorkerId, unit: String, attempt: u32) {
        let Some((slot, served)) = self.served(worker) else { return };
        if served.held.contains(&(unit.clone(), attempt)) {
            return;
        }
        served.held.push((unit.clone(), attempt));
        let (device, pid) = (served.device.clone(), served.pid);
        self.journal.tell(Event::Granted { unit, attempt, worker: worker.0, slot, device, pid });
    }

    /// The sweep has ended. Waits for the last lines, not for long.
    pub(crate) fn over(mut self, outcome: &Outcome) {
        let word = match outcome {
            Outcome::Complete => "complete".to_owned(),
            Outcome::Interrupted => journal::INTERRUPTED.to_owned(),
            Outcome::Incomplete(units) => {
                for (unit, reason) in units {
                    self.journal.tell(Event::GivenUp { unit: unit.0.clone(), reason: reason.clone() });
                }
                format!("{} units failed", units.len())
            }
            Outcome::NoWorkers(text) => text.clone(),
        };
        self.journal.end(&word);
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
        let Some(at) = served.held.iter().position(|held| *held == (unit.0.clone(), attempt)) else { return };
        served.held.remove(at);
        self.journal.tell(Event::Ended { unit: unit.0.clone(), attempt, how });
    }

    fn served(&mut self, worker: WorkerId) -> Option<(usize, &mut Served)> {
        let slot = *self.slot_of.get(&worker)?;
        self.slots.get_mut(&slot).map(|served| (slot, served))
    }
}
