//! Slots, one for each device: its worker, the units that the worker holds, and the time when the worker was last heard.

mod connections;
mod deadlines;
mod device_health;
mod jobs;
mod quarantine;
mod slot;
mod stuck;

use std::collections::{BTreeSet, HashMap};

use fleet::WorkerId;

use super::event::Now;
use super::failure::{Class, Suspicion};
use super::queue::Home;
pub(super) use slot::Left;
use slot::{Slot, State};

/// Slots of all devices of a sweep.
#[derive(Debug)]
pub(super) struct Slots {
    list: Vec<Slot>,
    by_worker: HashMap<WorkerId, usize>,
    /// Slots that serve and hold no unit, and slots that serve and hold one unit.
    idle: BTreeSet<usize>,
    busy: BTreeSet<usize>,
    /// Slots whose process may hold units that only the process itself knows of.
    unknown: BTreeSet<usize>,
    /// Whether any device has done a unit.
    worked: bool,
}

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        let list = (0..count).map(|_| Slot::empty()).collect();
        let (idle, busy) = (BTreeSet::new(), BTreeSet::new());
        Self { list, by_worker: HashMap::new(), idle, busy, unknown: BTreeSet::new(), worked: false }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Notes that a worker of an earlier scheduler may call for `slot`.
    pub(super) fn expect(&mut self, slot: usize, now: Now) {
        self.set(slot, State::Expected(now));
        self.unknown.insert(slot);
    }

    /// Whether any worker of an earlier scheduler has neither called nor ended, so that its units are not known.
    pub(super) fn expecting(&self) -> bool {
        !self.unknown.is_empty()
    }

    /// Marks the next free device as starting; devices with the least trouble come first.
    pub(super) fn launch_next(&mut self, now: Now) -> Option<usize> {
        let usable = |slot: &Slot| slot.state == State::Empty && slot.health.usable(now);
        let free = self.list.iter().enumerate().filter(|(_, slot)| usable(slot));
        let (index, _) = free.min_by_key(|(_, slot)| slot.health.trouble())?;
        self.set(index, State::Starting(now));
        Some(index)
    }

    /// Notes that the process of `slot` was not started, or not again: a fault of the device, or of the disk if there is no `fault`.
    /// Returns the units that the worker before held, whose job was put back into a queue and is refused there, and their home.
    pub(super) fn launch_failed(&mut self, slot: usize, fault: Option<String>, now: Now) -> (Vec<usize>, Option<Home>) {
        self.set(slot, State::Empty);
        let left = self.strip(slot);
        if let Some(reason) = fault {
            self.list[slot].last = reason;
            self.suspect(slot, Suspicion::Fault, now);
        }
        left
    }

    /// Notes that the worker of `slot` is to be ended, for this reason.
    pub(super) fn dismiss(&mut self, slot: usize, why: Class, text: impl Into<String>) {
        self.set(slot, State::Leaving);
        self.list[slot].ending = Some((why, text.into()));
    }

    /// Notes that the process of `slot` has ended; what its worker leaves, unless the slot had no process or its process
    /// was left behind.
    pub(super) fn exited(&mut self, slot: usize, class: Class, text: String) -> Option<Left> {
        let before = self.list[slot].state;
        self.set(slot, State::Empty);
        // What ends before it has called, and is not seen to end, would be started for ever.
        let class = if matches!(before, State::Starting(_)) && class == Class::Lost { Class::Device } else { class };
        (!matches!(before, State::Empty | State::Stuck(_))).then(|| self.bereave(slot, class, text))
    }

    /// Takes everything away from the slot of a worker that is gone.
    fn bereave(&mut self, slot: usize, class: Class, text: String) -> Left {
        let (class, text) = self.list[slot].ending.take().unwrap_or((class, text));
        self.list[slot].last.clone_from(&text);
        let (held, home) = self.strip(slot);
        Left { held, class, text, home }
    }

    /// Takes all that was of a worker from `slot`, so that nothing of it is believed of the next one; the units that the worker held,
    /// and the home of the last of them.
    fn strip(&mut self, slot: usize) -> (Vec<usize>, Option<Home>) {
        self.unknown.remove(&slot);
        let slot = &mut self.list[slot];
        (slot.warm, slot.asked, slot.leaves, slot.killed) = (None, None, false, None);
        (slot.sated, slot.until, slot.begun, slot.ending) = (false, None, None, None);
        (std::mem::take(&mut slot.held), slot.home.take())
    }

    pub(super) fn hold(&mut self, slot: usize, unit: usize, home: Home) {
        self.list[slot].held.push(unit);
        self.list[slot].home = Some(home);
        self.refile(slot);
    }

    pub(super) fn release(&mut self, slot: usize, unit: usize) {
        let of = &mut self.list[slot];
        of.held.retain(|held| *held != unit);
        of.asked = of.asked.filter(|asked| *asked != unit);
        (of.sated, of.begun) = (false, of.begun.filter(|(begun, _)| *begun != unit));
        self.refile(slot);
    }

    pub(super) fn held(&self, slot: usize) -> &[usize] {
        &self.list[slot].held
    }

    /// Home of the last unit that the worker of `slot` was given.
    pub(super) fn home(&self, slot: usize) -> Option<Home> {
        self.list[slot].home
    }

    /// Whether the worker of `slot` has done a unit of `home` just before.
    pub(super) fn warm(&self, slot: usize, home: Home) -> bool {
        self.list[slot].warm == Some(home)
    }

    /// Finds a worker that has nothing to do, or, if `ahead`, a worker that has a single unit.
    pub(super) fn hungry(&self, ahead: bool) -> Option<(usize, WorkerId)> {
        let slot = self.preferred(self.idle.iter()).or_else(|| self.preferred(self.busy.iter()).filter(|_| ahead))?;
        self.worker(slot).map(|worker| (slot, worker))
    }

    /// Slots with a process that is not left behind.
    pub(super) fn running(&self) -> impl Iterator<Item = usize> {
        let running = |(_, slot): &(usize, &Slot)| !matches!(slot.state, State::Empty | State::Stuck(_));
        self.list.iter().enumerate().filter(running).map(|(index, _)| index)
    }

    /// Worker that serves `slot`.
    pub(super) fn worker(&self, slot: usize) -> Option<WorkerId> {
        match self.list[slot].state {
            State::Serving { worker, .. } => Some(worker),
            _ => None,
        }
    }

    /// Description of how the last worker ended.
    pub(super) fn last_words(&self) -> String {
        let ended = self.list.iter().max_by_key(|slot| slot.health.trouble());
        ended.map(|slot| slot.last.clone()).unwrap_or_default()
    }

    fn set(&mut self, index: usize, state: State) {
        let was = std::mem::replace(&mut self.list[index].state, state);
        if let State::Serving { worker, .. } = was {
            self.by_worker.remove(&worker);
        }
        if let State::Serving { worker, .. } = state {
            self.by_worker.insert(worker, index);
        }
        self.refile(index);
    }

    /// Updates the sets of slots that can be given something.
    fn refile(&mut self, index: usize) {
        let slot = &self.list[index];
        let serving = matches!(slot.state, State::Serving { .. }) && !slot.leaves;
        for (set, holds) in [(&mut self.idle, 0), (&mut self.busy, 1)] {
            if serving && slot.held.len() == holds && !(slot.sated && holds > 0) {
                set.insert(index);
            } else {
                set.remove(&index);
            }
        }
    }

    /// Slots that hold each unit that is held.
    #[cfg(test)]
    pub(super) fn holders(&self) -> HashMap<usize, Vec<usize>> {
        let mut holders: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, slot) in self.list.iter().enumerate() {
            let gone = matches!(slot.state, State::Empty | State::Stuck(_));
            assert!(!gone || slot.held.is_empty(), "slot {index} has no process and holds units");
            slot.held.iter().for_each(|unit| holders.entry(*unit).or_default().push(index));
        }
        holders
    }
}
