//! Tells the journal of a sweep what passes between scheduler and workers. Decides nothing.

use std::collections::HashMap;

use fleet::WorkerId;
use journal::{Ended, Event, Journal, SweepStart};
use plan::Plan;
use sha2::{Digest, Sha256};
use sweep::message::{FromWorker, ToWorker};

use crate::core::Outcome;

/// Who serves a place, and what it holds.
#[derive(Debug, Default)]
struct Served {
    device: String,
    pid: Option<u32>,
    stopping: bool,
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
    /// Begins a sweep in the journal of its output folder.
    pub(crate) fn begin(plan: &Plan) -> Self {
        let config = &plan.config.file;
        let text = std::fs::read(config).unwrap_or_default();
        let start = SweepStart {
            program: format!("attrisweep {}", env!("CARGO_PKG_VERSION")),
            config: std::path::absolute(config).as_deref().unwrap_or(config).display().to_string(),
            config_sha256: hex::encode(Sha256::digest(text)),
            pid: std::process::id(),
            units: plan.units.len() as u64,
        };
        let journal = Journal::begin(&journal::file(&plan.config.paths.output_dir), start);
        Self { journal, slots: HashMap::new(), slot_of: HashMap::new() }
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
            fleet::Event::Disconnected { .. } => {}
            // Only now is it known how the worker was lost.
            fleet::Event::Exited { slot, how } => {
                self.slot_of.retain(|_, of_worker| of_worker != slot);
                let Some(Served { stopping, held, .. }) = self.slots.remove(slot) else { return };
                for (unit, attempt) in held {
                    let how = if stopping { Ended::Stopped } else { Ended::Lost(format!("its worker ended: {how:?}")) };
                    self.journal.tell(Event::Ended { unit, attempt, how });
                }
            }
        }
    }

    /// Something is said to a worker.
    pub(crate) fn said(&mut self, worker: WorkerId, message: &ToWorker) {
        match message {
            ToWorker::Grant { unit, attempt } => self.held(worker, unit.id().0, *attempt),
            ToWorker::Stop => {
                if let Some((_, served)) = self.served(worker) {
                    served.stopping = true;
                }
            }
            _ => {}
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
            Outcome::Interrupted => "interrupted".to_owned(),
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
