//! Reactions to what workers say, and to how they end.

use fleet::{Ended, WorkerId};
use protocol::message::{Failure, FromWorker, Report, ToWorker};
use sweep::unit::UnitId;

use super::failure::{Class, words};
use super::slots::Left;
use super::units::claim::Claim;
use super::{Action, Core, Now, Unwritable};

impl Core {
    pub(super) fn on_connected(
        &mut self,
        now: Now,
        (worker, slot): (WorkerId, usize),
        holds: Option<Vec<(UnitId, u32)>>,
        actions: &mut Vec<Action>,
    ) {
        // A second caller for a slot that is served, or one that comes too late, is not needed.
        if self.ending.is_some() || !self.slots.connect(slot, worker, holds.is_some(), now) {
            actions.push(Action::Send(worker, ToWorker::Stop));
            return;
        }
        if !self.take_back(now, slot, &holds.unwrap_or_default()) {
            tracing::warn!(slot, "worker is ended: it holds a unit that is another one's");
            self.slots.dismiss(slot, Class::Lost, "its worker held a unit that was another one's");
            self.kill(slot, now, actions);
        }
    }

    /// Compares the units that a worker says it holds with what is known; false if the two cannot be reconciled.
    fn take_back(&mut self, now: Now, slot: usize, holds: &[(UnitId, u32)]) -> bool {
        let known = self.slots.held(slot).to_vec();
        let (mut held, mut reconciled) = (Vec::new(), true);
        for (id, attempt) in holds {
            match self.units.claim(id, slot, *attempt) {
                Claim::Held { unit, waited } => {
                    if waited {
                        self.queue.remove(unit);
                        self.hold(slot, unit, now);
                    }
                    held.push(unit);
                }
                Claim::Useless => {}
                Claim::Refused => reconciled = false,
            }
        }
        // A grant that was under way when the line broke never arrived.
        for unit in known.into_iter().filter(|unit| !held.contains(unit)) {
            self.release(slot, unit, now);
            self.units.put_back(unit);
            self.queue.push(unit, false);
        }
        reconciled
    }

    pub(super) fn on_message(&mut self, now: Now, worker: WorkerId, message: FromWorker, actions: &mut Vec<Action>) {
        let Some(slot) = self.slots.heard(worker, now) else { return };
        match message {
            FromWorker::Hello { .. } | FromWorker::Sees(_) | FromWorker::Alive => {}
            FromWorker::Leaving => self.slots.leaves(slot),
            FromWorker::Returned { unit, attempt } => {
                if let Some(index) = self.units.granted(&unit, slot, attempt) {
                    self.release(slot, index, now);
                    self.units.put_back(index);
                    self.queue.push(index, false);
                }
                actions.push(Action::Send(worker, ToWorker::Noted { unit, attempt }));
            }
            FromWorker::Done { unit, attempt, report } => {
                self.on_done(now, slot, (&unit, attempt), report, actions);
                actions.push(Action::Send(worker, ToWorker::Noted { unit, attempt }));
            }
            FromWorker::Failed { unit, attempt, class, text } => {
                self.on_failed(now, slot, (&unit, attempt), class, &text);
                actions.push(Action::Send(worker, ToWorker::Noted { unit, attempt }));
            }
        }
    }

    fn on_done(
        &mut self,
        now: Now,
        slot: usize,
        (unit, attempt): (&UnitId, u32),
        report: Report,
        actions: &mut Vec<Action>,
    ) {
        let Some(index) = self.units.finish(unit, slot, attempt) else { return };
        self.slots.proven(slot, self.queue.home(index));
        self.output_folder.proven();
        self.units.took(index, self.slots.since(slot, index, now));
        self.release(slot, index, now);
        actions.push(Action::Count { unit: unit.clone(), maps: self.units.maps(index), report });
        for unit in self.units.freed_by(index) {
            self.queue.push(unit, false);
        }
        let group = self.units.group(index);
        if self.units.completes(group) {
            self.output_folder.unclosed.insert(group);
            actions.push(Action::Close(group));
        }
    }

    fn on_failed(&mut self, now: Now, slot: usize, (unit, attempt): (&UnitId, u32), class: Failure, text: &str) {
        let Some(index) = self.units.granted(unit, slot, attempt) else { return };
        self.release(slot, index, now);
        if class == Failure::Storage {
            tracing::info!(%unit, attempt, error = text, "unit cannot be written");
            self.units.put_back(index);
            // Others may be of a store that can be written.
            self.queue.push(index, true);
            self.output_folder.failed(now, text);
            return;
        }
        tracing::warn!(target: super::TOLD, %unit, attempt, ?class, error = text, "unit failed");
        if let Some(last) = self.units.failed(index, class.into(), text) {
            self.queue.push(index, last);
        }
        if class == Failure::Group {
            self.stop_group(self.units.group(index));
        }
    }

    /// Gives up the waiting units of a group whose input is bad. Units that workers hold end by themselves.
    fn stop_group(&mut self, group: usize) {
        for unit in self.units.stop(group) {
            self.queue.remove(unit);
        }
    }

    pub(super) fn on_exited(&mut self, now: Now, slot: usize, how: Ended, actions: &mut Vec<Action>) {
        if let Some(left) = self.slots.exited(slot, how.into(), words(how)) {
            self.inherit(now, slot, left, actions);
        }
    }

    /// Puts the units of a worker that is gone back into the queue.
    pub(super) fn inherit(&mut self, now: Now, slot: usize, left: Left, actions: &mut Vec<Action>) {
        self.queue.leave(left.home);
        // The first is the one that was computed; the others only waited behind it.
        let first = left.held.first().filter(|_| self.ending.is_none()).copied();
        // A unit that ended a worker before says little of the device at which it does so again.
        if self.ending.is_none() && !first.is_some_and(|unit| self.units.suspect(unit)) {
            self.slots.suspect(slot, left.class.answer(self.policy.max_retries).device, now);
        }
        for index in left.held {
            let last = if first == Some(index) {
                let ((unit, attempt), class, text) = (self.units.attempt(index), left.class.name(), left.text.clone());
                actions.push(Action::Blame { unit, attempt, class, text });
                self.units.failed(index, left.class, &left.text)
            } else {
                self.units.put_back(index);
                Some(false)
            };
            if let Some(last) = last {
                self.queue.push(index, last);
            }
        }
        self.launch_wanted(now, actions);
    }

    pub(super) fn on_unwritable(&mut self, now: Now, what: Unwritable, reason: &str) {
        match what {
            Unwritable::Log { slot } => self.on_launch_failed(slot, None, now),
            // It is closed once the folder can be written, which may come back or be locked again.
            Unwritable::Group(_) | Unwritable::Folder => {}
        }
        self.output_folder.failed(now, reason);
    }

    pub(super) fn on_tried(&mut self, now: Now, result: Result<(), String>, actions: &mut Vec<Action>) {
        if self.output_folder.tried(now, result) && self.ending.is_none() {
            actions.extend(self.output_folder.unclosed.iter().copied().map(Action::Close));
            self.launch_wanted(now, actions);
        }
    }
}
