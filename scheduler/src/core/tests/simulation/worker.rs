//! Behaviour of worker processes.

use plan::work::{Repeated, kind_of};

use super::super::*;
use super::weather::CLASSES;
use super::world::{BEAT, Happening, POLICY, World};

impl World {
    pub(super) fn call(&mut self, index: usize) {
        if self.core.is_none() {
            return self.after(Duration::from_secs(1), Happening::Calls(index));
        }
        self.lines += 1;
        let worker = WorkerId(self.lines);
        let process = &mut self.processes[index];
        let (slot, holds) = (process.slot, process.called.then(|| process.holds()));
        if !process.called {
            self.after(BEAT, Happening::Beats(index));
        }
        let process = &mut self.processes[index];
        (process.called, process.line, process.heard) = (true, Some(worker), self.now);
        let delay = self.random.millis(1, 50);
        let arrival = (self.now + delay).max(self.processes[index].arrivals[1]);
        self.processes[index].arrivals[1] = arrival;
        self.at(arrival, Happening::Hears(self.run, Event::Connected { worker, slot, holds }));
        for message in self.processes[index].unnoted.clone() {
            self.say(index, &message);
        }
    }

    /// A heartbeat. Who has heard nothing for a lease ends itself, whatever it is doing.
    pub(super) fn beat(&mut self, index: usize) {
        if self.now > self.processes[index].heard + POLICY.lease {
            return self.die(index, left(ExitCode::LeaseLost));
        }
        self.say(index, &FromWorker::Alive);
        self.after(BEAT, Happening::Beats(index));
    }

    pub(super) fn tell(&mut self, index: usize, line: WorkerId, message: ToWorker) {
        let process = &mut self.processes[index];
        if process.line != Some(line) {
            return;
        }
        process.heard = self.now;
        match message {
            ToWorker::Grant { unit, attempt, .. } => {
                process.take(unit, attempt);
                if process.leaving { self.give_back(index, None) } else { self.begin(index) }
            }
            ToWorker::Withdraw { unit, attempt } => self.give_back(index, Some((&unit, attempt))),
            ToWorker::Noted { unit, attempt } => process.noted(&unit, attempt),
            ToWorker::Stop => {
                let delay = self.random.millis(1, 3000);
                self.after(delay, Happening::Dies(index, Ended::Code(0)));
            }
            ToWorker::Welcome { .. }
            | ToWorker::Renewed
            // The fleet deals with these.
            | ToWorker::Challenge { .. }
            | ToWorker::Proof { .. } => {}
        }
    }

    pub(super) fn give_back(&mut self, index: usize, only: Option<(&UnitId, u32)>) {
        for returned in self.processes[index].give_back(only) {
            self.say(index, &returned);
        }
    }

    /// SIGTERM: what is under way stops, too, and the process ends a while later.
    pub(super) fn leave(&mut self, index: usize) {
        let process = &mut self.processes[index];
        (process.leaving, process.under_way) = (true, None);
        self.say(index, &FromWorker::Leaving);
        self.give_back(index, None);
        let delay = self.random.millis(1, 3000);
        self.after(delay, Happening::Dies(index, left(ExitCode::Preempted)));
    }

    pub(super) fn begin(&mut self, index: usize) {
        let process = &mut self.processes[index];
        if process.under_way.is_some() || process.todo.is_empty() {
            return;
        }
        self.serial += 1;
        process.under_way = Some(self.serial);
        let serial = self.serial;
        let took = self.random.millis(500, 30_000);
        if self.random.chance(self.weather.crash) {
            self.after(took, Happening::Dies(index, Ended::Signal(11)));
        } else if !self.random.chance(self.weather.hang) {
            self.after(took, Happening::Finishes(index, serial));
        }
    }

    pub(super) fn finish(&mut self, index: usize, serial: u64) {
        if self.processes[index].under_way != Some(serial) {
            return;
        }
        self.processes[index].under_way = None;
        let Some((unit, attempt)) = self.processes[index].todo.pop_front() else { return };
        let failure = self.failure_of(&unit.id());
        let id = unit.id();
        let message = if let Some(class) = failure {
            FromWorker::Failed { unit: id, attempt, class, text: "broken".into() }
        } else {
            self.write(&unit);
            if self.random.chance(self.weather.cut) {
                return self.die(index, KILLED);
            }
            FromWorker::Done { unit: id, attempt, report: Report::default() }
        };
        self.processes[index].unnoted.push(message.clone());
        self.say(index, &message);
        if failure == Some(Failure::Sticky) {
            return self.after(Duration::from_millis(200), Happening::Dies(index, left(ExitCode::DeviceLost)));
        }
        self.begin(index);
    }

    pub(super) fn failure_of(&mut self, id: &UnitId) -> Option<Failure> {
        if self.weather.poison.is_some() && *id == self.poison {
            return self.weather.poison;
        }
        if self.disk.full {
            return Some(Failure::Storage);
        }
        self.random.chance(self.weather.fail).then(|| CLASSES[self.random.below(CLASSES.len() as u64) as usize])
    }

    pub(super) fn write(&mut self, unit: &Unit) {
        if unit.kind == "means" {
            let mut shards = self.shards(&unit.group).into_iter();
            assert!(shards.all(|unit| self.disk.units.contains(&unit.id())), "means before the last shard");
        }
        if let Some(Piece::Pass | Piece::Variant(_)) = unit.piece {
            let predictions = Unit { piece: Some(Piece::Predictions), ..unit.clone() }.id();
            assert!(self.disk.units.contains(&predictions), "maps before the predictions that they explain");
        }
        for before in self.before(unit) {
            assert!(self.disk.units.contains(&before), "{} before {before}", unit.id());
        }
        let resumes = kind_of(self.kinds, unit).is_some_and(|kind| kind.repeated() == Repeated::Resumes);
        if resumes && self.disk.units.contains(&unit.id()) {
            // The last checkpoint exists: it wins.
            return;
        }
        *self.disk.written.entry(unit.id()).or_default() += 1;
        self.disk.units.insert(unit.id());
    }

    pub(super) fn die(&mut self, index: usize, how: Ended) {
        if !std::mem::replace(&mut self.processes[index].alive, false) {
            return;
        }
        self.hang_up(index);
        let process = &self.processes[index];
        let how = if process.parent == self.run { how } else { Ended::Unseen };
        let (slot, delay) = (process.slot, self.random.millis(1, 500));
        self.after(delay, Happening::Hears(self.run, Event::Exited { slot, how }));
    }

    /// The process ends unseen, and cannot be started again: the scheduler hears no more of it than that.
    pub(super) fn refuse(&mut self, index: usize) {
        if !std::mem::replace(&mut self.processes[index].alive, false) {
            return;
        }
        self.hang_up(index);
        let (slot, delay) = (self.processes[index].slot, self.random.millis(1, 500));
        let event = Event::LaunchFailed { slot, reason: "no such node".into() };
        self.after(delay, Happening::Hears(self.run, event));
    }
}
