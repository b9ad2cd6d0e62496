//! The scheduler's side of the world: what the core asks for is done, and what must hold is looked at.

use super::super::*;
use super::process::Process;
use super::world::{BEAT, Happening, POLICY, World, is_final};

impl World {
    /// A scheduler starts, for the first time or again: it knows what the stores hold, and which processes live.
    pub(super) fn start(&mut self) {
        self.run += 1;
        self.counted.clear();
        let mut jobs = Vec::new();
        let job = |group, unit| Job { group, unit, forecast: None };
        for (index, group) in self.groups.iter().enumerate() {
            let missing = self.shards(group).into_iter().filter(|unit| !self.disk.units.contains(&unit.id()));
            jobs.extend(missing.map(|unit| job(index, unit)));
        }
        let closes: Vec<bool> = (0..self.groups.len()).map(|index| !self.disk.closed.contains(&index)).collect();
        for (index, group) in self.groups.iter().enumerate().filter(|(index, _)| closes[*index]) {
            jobs.extend(self.follow_ups(group).into_iter().map(|unit| job(index, unit)));
        }
        let expected: Vec<usize> = (0..self.slots).filter(|slot| self.living(*slot).is_some()).collect();
        let Sweep { mut core, units } = Sweep::of_kinds(self.kinds, jobs, &closes, self.slots, POLICY);
        self.units = units;
        let actions = core.start(self.now, &expected);
        self.core = Some(core);
        self.told = vec![Condition::Well; self.slots];
        self.act(actions);
        self.after(BEAT, Happening::Tick(self.run));
        for slot in 0..self.slots {
            if self.conditions[slot] != Condition::Well {
                self.turn(slot, self.conditions[slot].clone());
            }
        }
    }

    /// The process of `slot`, if it has one.
    pub(super) fn living(&self, slot: usize) -> Option<usize> {
        self.processes.iter().position(|process| process.alive && process.slot == slot)
    }

    pub(super) fn hear(&mut self, mut event: Event) {
        if let Event::Message { worker, message: FromWorker::Alive } = &event {
            self.send(*worker, &ToWorker::Renewed);
        }
        if let Event::Connected { worker, .. } = &event {
            self.send(*worker, &ToWorker::Renewed);
        }
        if let Event::Health { slot, condition } = &mut event {
            // It is read only now.
            condition.clone_from(&self.conditions[*slot]);
            self.told[*slot] = condition.clone();
        }
        self.feed(event);
    }

    pub(super) fn feed(&mut self, event: Event) {
        self.events += 1;
        let Some(core) = &mut self.core else { return };
        let actions = core.on_event(self.now, event);
        self.act(actions);
    }

    pub(super) fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            let Some(core) = &self.core else { panic!("{action:?} after the end") };
            core.assert_consistent();
            match action {
                Action::Launch(slot) => self.launch(slot),
                Action::Kill(slot) => {
                    if let Some(index) = self.living(slot) {
                        self.processes[index].killed = true;
                        if self.processes[index].stuck {
                            continue;
                        }
                        let delay = self.random.millis(1, 50);
                        self.after(delay, Happening::Dies(index, KILLED));
                    }
                }
                Action::Grant { worker, task, attempt } => {
                    let unit = self.units[task].clone();
                    self.assert_trusted(worker);
                    assert!(core.ending.is_none(), "a grant after the end");
                    let holder = self.processes.iter().find(|process| process.works_on(&unit.id()));
                    assert!(
                        holder.is_none(),
                        "{} is granted, and the worker of {} has it",
                        unit.id(),
                        holder.unwrap().slot
                    );
                    self.send(worker, &ToWorker::Grant { unit, attempt, batches: Arc::default() });
                }
                Action::Send(worker, message) => self.send(worker, &message),
                Action::Count { unit, .. } => {
                    assert!(self.disk.units.contains(&unit), "{unit} is counted and not on disk");
                    assert!(self.counted.insert(unit), "a unit is counted twice");
                }
                Action::Blame { .. } | Action::GiveUp(_) | Action::TryAgain(_) => {}
                Action::LeaveBehind(slot) => {
                    assert!(self.living(slot).is_none_or(|index| self.processes[index].is_helpless()));
                }
                Action::Close(group) => self.close(group),
                Action::Try => {
                    let full = self.disk.full;
                    self.feed(Event::Tried(if full { Err("full".into()) } else { Ok(()) }));
                }
                Action::End(outcome) => self.end(outcome),
            }
        }
        if let Some(core) = &self.core {
            core.assert_consistent();
        }
    }

    pub(super) fn close(&mut self, group: usize) {
        let of = Arc::clone(&self.groups[group]);
        let mut units = self.shards(&of).into_iter().chain(self.follow_ups(&of));
        assert!(units.all(|unit| self.disk.units.contains(&unit.id())), "closed too early");
        if self.disk.full {
            self.feed(Event::Unwritable { what: Unwritable::Group(group), reason: "full".into() });
        } else {
            self.disk.closed.insert(group);
            self.feed(Event::Closed(group));
        }
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        let mut living = (0..self.slots).filter_map(|slot| self.living(slot));
        assert!(living.all(|index| self.processes[index].is_helpless()), "{outcome:?} while workers live");
        self.core = None;
        if !is_final(&outcome) {
            // Somebody runs it again.
            self.after(Duration::from_secs(1), Happening::Starts);
        }
        self.outcome = Some(outcome);
    }

    pub(super) fn launch(&mut self, slot: usize) {
        assert!(self.living(slot).is_none(), "a second process for slot {slot}");
        assert!(!matches!(self.told[slot], Condition::Bad(_)), "a worker for slot {slot}, whose device is bad");
        if self.random.chance(self.weather.stillborn / 3) {
            return self.feed(Event::LaunchFailed { slot, reason: "no program".into() });
        }
        let index = self.processes.len();
        self.processes.push(Process::new(slot, self.run, self.now));
        let delay = self.random.millis(100, 5000);
        match self.random.below(1000) {
            n if n < self.weather.stillborn / 3 => {}
            n if n < self.weather.stillborn => self.after(delay, Happening::Dies(index, left(ExitCode::NoDevice))),
            _ => self.after(delay, Happening::Calls(index)),
        }
    }

    /// Checks that a worker that is given work computes on a device that is not known to be bad.
    fn assert_trusted(&self, worker: WorkerId) {
        let of = self.processes.iter().find(|process| process.line == Some(worker));
        let bad = of.is_some_and(|process| matches!(self.told[process.slot], Condition::Bad(_)));
        assert!(!bad, "a grant for a bad device");
    }
}
