//! Blows: whoever kills, stops and fills up what the sweep needs.

use super::super::*;
use super::weather::Fault;
use super::world::{Happening, World, is_final};

impl World {
    pub(super) fn strike(&mut self) {
        let bad = !self.weather.faults.is_empty();
        if bad {
            let fault = self.weather.faults[self.random.below(self.weather.faults.len() as u64) as usize];
            self.do_harm(fault);
        }
        if bad && self.outcome.as_ref().is_none_or(|outcome| !is_final(outcome)) {
            let delay = self.random.millis(500, 25_000);
            self.after(delay, Happening::Strikes);
        }
    }

    pub(super) fn do_harm(&mut self, fault: Fault) {
        let slot = self.random.below(self.slots as u64) as usize;
        match (fault, self.living(slot)) {
            (Fault::KillWorker, Some(index)) => self.die(index, KILLED),
            (Fault::TerminateWorker, Some(index)) => self.die(index, Ended::Signal(15)),
            (Fault::PreemptWorker, Some(index)) if self.processes[index].called && !self.processes[index].frozen => {
                self.leave(index);
            }
            (Fault::FreezeWorker, Some(index)) if !self.processes[index].frozen => {
                self.processes[index].frozen = true;
                let delay = self.random.millis(1000, 60_000);
                self.after(delay, Happening::Thaws(index));
            }
            (Fault::StickWorker, Some(index)) if !self.processes[index].frozen => {
                (self.processes[index].frozen, self.processes[index].stuck) = (true, true);
                let delay = self.random.millis(1000, 300_000);
                self.after(delay, Happening::Thaws(index));
            }
            (Fault::BreakLine, Some(index)) if self.processes[index].line.is_some() => {
                self.hang_up(index);
                self.after(Duration::from_secs(1), Happening::Calls(index));
            }
            (Fault::SecondCaller, Some(_)) if self.core.is_some() => {
                self.lines += 1;
                let (worker, holds) = (WorkerId(self.lines), None);
                let Some(core) = &mut self.core else { return };
                // Only where it cannot be the first one.
                if core.slots.worker(slot).is_some() {
                    let actions = core.on_event(self.now, Event::Connected { worker, slot, holds });
                    assert!(actions.contains(&Action::Send(worker, ToWorker::Stop)), "a second caller was let in");
                    self.act(actions);
                }
            }
            (Fault::CrashScheduler, _) if self.core.is_some() => {
                self.core = None;
                for index in 0..self.processes.len() {
                    if self.processes[index].alive && self.processes[index].line.take().is_some() {
                        self.after(Duration::from_secs(1), Happening::Calls(index));
                    }
                }
                let down = self.random.millis(500, 45_000);
                self.after(down, Happening::Starts);
            }
            (Fault::FreezeScheduler, _) => {
                let end = self.now + self.random.millis(1000, 90_000);
                self.stopped_until = self.stopped_until.max(end);
            }
            (Fault::FillDisk, _) if !self.disk.full => {
                self.disk.full = true;
                let delay = self.random.millis(1000, 60_000);
                self.after(delay, Happening::Room);
            }
            (Fault::SickDevice, _) if self.conditions[slot] == Condition::Well => {
                let hot = self.random.chance(300);
                self.turn(slot, if hot { Condition::Doubtful("hot".into()) } else { Condition::Bad("XID".into()) });
                let delay = self.random.millis(1000, 240_000);
                self.after(delay, Happening::Recovers(slot));
            }
            (Fault::RefuseJob, Some(index)) if !self.processes[index].frozen => self.refuse(index),
            (Fault::Interrupt, _) => self.feed(Event::Interrupt),
            _ => {}
        }
    }

    /// A device is in another condition now, which the scheduler that runs hears of.
    pub(super) fn turn(&mut self, slot: usize, condition: Condition) {
        self.conditions[slot] = condition.clone();
        let delay = self.random.millis(1, 2000);
        self.after(delay, Happening::Hears(self.run, Event::Health { slot, condition }));
    }
}
